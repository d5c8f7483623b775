"""Step: rate usage per account plan, pricing, segment and window (billing.md 3).

One line per window in which a price is in force; each window has its own bands starting at 0 and
nothing about usage is prorated (EFF-2, BND-7).
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from billing.rating import bands
from billing.rating.drafts import Draft, PlanOnBill
from billing.rating.inputs import (
    PricingTerm,
    PricingType,
    Product,
    QuantityRounding,
    RatingInput,
    UsageWindow,
)
from billing.rating.lines import LineType
from billing.rating.quantities import to_units
from billing.rating.records import usage_facts
from organizations.kernel.errors import DomainError
from organizations.kernel.money import eighteen_places


class CreditPricingNotRated(DomainError):
    """Pricings that give credit (CRD-1) are not rated yet; charging them would be wrong."""

    code = "CREDIT_PRICING_NOT_RATED"

    def __init__(self, pricing: PricingTerm) -> None:
        super().__init__(
            f"The pricing of {pricing.aggregation.name} has type {pricing.type.value}, "
            "which cannot be billed yet."
        )


def rate_usage(
    bill: RatingInput, plans: Sequence[PlanOnBill], drafts: Sequence[Draft]
) -> list[Draft]:
    """Return the USAGE lines of the bill."""
    lines = []
    for plan in plans:
        for pricing in plan.term.pricings:
            for window in pricing.windows:
                draft = _rate_window(plan, pricing, window)
                if draft is not None:
                    lines.append(draft)
    return lines


def _rate_window(plan: PlanOnBill, pricing: PricingTerm, window: UsageWindow) -> Draft | None:
    """Rate one quantity; ``None`` for no data (BND-5) and for an empty line (BND-6)."""
    quantity = window.quantity
    if quantity is None:
        return None
    if pricing.type is not PricingType.DEBIT:
        raise CreditPricingNotRated(pricing)
    aggregation = pricing.aggregation
    units = to_units(
        quantity, aggregation.quantity_per_unit, aggregation.rounding, name=aggregation.name
    )
    steps = bands.ladder(pricing.bands)
    portions = bands.split(
        units,
        steps,
        cumulative=pricing.cumulative,
        spans_plan=pricing.tiers_span_plan,
        before=window.units_before,
    )
    # What is shown and stored has 18 places; what is priced is exact (MON-7).
    shown = units if aggregation.rounding is not QuantityRounding.NONE else eighteen_places(units)
    subtotal = plan.rounded(bands.charge(portions), aggregation.name)
    if not quantity and not subtotal:
        return None
    return Draft(
        line_type=LineType.USAGE,
        plan=plan,
        description=_description(pricing),
        subtotal=subtotal,
        service_period=window.period,
        accounting_product_id=accounting_product_id(pricing, plan.term.product),
        facts=usage_facts(pricing, steps, window, shown),
        quantity=quantity,
        units=shown,
        unit=aggregation.unit,
        pricing=pricing,
        portions=tuple(portions),
    )


def accounting_product_id(pricing: PricingTerm, product: Product) -> UUID:
    """Return the Pricing's accounting product, else the Aggregation's, else the Plan's (15.5)."""
    return pricing.accounting_product_id or pricing.aggregation.accounting_product_id or product.id


def _description(pricing: PricingTerm) -> str:
    """LIN-5: the Pricing's own words, else the aggregation's name with the segment (SEG-2)."""
    if pricing.description:
        return pricing.description
    name = pricing.aggregation.name
    if not pricing.segment:
        return name
    return f"{name} ({', '.join(value for _, value in pricing.segment)})"
