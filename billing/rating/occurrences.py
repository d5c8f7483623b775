"""When the schedules of balances run: instants of transactions, slices of charges (SCH-1, SCH-2).

Both follow the calendar of the organization's timezone and are counted from the first date, so
that the 31st of January is followed by the 28th of February and the 31st of March.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, tzinfo

import msgspec

from billing.rating.cycles import BillFrequency, Cycle
from organizations.kernel.periods import local_date, local_midnight


class Slice(msgspec.Struct, frozen=True, gc=False):
    """One service period of a charge schedule; the end is exclusive."""

    start: datetime
    end: datetime


def instants(
    start: datetime,
    end: datetime,
    *,
    frequency: str,
    interval: int,
    zone: tzinfo,
    after: datetime | None = None,
) -> Iterator[datetime]:
    """Yield the start and every interval after it, before the end; only those past ``after``."""
    local = start.astimezone(zone)
    cycle = Cycle(BillFrequency(frequency), interval, local.date())
    # The clocks of the zone may differ from those at the start: begin a day early and compare.
    number = 0 if after is None else max(0, cycle.number_after(local_date(after, zone)) - 1)
    while True:
        day = _boundary(cycle, number)
        at = start if number == 0 else None if day is None else _same_time(day, local, zone)
        if at is None or at >= end:
            return
        if after is None or at > after:
            yield at
        number += 1


def _boundary(cycle: Cycle, number: int) -> date | None:
    """Return a boundary, ``None`` beyond the years of the calendar."""
    try:
        day = cycle.boundary(number)
    except (ValueError, OverflowError):
        return None
    return day if day.year < 9999 else None


def _same_time(day: date, local: datetime, zone: tzinfo) -> datetime:
    return datetime.combine(day, local.time(), tzinfo=zone).astimezone(UTC)


def slices(start: datetime, end: datetime, *, cycle: Cycle, zone: tzinfo) -> Iterator[Slice]:
    """Yield the slices between the cycle's boundaries; the first and last are cut (SCH-3).

    No boundary lies before the epoch (PER-2), so a first slice may be longer than the others.
    """
    number = max(0, cycle.number_after(local_date(start, zone)))
    while start < end:
        day = _boundary(cycle, number)
        boundary = end if day is None else min(local_midnight(day, zone), end)
        if boundary > start:
            yield Slice(start, boundary)
        start, number = boundary, number + 1


def bill_date(of: Slice, *, in_advance: bool, zone: tzinfo) -> date:
    """Return the date of the bill a slice stands on: its first day, or the day it ends (SCH-2)."""
    return local_date(of.start if in_advance else of.end, zone)
