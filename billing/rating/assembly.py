"""Last step: convert, number and add up the lines (billing.md 18, step 8)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

from billing.rating import records
from billing.rating.bands import Portion
from billing.rating.drafts import Draft
from billing.rating.inputs import RatingInput
from billing.rating.lines import BandUsage, LineType, RatedBill, RatedLine, line_key
from organizations.kernel.money import (
    ONE,
    ZERO,
    AmountTooLarge,
    RoundingNotPermitted,
    average_unit_price,
    convert,
    eighteen_places,
    find_rate,
    ten_places,
)

_TYPE_ORDER: Final = {line_type: position for position, line_type in enumerate(LineType)}
_LARGEST_TOTAL: Final = Decimal("1E20")


def assemble(bill: RatingInput, drafts: Iterable[Draft]) -> RatedBill:
    """Return the bill with its lines in the order of LIN-6 and their plain sum (INV-A).

    Raises ``MissingConversionRate`` (CUR-4), ``RoundingNotPermitted`` (MON-4), ``AmountTooLarge``.
    """
    ordered = sorted(((_order(draft), draft) for draft in drafts), key=lambda pair: pair[0])
    lines = tuple(
        _line(bill, draft, order[-1], sequence)
        for sequence, (order, draft) in enumerate(ordered, start=1)
    )
    total = sum((line.converted_subtotal for line in lines), ZERO)
    if not -_LARGEST_TOTAL < total < _LARGEST_TOTAL:
        raise AmountTooLarge(bill.bill_currency, "The whole bill")
    return RatedBill(
        account_id=bill.account_id,
        key=bill.key,
        period=bill.period,
        currency=bill.bill_currency.code,
        lines=lines,
        total=total,
    )


def _order(draft: Draft) -> tuple[str, int, datetime, str, str]:
    """LIN-6; the line key comes last so that equal words never leave the order to chance."""
    term = draft.plan.term
    key = line_key(
        draft.line_type,
        account_id=term.account_id,
        account_plan_id=term.id,
        pricing_id=draft.pricing.id if draft.pricing else None,
        segment=draft.segment,
        starts_at=draft.service_period.start,
    )
    return (
        term.product.code,
        _TYPE_ORDER[draft.line_type],
        draft.service_period.start,
        draft.description,
        key,
    )


def _line(bill: RatingInput, draft: Draft, key: str, sequence: int) -> RatedLine:
    term = draft.plan.term
    pricing = draft.pricing
    aggregation = pricing.aggregation if pricing else None
    currency = draft.plan.currency
    rate = find_rate(
        bill.conversion_rates,
        currency.code,
        bill.bill_currency.code,
        account_code=bill.account_code,
    )
    converted = _converted(bill, draft, rate)
    return RatedLine(
        line_type=draft.line_type,
        line_key=key,
        description=draft.description,
        quantity=draft.quantity,
        units=draft.units,
        unit=draft.unit,
        subtotal=draft.subtotal,
        currency=currency.code,
        conversion_rate=rate,
        converted_subtotal=converted,
        average_unit_price=average_unit_price(draft.subtotal, draft.units),
        band_usage=_band_usage(draft, rate),
        service_period=draft.service_period,
        sequence=sequence,
        account_id=term.account_id,
        account_plan_id=term.id,
        plan_id=term.plan_id,
        plan_group_id=term.plan_group_id,
        product_id=term.product.id,
        accounting_product_id=draft.accounting_product_id,
        pricing_id=pricing.id if pricing else None,
        aggregation_id=aggregation.id if aggregation and not aggregation.is_compound else None,
        compound_aggregation_id=aggregation.id if aggregation and aggregation.is_compound else None,
        meter_id=aggregation.meter_id if aggregation else None,
        contract_id=term.contract_id,
        segment=draft.segment,
        calculation=records.complete(
            draft.facts,
            currency=currency,
            bill_currency=bill.bill_currency,
            rate=rate,
            subtotal=draft.subtotal,
            converted_subtotal=converted,
        ),
    )


def _converted(bill: RatingInput, draft: Draft, rate: Decimal) -> Decimal:
    """Return the subtotal in the bill's currency (MON-5 b); a refusal names the line."""
    # Rounding an amount a second time by the same currency would not change it.
    if rate is ONE and draft.plan.currency == bill.bill_currency:
        return draft.subtotal
    try:
        return convert(draft.subtotal, rate, bill.bill_currency)
    except (RoundingNotPermitted, AmountTooLarge) as refusal:
        raise refusal.of(draft.plan.named(draft.description)) from None


def _band_usage(draft: Draft, rate: Decimal) -> tuple[BandUsage, ...]:
    """Return the band breakdown; its amounts keep 10 decimals and need not add up (MON-6)."""
    if len(draft.portions) == 1:  # all that the line has is there
        return (_in_band(draft.portions[0], draft.quantity, draft.units, rate),)
    quantity, total_units = draft.quantity, sum((units for _, units, _ in draft.portions), ZERO)
    usages = []
    for portion in draft.portions:
        units = portion[1]
        # A line with no units at all has its whole quantity in each.
        whole = units == total_units
        share = quantity if whole else eighteen_places(quantity * units / total_units)
        usages.append(_in_band(portion, share, eighteen_places(units), rate))
    return tuple(usages)


def _in_band(portion: Portion, quantity: Decimal, shown: Decimal, rate: Decimal) -> BandUsage:
    """Return one band with its share of the quantity; ``shown`` are its units as they are kept."""
    band, units, fixed_count = portion
    unit_subtotal = band_subtotal = ten_places(units * band.unit_price)
    if fixed_count and band.fixed_price:
        band_subtotal = ten_places(unit_subtotal + fixed_count * band.fixed_price)
    return BandUsage(
        pricing_band_id=band.id,
        lower_limit=band.lower_limit,
        fixed_price=band.fixed_price,
        unit_price=band.unit_price,
        band_quantity=quantity,
        band_units=shown,
        unit_subtotal=unit_subtotal,
        band_subtotal=band_subtotal,
        converted_band_subtotal=(
            band_subtotal if rate is ONE else ten_places(band_subtotal * rate)
        ),
    )
