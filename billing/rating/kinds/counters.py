"""Counters: charges on the number of units that an account holds (billing.md 7).

A *stretch* is the part of a billing period in which the counter has a price, by days: the whole
period, or what the plan or the prices cut out of it. What was held before the stretch is charged
for all of it (the running total); each adjustment inside adds or takes back the difference up to
its end. Records and sentences are in ``counter_records``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from billing.rating import bands, counting
from billing.rating.accounts import Work
from billing.rating.bands import Portion
from billing.rating.counting import Values
from billing.rating.drafts import Draft, PlanOnBill
from billing.rating.inputs import Counter, CounterPricingTerm
from billing.rating.kinds import counter_records as records
from billing.rating.kinds.kind import LineKind
from billing.rating.lines import LineType
from billing.rating.schedule import BillingPeriod, DayShare
from billing.rating.subjects import Attribution, Subject, SubjectKind
from organizations.kernel.periods import DayRange, Period, local_date


class _Piece(NamedTuple):
    """Days in which one price of the counter is in force."""

    days: DayRange
    price: CounterPricingTerm


class _Stretch(NamedTuple):
    """Days of a billing period without a gap between the prices."""

    days: DayRange
    pieces: tuple[_Piece, ...]


def step(work: Work) -> Work:
    """Add the COUNTER_... lines of the bill."""
    lines: list[Draft] = []
    for plan in work.plans:
        for counter in dict.fromkeys(price.counter for price in plan.term.counter_pricings):
            values = work.account.held.get((plan.term.account_id, counter.id), ())
            if values:
                lines += _of_counter(plan, counter, values)
    return work.plus(lines)


def _of_counter(plan: PlanOnBill, counter: Counter, values: Values) -> Iterator[Draft]:
    prices = [price for price in plan.term.counter_pricings if price.counter == counter]
    for stretch in _stretches(plan, ((price, price.windows) for price in prices)):
        for piece in stretch.pieces:
            if not _was_in_advance(plan.ending, stretch, piece.price):
                yield from _running_total(plan, stretch, piece, values)
        yield from _adjustments(plan, stretch, values)
    for stretch in _stretches(plan, ((price, price.coming) for price in prices)):
        for piece in stretch.pieces:
            if _is_in_advance(plan.starting, stretch, piece.price):
                yield from _running_total(plan, stretch, piece, values)


def _was_in_advance(
    period: BillingPeriod | None, stretch: _Stretch, price: CounterPricingTerm
) -> bool:
    """Whether the running total of the period that ends stands on the bill of its first day.

    It does not where there was no such bill (DAT-4), nor where the price began later.
    """
    return (
        period is not None and period.opens_with_a_bill and _is_in_advance(period, stretch, price)
    )


def _is_in_advance(
    period: BillingPeriod | None, stretch: _Stretch, price: CounterPricingTerm
) -> bool:
    opens_with_it = period is not None and stretch.days.start == period.opens
    return opens_with_it and price.running_total_in_advance


def _running_total(
    plan: PlanOnBill, stretch: _Stretch, piece: _Piece, values: Values
) -> Iterator[Draft]:
    """CTR-5: what was held at the end of the day before, for the days of the price (CTR-12)."""
    held = counting.before(values, stretch.days.start)
    if not held:
        return
    price = piece.price
    shares: tuple[DayShare, ...] = ()
    if price.prorate_running_total:
        shares = plan.schedule.shares(piece.days)
    elif len(stretch.pieces) > 1:
        # In full, but once: the prices of the period share it by days.
        shares = (DayShare(piece.days.days, stretch.days.days),)
    yield _draft(
        plan,
        LineType.COUNTER_RUNNING_TOTAL_CHARGE,
        Subject(SubjectKind.COUNTER, price.counter.id),
        price,
        piece.days,
        held,
        counting.portions(0, held, price),
        shares,
        records.total_facts(price, held, stretch.days.start, shares),
    )


def _adjustments(plan: PlanOnBill, stretch: _Stretch, values: Values) -> Iterator[Draft]:
    """CTR-6: each adjustment of the period, up to its end, at the price of its day (CTR-12)."""
    for day, now in values:
        piece = next((one for one in stretch.pieces if _contains(one.days, day)), None)
        if piece is None:
            continue
        held, price = counting.before(values, day), piece.price
        portions = counting.portions(held, now, price)
        difference = bands.charge(portions)
        if not difference:
            continue
        # CTR-9: the sign of the amount decides, not that of the units.
        is_debit = difference > 0
        until = DayRange(day, stretch.days.end)
        is_prorated = price.prorate_debit if is_debit else price.prorate_credit
        shares = plan.schedule.shares(until) if is_prorated else ()
        yield _draft(
            plan,
            LineType.COUNTER_ADJUSTMENT_DEBIT if is_debit else LineType.COUNTER_ADJUSTMENT_CREDIT,
            Subject(SubjectKind.COUNTER, price.counter.id, day.isoformat()),
            price,
            until,
            abs(now - held),
            portions,
            shares,
            records.change_facts(price, held, now, day, shares),
        )


def _draft(
    plan: PlanOnBill,
    line_type: LineType,
    subject: Subject,
    price: CounterPricingTerm,
    days: DayRange,
    units: int,
    portions: Sequence[Portion],
    shares: tuple[DayShare, ...],
    facts: dict[str, object],
) -> Draft:
    description = price.description or DESCRIPTIONS[line_type]
    amount = counting.charged(portions, shares)
    return Draft(
        line_type=line_type,
        subject=subject,
        attribution=_attribution(plan, price),
        currency=plan.currency,
        description=description,
        subtotal=plan.rounded(amount, description),
        service_period=plan.schedule.service(days),
        facts=facts,
        quantity=Decimal(units),
        units=Decimal(units),
        unit=price.counter.unit,
        portions=tuple(portions),
        shares=shares,
    )


def _attribution(plan: PlanOnBill, price: CounterPricingTerm) -> Attribution:
    accounted = plan.attribution.accounted(price.accounting_product_id)
    return msgspec.structs.replace(accounted, pricing_id=price.id)


def _stretches(
    plan: PlanOnBill, in_force: Iterable[tuple[CounterPricingTerm, Sequence[Period]]]
) -> list[_Stretch]:
    """Return the days with a price, those that follow each other together."""
    pieces = sorted(
        (_Piece(_days(plan, window), price) for price, windows in in_force for window in windows),
        key=lambda piece: piece.days.start,
    )
    stretches: list[_Stretch] = []
    for piece in pieces:
        if not piece.days.days:
            continue
        if stretches and stretches[-1].days.end == piece.days.start:
            last = stretches.pop()
            whole = DayRange(last.days.start, piece.days.end)
            stretches.append(_Stretch(whole, (*last.pieces, piece)))
        else:
            stretches.append(_Stretch(piece.days, (piece,)))
    return stretches


def _days(plan: PlanOnBill, window: Period) -> DayRange:
    """Floor a window to days (PER-10); a window of a billing period always has an end."""
    if window.end is None:
        raise ValueError("A window of a billing period has an end.")
    zone = plan.schedule.zone
    return DayRange(local_date(window.start, zone), local_date(window.end, zone))


def _contains(days: DayRange, day: date) -> bool:
    return days.start <= day < days.end


DESCRIPTIONS: Final = {
    LineType.COUNTER_RUNNING_TOTAL_CHARGE: "Counter Running Total Charge",
    LineType.COUNTER_ADJUSTMENT_DEBIT: "Counter Adjustment Debit",
    LineType.COUNTER_ADJUSTMENT_CREDIT: "Counter Adjustment Credit",
}
KIND: Final = LineKind("counters", step, tuple(DESCRIPTIONS), (records.TOTAL, records.CHANGE))
