"""Units that are held: their number on a day, and what a number of them costs (billing.md 7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Protocol

from billing.rating import bands
from billing.rating.bands import Portion
from billing.rating.inputs import Band
from billing.rating.proration import prorate
from billing.rating.schedule import DayShare

# The adjustments of one counter: from the day on, the account holds so many. In order of days.
Values = Sequence[tuple[date, int]]


class Price(Protocol):
    """How units are charged."""

    @property
    def bands(self) -> tuple[Band, ...]: ...

    @property
    def cumulative(self) -> bool: ...


def before(values: Values, day: date) -> int:
    """Return what was held at the end of the day before; 0 before the first value (CTR-4)."""
    held = 0
    for since, value in values:
        if since >= day:
            break
        held = value
    return held


def portions(held: int, now: int, price: Price) -> list[Portion]:
    """Return R(now) - R(held) by bands (CTR-6), R(0) = 0: no units reach no band."""
    steps = bands.ladder(price.bands)
    first, last = Decimal(held), Decimal(now)
    if price.cumulative:
        return bands.split(last - first, steps, cumulative=True, spans_plan=True, before=first)
    reached = [
        (bands.reached(units, steps), units, sign)
        for units, sign in ((first, -1), (last, 1))
        if units
    ]
    if len(reached) == 2 and reached[0][0] is reached[1][0]:
        return [(reached[0][0], last - first, 0)] if last != first else []
    return [(band, sign * units, sign) for band, units, sign in reached]


def charged(portions: Sequence[Portion], shares: Sequence[DayShare]) -> Decimal:
    """Return the exact amount for the days; no shares means in full."""
    amount = bands.charge(portions)
    return prorate(amount, shares) if shares else amount
