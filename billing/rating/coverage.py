"""Which part of a line a credit may pay for: by product, type, contract and time (DRW-2, DRW-3).

A line is cut where credits begin and end: usage by event time, rated in sequence, so that bands
are shared; everything else by days. The pieces add up to the line to the last cent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from billing.rating import bands
from billing.rating.account_terms import Credit, CreditWindow
from billing.rating.accounts import Work
from billing.rating.drafts import Draft
from billing.rating.inputs import Band, PricingTerm, UsageWindow
from billing.rating.lines import MEASURED, LineType
from billing.rating.movements import Movement
from billing.rating.quantities import to_units
from billing.rating.subjects import Subject, SubjectKind
from organizations.kernel.money import ZERO, round_money, ten_places
from organizations.kernel.periods import Period, local_date

# DRW-4: in which order charges use up a credit.
ORDER: Final = {
    LineType.STANDING_CHARGE: 0,
    LineType.COUNTER_RUNNING_TOTAL_CHARGE: 1,
    LineType.COUNTER_ADJUSTMENT_DEBIT: 2,
    LineType.USAGE: 3,
    LineType.AD_HOC: 4,
    LineType.MINIMUM_SPEND: 5,
}
# DRW-6: what gives back lessens what may be drawn for its own product.
GIVING_BACK: Final = frozenset(
    {
        LineType.USAGE_CREDIT,
        LineType.COUNTER_ADJUSTMENT_CREDIT,
        LineType.MINIMUM_SPEND_REFUND,
    }
)


@dataclass(slots=True)
class Piece:
    """A stretch of a line: what it comes to, and what of it nothing has paid for yet."""

    period: Period
    amount: Decimal
    left: Decimal


@dataclass(slots=True)
class Claim:
    """A line that credits may pay for, in its pieces."""

    draft: Draft
    pieces: list[Piece]

    @property
    def drawn(self) -> Decimal:
        """What has been paid for."""
        return sum((piece.amount - piece.left for piece in self.pieces), ZERO)


def claims(work: Work, credits: Iterable[Credit]) -> list[Claim]:
    """Return the lines of the bill that a credit may pay for, in the order of DRW-4."""
    credits = list(credits)
    cuts = sorted(
        {
            instant
            for credit in credits
            for window in credit.windows
            for instant in (window.period.start, window.period.end)
            if instant is not None
        }
    )
    found = [
        Claim(draft, _pieces(work, draft, cuts))
        for draft in work.drafts
        if draft.line_type in ORDER and draft.subtotal > 0
    ]
    found.sort(key=_order)
    _give_back(work, found)
    return found


def covers(credit: Credit, draft: Draft) -> bool:
    """Whether the credit is meant for such lines at all."""
    product = draft.attribution.product
    return (
        paid_as(draft) in credit.line_types
        and (not credit.product_ids or (product is not None and product.id in credit.product_ids))
        and credit.contract_id in (None, draft.attribution.contract_id)
    )


def paid_as(draft: Draft) -> LineType:
    """Return what credits take a line for: late usage is paid as the usage that it is."""
    return LineType.USAGE if draft.subject.kind is SubjectKind.LATE else draft.line_type


def is_inside(piece: Piece, window: CreditWindow) -> bool:
    """Whether the window covers the piece, which no window cuts."""
    ends = piece.period.end
    if not window.period.contains(piece.period.start):
        return False
    return window.period.end is None or (ends is not None and ends <= window.period.end)


def counts_at(work: Work, window: CreditWindow) -> datetime:
    """Return when a ledger counts what the bill draws there: where window and period meet."""
    at = max(window.period.start, work.bill.period.start)
    is_behind = window.period.end is not None and at >= window.period.end
    return window.period.start if is_behind else at


def left(work: Work, credit: Credit, window: CreditWindow, moved: list[Movement]) -> Decimal:
    """Return what may be drawn: credit that only counts later is not there yet (BAL-4)."""
    part = Subject(credit.subject.kind, credit.subject.id, window.part)
    until = work.bill.period.end
    if window.part:
        until = min(until, window.period.start) if until else window.period.start
    later = sum((amount for at, amount in credit.later if until and at >= until), ZERO)
    used = sum((one.amount for one in moved if one.draws(credit.subject)), ZERO)
    left = work.left(credit.subject) - later - used
    if window.part and part in work.book.credits:
        left = min(left, work.left(part))
    return left


def _order(claim: Claim) -> tuple[object, ...]:
    draft = claim.draft
    product = draft.attribution.product
    return (
        ORDER[paid_as(draft)],
        draft.service_period.start,
        product.code if product else "",
        draft.description,
        str(draft.attribution.pricing_id),
    )


def _give_back(work: Work, found: list[Claim]) -> None:
    """Lessen the claims by what lines below zero give back: own product first (DRW-6)."""
    others = ZERO
    currency = work.bill.bill_currency
    for draft in work.drafts:
        if draft.subtotal >= 0 or draft.line_type not in GIVING_BACK | ORDER.keys():
            continue
        own = [claim for claim in found if claim.draft.attribution.product
               == draft.attribution.product and claim.draft.currency == draft.currency]  # fmt: skip
        over = _lessen(own, -draft.subtotal)
        others += work.converted(over, draft.currency, currency)
    if others:
        _lessen([claim for claim in found if claim.draft.currency == currency], others)


def _lessen(some: list[Claim], amount: Decimal) -> Decimal:
    for claim in some:
        for piece in claim.pieces:
            taken = min(amount, piece.left)
            # Not drawn from a credit either: the piece itself becomes smaller.
            piece.left -= taken
            piece.amount -= taken
            amount -= taken
    return amount


def _pieces(work: Work, draft: Draft, cuts: list[datetime]) -> list[Piece]:
    periods = draft.service_period.split(cuts)
    if len(periods) == 1:
        return [Piece(periods[0], draft.subtotal, draft.subtotal)]
    pieces = []
    before = ZERO
    for period in periods[:-1]:
        until = round_money(_up_to(work, draft, period.end), draft.currency)
        pieces.append(Piece(period, until - before, until - before))
        before = until
    rest = draft.subtotal - before
    pieces.append(Piece(periods[-1], rest, rest))
    return pieces


def _up_to(work: Work, draft: Draft, until: datetime | None) -> Decimal:
    """Return what the line comes to from its start up to a cut."""
    window = window_of(draft)
    is_whole = window is not None and not window.granted
    if window is not None and is_whole and draft.pricing is not None and until is not None:
        units = units_at(draft, until)
        if units is not None:
            return bands.charge(portions_of(draft.pricing, window, units))
    zone = work.bill.timezone
    period = draft.service_period
    if until is None or period.end is None:
        return draft.subtotal
    first = local_date(period.start, zone)
    days = (local_date(period.end, zone) - first).days
    covered = (local_date(until, zone) - first).days
    return draft.subtotal * covered / days if days else ZERO


def window_of(draft: Draft) -> UsageWindow | None:
    """Return the window that a line of usage was rated for."""
    if draft.line_type not in MEASURED or draft.pricing is None:
        return None
    windows = draft.pricing.windows
    return next((one for one in windows if one.period == draft.service_period), None)


def units_at(draft: Draft, instant: datetime) -> Decimal | None:
    """Return the units of the line up to an instant; ``None`` where they were not measured."""
    if instant <= draft.service_period.start:
        return ZERO
    if draft.service_period.end is not None and instant >= draft.service_period.end:
        return draft.units
    window, aggregation = window_of(draft), draft.aggregation
    if window is not None and window.granted:
        return None
    known = dict(window.cuts) if window else {}
    if instant not in known or aggregation is None:
        return None
    quantity = known[instant]
    if quantity is None:
        return ZERO
    return to_units(
        quantity, aggregation.quantity_per_unit, aggregation.rounding, name=aggregation.name
    )


def portions_of(pricing: PricingTerm, window: UsageWindow, units: Decimal) -> list[bands.Portion]:
    """Return the portions of the first units of a window; none for no units (DRW-3)."""
    if not units:
        return []
    return bands.split(
        units,
        bands.ladder(pricing.bands),
        cumulative=pricing.cumulative,
        spans_plan=pricing.tiers_span_plan,
        before=window.units_before,
    )


def units_for(amount: Decimal, portions: list[bands.Portion], *, cumulative: bool) -> Decimal:
    """Return how many units an amount pays for: U of R(U) = amount (OVG-5, OVG-6)."""
    if not cumulative:  # one price for all units: in proportion
        whole = bands.charge(portions)
        units = sum((portion[1] for portion in portions), ZERO)
        return ten_places(units * amount / whole) if whole else ZERO
    covered = ZERO
    for band, units, fixed_count in portions:
        amount -= fixed_count * band.fixed_price
        if amount < 0:
            break
        if units * band.unit_price <= amount:
            covered += units
            amount -= units * band.unit_price
            continue
        return covered + ten_places(amount / band.unit_price)
    return covered


def first_of(portions: list[bands.Portion], units: Decimal) -> list[bands.Portion]:
    """Return the portions of the first units alone."""
    found: list[tuple[Band, Decimal, int]] = []
    for band, inside, fixed_count in portions:
        if units <= 0:
            break
        found.append((band, min(inside, units), fixed_count))
        units -= inside
    return found


def after(portions: list[bands.Portion], units: Decimal) -> list[bands.Portion]:
    """Return the portions behind the first units."""
    found: list[tuple[Band, Decimal, int]] = []
    for band, inside, fixed_count in portions:
        if units <= 0:
            found.append((band, inside, fixed_count))
        elif inside > units:
            found.append((band, inside - units, 0))
        units = max(ZERO, units - inside)
    return found
