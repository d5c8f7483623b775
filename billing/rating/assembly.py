"""Last step: convert, number and add up the lines (billing.md 18, step 8)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from typing import Final

from billing.rating import records
from billing.rating.accounts import Work
from billing.rating.bands import Portion
from billing.rating.drafts import Draft, named
from billing.rating.lines import BandUsage, LineType, RatedBill, RatedLine, line_key
from billing.rating.proration import prorate
from organizations.kernel.money import (
    ONE,
    ZERO,
    AmountTooLarge,
    Currency,
    RoundingNotPermitted,
    average_unit_price,
    convert,
    eighteen_places,
    ten_places,
)

_TYPE_ORDER: Final = {line_type: position for position, line_type in enumerate(LineType)}
_LARGEST_TOTAL: Final = Decimal("1E20")
# Fees, draw-downs and memos stand below what was charged for products (LIN-6).
_LAST: Final = frozenset(
    {
        LineType.COMMITMENT_FEE,
        LineType.COMMITMENT_CONSUMED,
        LineType.BALANCE_FEE,
        LineType.BALANCE_CONSUMED,
        LineType.AD_HOC,
        LineType.CREDIT_MEMO,
        LineType.DEBIT_MEMO,
    }
)
_COUNTERS: Final = frozenset(
    {LineType.COUNTER_ADJUSTMENT_DEBIT, LineType.COUNTER_ADJUSTMENT_CREDIT}
)
Order = tuple[bool, bool, str, int, datetime, str, str]
_first = itemgetter(0)


def assemble(work: Work) -> RatedBill:
    """Return the bill with its lines in the order of LIN-6 and their plain sum (INV-A).

    Raises ``MissingConversionRate`` (CUR-4), ``RoundingNotPermitted`` (MON-4), ``AmountTooLarge``.
    """
    bill = work.bill
    ordered = sorted(((_order(draft), draft) for draft in work.drafts), key=_first)
    lines = tuple(
        _line(work, draft, order[-1], sequence)
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


def _order(draft: Draft) -> Order:
    """LIN-6; the line key comes last so that equal words never leave the order to chance."""
    product = draft.attribution.product
    return (
        draft.line_type in _LAST,
        product is None,
        product.code if product else "",
        _TYPE_ORDER[draft.line_type],
        draft.service_period.start,
        draft.description,
        line_key(draft.line_type, draft.subject, draft.attribution, draft.service_period.start),
    )


def _line(work: Work, draft: Draft, key: str, sequence: int) -> RatedLine:
    currency, bill_currency = draft.currency, work.bill.bill_currency
    rate = draft.rate
    if rate is None:
        rate = work.rate(currency.code, bill_currency.code)
    converted = _converted(draft, rate, bill_currency)
    return RatedLine(
        line_type=draft.line_type,
        line_key=key,
        subject=draft.subject,
        attribution=draft.attribution,
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
        aggregation=draft.aggregation,
        segment=draft.segment,
        calculation=records.complete(
            draft.facts,
            currency=currency,
            bill_currency=bill_currency,
            rate=rate,
            subtotal=draft.subtotal,
            converted_subtotal=converted,
        ),
        movements=draft.movements,
    )


def _converted(draft: Draft, rate: Decimal, bill_currency: Currency) -> Decimal:
    """Return the subtotal in the bill's currency (MON-5 b); a refusal names the line."""
    # Rounding an amount a second time by the same currency would not change it.
    if rate is ONE and draft.currency == bill_currency:
        return draft.subtotal
    try:
        return convert(draft.subtotal, rate, bill_currency)
    except (RoundingNotPermitted, AmountTooLarge) as refusal:
        raise refusal.of(named(draft.description, draft.attribution)) from None


def _band_usage(draft: Draft, rate: Decimal) -> tuple[BandUsage, ...]:
    """Return the band breakdown; its amounts keep 10 decimals and need not add up (MON-6)."""
    if len(draft.portions) == 1 and draft.portions[0][1] >= ZERO:  # all that the line has
        return (_in_band(draft, draft.portions[0], draft.quantity, draft.units, rate),)
    total_units = sum((units for _, units, _ in draft.portions), ZERO)
    # Units taken back are below zero band by band; the line says how many they are.
    is_taken_back = draft.line_type in _COUNTERS and total_units < 0
    quantity = -draft.quantity if is_taken_back else draft.quantity
    usages = []
    for portion in draft.portions:
        units = portion[1]
        # A line with no units at all has its whole quantity in each.
        whole = units == total_units
        share = quantity if whole else eighteen_places(quantity * units / total_units)
        usages.append(_in_band(draft, portion, share, eighteen_places(units), rate))
    return tuple(usages)


def _in_band(
    draft: Draft, portion: Portion, quantity: Decimal, shown: Decimal, rate: Decimal
) -> BandUsage:
    """Return one band with its share of the quantity; ``shown`` are its units as they are kept."""
    band, units, fixed_count = portion
    unit_subtotal = band_subtotal = _for_days(draft, units * band.unit_price)
    if fixed_count and band.fixed_price:
        whole = units * band.unit_price + fixed_count * band.fixed_price
        band_subtotal = _for_days(draft, whole)
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


def _for_days(draft: Draft, amount: Decimal) -> Decimal:
    return ten_places(prorate(amount, draft.shares) if draft.shares else amount)
