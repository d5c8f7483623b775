"""Time: half-open periods of instants, calendar days in a timezone, and timezone names.

Ends are exclusive and an open end is ``None``. Instants are aware datetimes in UTC; a *day* is a
calendar date in the timezone that the caller names (PER-5, PER-10). Nothing here reads a clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from organizations.kernel.errors import FieldRefused

_OFFSET: Final = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::(\d{2}))?", re.ASCII)
# Kiribati keeps UTC+14, Baker Island UTC-12; nothing on earth lies further out.
_LARGEST_OFFSET: Final = timedelta(hours=14)


class Period(msgspec.Struct, frozen=True, gc=False):
    """The instants from ``start`` up to but not including ``end``; ``None`` is an open end."""

    start: datetime
    end: datetime | None = None

    def __post_init__(self) -> None:
        if self.end is not None and self.end < self.start:
            raise ValueError(f"A period cannot end ({self.end}) before it starts ({self.start}).")

    @property
    def is_empty(self) -> bool:
        return self.start == self.end

    def contains(self, instant: datetime) -> bool:
        """Whether the instant lies inside; the end itself does not."""
        return self.start <= instant and (self.end is None or instant < self.end)

    def overlaps(self, other: Period) -> bool:
        """Whether the two share an instant; periods that touch do not (ACP-2)."""
        return self.intersect(other) is not None

    def intersect(self, other: Period) -> Period | None:
        """Return what both share, ``None`` when that is nothing."""
        start = max(self.start, other.start)
        end = earlier_end(self.end, other.end)
        if end is not None and end <= start:
            return None
        return Period(start, end)

    def split(self, cuts: Iterable[datetime]) -> list[Period]:
        """Cut at every given instant strictly inside; the pieces touch and cover the whole."""
        inside = sorted({cut for cut in cuts if cut != self.start and self.contains(cut)})
        starts = [self.start, *inside]
        ends: list[datetime | None] = [*inside, self.end]
        return [Period(start, end) for start, end in zip(starts, ends, strict=True)]

    def subtract(self, others: Iterable[Period]) -> list[Period]:
        """Return the parts that no other period covers, in order."""
        left: list[Period] = []
        start: datetime | None = self.start
        for other in sorted(others, key=lambda period: period.start):
            if start is None or (self.end is not None and other.start >= self.end):
                break
            if other.start > start:
                left.append(Period(start, other.start))
            start = None if other.end is None else max(start, other.end)
        if start is not None and (self.end is None or start < self.end):
            left.append(Period(start, self.end))
        return left


class DayRange(msgspec.Struct, frozen=True, gc=False):
    """Calendar days from ``start`` up to but not including ``end``."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """How many days, 0 when the end is not after the start."""
        return max(0, (self.end - self.start).days)

    def overlap_days(self, other: DayRange) -> int:
        """How many days both ranges share."""
        return DayRange(max(self.start, other.start), min(self.end, other.end)).days

    def to_period(self, zone: tzinfo) -> Period:
        """Return the instants from local midnight to local midnight."""
        return Period(local_midnight(self.start, zone), local_midnight(self.end, zone))


def earlier_end(first: datetime | None, second: datetime | None) -> datetime | None:
    """Return the earlier of two ends, where ``None`` is later than any instant."""
    if first is None:
        return second
    if second is None:
        return first
    return min(first, second)


@lru_cache(maxsize=16384)
def local_date(instant: datetime, zone: tzinfo) -> date:
    """Return the calendar day in the zone: the floor of PER-10."""
    return instant.astimezone(zone).date()


@lru_cache(maxsize=16384)
def local_midnight(day: date, zone: tzinfo) -> datetime:
    """Return the first instant of the day in the zone, in UTC (PER-5).

    Where clocks jump over midnight it is the instant of the jump; where midnight comes twice, the
    first one.
    """
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def local_instant(local: datetime, zone: tzinfo) -> datetime | None:
    """Return when clocks in the zone show this time, ``None`` where they jump over it.

    Where they show it twice it is the first time, as with midnight. ``local`` has no timezone.
    Raises ``OverflowError`` at the edges of what a datetime can hold.
    """
    instant = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return instant if instant.astimezone(zone).replace(tzinfo=None) == local else None


@lru_cache(maxsize=1024)
def parse_timezone(name: str, *, field: str = "timezone") -> tzinfo:
    """Return the timezone of a tz database name or an offset (PER-9).

    Offsets are ``UTC+1:00``, ``UTC+1``, ``GMT+1``, ``GMT+1:00``, ``+1:00`` and ``+1``, with plus
    meaning east of Greenwich, up to 14 hours. Raises ``FieldRefused`` for anything else.
    """
    if name in ("UTC", "GMT"):
        return UTC
    matched = _OFFSET.fullmatch(name)
    if matched:
        return _fixed_offset(name, matched, field)
    if name not in _region_names():
        raise FieldRefused(
            field, f"'{name}' is not a timezone: use a region such as Europe/Berlin, or UTC+1:00."
        )
    return ZoneInfo(name)


def region_names() -> list[str]:
    """Return the names of the regions that a timezone may be chosen from, in order."""
    return sorted(name for name in _region_names() if "/" in name or name == "UTC")


def sql_name(zone: tzinfo) -> str:
    """Return what PostgreSQL calls a timezone of ``parse_timezone``, for ``AT TIME ZONE``.

    PostgreSQL reads ``UTC+1`` as west of Greenwich (POSIX), so an offset is written out.
    """
    if isinstance(zone, ZoneInfo):
        return zone.key
    offset = zone.utcoffset(None) or timedelta()
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    east, west = ("-", "+") if offset < timedelta() else ("+", "-")
    return f"<{east}{hours:02}:{minutes:02}>{west}{hours:02}:{minutes:02}"


def _fixed_offset(name: str, matched: re.Match[str], field: str) -> tzinfo:
    sign, hours, minutes = matched.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    if offset > _LARGEST_OFFSET or int(minutes or 0) > 59:
        raise FieldRefused(field, f"'{name}' is more than 14 hours from UTC or not a time.")
    return timezone(offset if sign == "+" else -offset)


@lru_cache(maxsize=1)
def _region_names() -> frozenset[str]:
    # The two say nothing of a place: that of the machine, and none.
    return frozenset(available_timezones()) - {"localtime", "Factory"}
