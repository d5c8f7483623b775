"""A plan as rating needs it, worked out once for however many accounts are on it.

Turns catalogue rows into rating's values: charges resolved from plan and template (PLN-3), prices
with the windows in which each is in force (PRC-4). Nothing here reads the database.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar
from uuid import UUID

from billing.bills import priced_counters
from billing.bills.compounds import CompoundMeasure, Compounds
from billing.bills.measures import Measure, Splits, measure
from billing.bills.priced_counters import CounterPrices
from billing.rating import terms
from billing.rating.cycles import CYCLIC, BillFrequency
from billing.rating.inputs import (
    Aggregation,
    Band,
    MinimumSpend,
    PlanGroup,
    PricingTerm,
    PricingType,
    Product,
    QuantityRounding,
    StandingCharge,
)
from billing.rating.schedule import EffectiveWindow, PricingCandidate, effective_windows
from catalog import effective
from catalog.models import Aggregation as AggregationRow
from catalog.models import CounterPricing, Plan, Pricing
from organizations.kernel.periods import Period
from organizations.models import OrganizationConfig

Value = TypeVar("Value")

_FREQUENCIES = {frequency.value: frequency for frequency in CYCLIC}


@dataclass(frozen=True, slots=True)
class PriceInForce:
    """One price with the windows in which it rates usage, and those it may bill in advance."""

    price: PricingTerm
    measure: Measure | CompoundMeasure
    windows: tuple[Period, ...]
    coming: tuple[Period, ...]


@dataclass(slots=True)
class PricedPlan:
    """One plan with its charges and prices, or a plan group with its charges (``plan_groups``).

    ``frequency`` is ``None`` for a plan that has no billing cycle (AD_HOC, PER-11). ``prices``
    have no windows yet; ``measures`` say, by pricing, what must be measured for them.
    """

    id: UUID
    name: str
    template_id: UUID | None
    product: Product | None
    currency: str
    frequency: BillFrequency | None
    interval: int
    standing_charge: StandingCharge | None
    minimum_spend: MinimumSpend | None
    prices: dict[UUID, PricingTerm]
    measures: dict[UUID, Measure | CompoundMeasure]
    candidates: tuple[PricingCandidate, ...]
    counters: CounterPrices = field(default_factory=CounterPrices)
    group: PlanGroup | None = None
    _in_force: dict[tuple[Period | None, Period | None], list[PriceInForce]] = field(
        default_factory=dict
    )

    @property
    def bills_in_advance(self) -> bool:
        """Whether any charge of the plan is billed at the start of a period."""
        charges = [self.standing_charge, self.minimum_spend]
        charges += [price.minimum_spend for price in self.prices.values()]
        return any(charge is not None and charge.in_advance for charge in charges)

    def in_force(self, arrears: Period | None, coming: Period | None) -> list[PriceInForce]:
        """Return the prices in force in a billing period and in the next (PRC-4).

        Worked out once: accounts of one cycle share both periods.
        """
        key = (arrears, coming)
        if key not in self._in_force:
            windows, ahead = self._windows(arrears), self._windows(coming)
            self._in_force[key] = [
                PriceInForce(
                    price,
                    self.measures[pricing_id],
                    tuple(window.period for window in windows if window.pricing_id == pricing_id),
                    tuple(window.period for window in ahead if window.pricing_id == pricing_id),
                )
                for pricing_id, price in self.prices.items()
            ]
        return self._in_force[key]

    def _windows(self, within: Period | None) -> list[EffectiveWindow]:
        return [] if within is None else effective_windows(self.candidates, within)


def price(
    plan: Plan,
    pricings: Iterable[Pricing],
    config: OrganizationConfig,
    compounds: Compounds,
    counter_pricings: Iterable[CounterPricing] = (),
) -> PricedPlan:
    """Return the plan with its charges resolved and the pricings that may apply to it."""
    pricings, counter_pricings = list(pricings), list(counter_pricings)
    template = plan.plan_template
    product = template.product
    return PricedPlan(
        id=plan.pk,
        name=plan.name,
        template_id=template.pk,
        product=Product(product.pk, product.name, product.code),
        currency=template.currency,
        frequency=_FREQUENCIES.get(template.bill_frequency),
        interval=template.bill_frequency_interval,
        standing_charge=_standing_charge(plan, config),
        minimum_spend=_minimum_spend(plan, config),
        prices={row.pk: _pricing_term(row, config) for row in pricings},
        measures=_measures(pricings, compounds),
        candidates=tuple(_candidate(row) for row in pricings),
        counters=priced_counters.price(
            counter_pricings, {row.pk: _the_same(_bands(row.bands)) for row in counter_pricings}
        ),
    )


def _standing_charge(plan: Plan, config: OrganizationConfig) -> StandingCharge | None:
    template = plan.plan_template
    return terms.standing_charge(
        terms.ChargeSettings(
            plan.standing_charge,
            plan.standing_charge_bill_in_advance,
            plan.standing_charge_description,
            plan.standing_charge_accounting_product_id,
        ),
        terms.ChargeSettings(
            template.standing_charge,
            template.standing_charge_bill_in_advance,
            template.standing_charge_description,
        ),
        organization_in_advance=config.standing_charge_bill_in_advance,
        interval=template.standing_charge_interval,
        offset=template.standing_charge_offset,
    )


def _minimum_spend(plan: Plan, config: OrganizationConfig) -> MinimumSpend | None:
    template = plan.plan_template
    return terms.minimum_spend(
        terms.ChargeSettings(
            plan.minimum_spend,
            plan.minimum_spend_bill_in_advance,
            plan.minimum_spend_description,
            plan.minimum_spend_accounting_product_id,
        ),
        terms.ChargeSettings(
            template.minimum_spend,
            template.minimum_spend_bill_in_advance,
            template.minimum_spend_description,
        ),
        organization_in_advance=config.minimum_spend_bill_in_advance,
    )


def _pricing_term(row: Pricing, config: OrganizationConfig) -> PricingTerm:
    return PricingTerm(
        id=row.pk,
        version=row.version,
        aggregation=_the_same(_measured(row)),
        bands=_the_same(_bands(row.bands)),
        cumulative=row.is_cumulative,
        tiers_span_plan=row.tiers_span_plan,
        type=PricingType(row.type),
        segment=effective.segment(row),
        description=row.description or None,
        accounting_product_id=row.accounting_product_id,
        minimum_spend=terms.minimum_spend(
            terms.ChargeSettings(
                row.minimum_spend,
                row.minimum_spend_bill_in_advance,
                row.minimum_spend_description,
            ),
            organization_in_advance=config.minimum_spend_bill_in_advance,
        ),
        overage_bands=_the_same(_bands(row.overage_bands)),
    )


@lru_cache(maxsize=4096)
def _the_same(value: Value) -> Value:
    """Return the first of all equal values: in later chunks too, rating compares it by identity."""
    return value


def _measured(row: Pricing) -> Aggregation:
    if row.compound_aggregation is None:
        return _aggregation(row.aggregation)
    compound = row.compound_aggregation
    return Aggregation(
        id=compound.pk,
        name=compound.name,
        code=compound.code,
        method="",
        unit=compound.unit,
        quantity_per_unit=compound.quantity_per_unit,
        rounding=QuantityRounding(compound.rounding),
        accounting_product_id=compound.accounting_product_id,
        is_compound=True,
    )


def _aggregation(row: AggregationRow) -> Aggregation:
    return Aggregation(
        id=row.pk,
        name=row.name,
        code=row.code,
        method=row.aggregation,
        unit=row.unit,
        quantity_per_unit=row.quantity_per_unit,
        rounding=QuantityRounding(row.rounding),
        meter_id=row.meter_id,
        accounting_product_id=row.accounting_product_id,
        query=row.custom_sql,
    )


def _measures(
    pricings: Iterable[Pricing], compounds: Compounds
) -> dict[UUID, Measure | CompoundMeasure]:
    """Return by pricing what is measured; the segments of one aggregation are one object."""
    splits: Splits = {}
    return {
        row.pk: compounds.measure(row, splits)
        if row.compound_aggregation_id
        else measure(row.aggregation, effective.segment(row), splits)
        for row in pricings
    }


def _bands(stored: Sequence[dict[str, object]]) -> tuple[Band, ...]:
    return tuple(
        Band(
            id=UUID(str(band["id"])),
            lower_limit=Decimal(str(band["lowerLimit"])),
            fixed_price=Decimal(str(band["fixedPrice"])),
            unit_price=Decimal(str(band["unitPrice"])),
        )
        for band in stored
    )


def _candidate(row: Pricing) -> PricingCandidate:
    return PricingCandidate(
        pricing_id=row.pk,
        aggregation_id=row.aggregation_id or row.compound_aggregation_id,
        segment=effective.segment(row),
        on_plan=row.plan_id is not None,
        period=Period(row.start_date, row.end_date),
    )
