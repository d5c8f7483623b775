"""PURE: when a schedule runs, and which days of usage a run is about (D2). All in UTC."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from celery.schedules import ParseException, crontab_parser

UNITS = {
    "MINUTE": timedelta(minutes=1),
    "HOUR": timedelta(hours=1),
    "DAY": timedelta(days=1),
}
LEAST, MOST = timedelta(minutes=15), timedelta(days=3)
# A leap day comes again within eight years.
DAYS_LOOKED_AT = 366 * 8
DAY = timedelta(days=1)
ROLLING = {7, 30, 35, 90, 120}
PERIODS = (
    "TODAY", "YESTERDAY", "WEEK_TO_DATE", "MONTH_TO_DATE", "YEAR_TO_DATE", "PREVIOUS_WEEK",
    "PREVIOUS_MONTH", "PREVIOUS_QUARTER", "PREVIOUS_YEAR", "LAST_12_HOURS", "LAST_7_DAYS",
    "LAST_30_DAYS", "LAST_35_DAYS", "LAST_90_DAYS", "LAST_120_DAYS", "LAST_YEAR",
)  # fmt: skip


class NotCron(ValueError):
    """The text is no cron expression we can follow."""


def following(
    anchor: datetime, after: datetime, unit: str, period: int, offset: int | None
) -> datetime:
    """Return the first slot after a moment: every ``period`` units from when it was made.

    With an offset the slots are so many minutes into the hour, or hours into the day.
    """
    step = UNITS[unit] * period
    start = anchor
    if offset:
        start = anchor.replace(minute=0, second=0, microsecond=0)
        start = start.replace(hour=0) if unit == "DAY" else start
        start += timedelta(hours=offset) if unit == "DAY" else timedelta(minutes=offset)
    return start + step * max((after - start) // step + 1, 0)


@dataclass(frozen=True, slots=True)
class Cron:
    """Minute, hour, day of the month, month, day of the week (0 is Sunday)."""

    times: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    is_either_day: bool

    def following(self, after: datetime) -> datetime:
        """Return the first slot after a moment."""
        midnight = after.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        minutes = int((after - midnight).total_seconds() // 60)
        for ahead in range(DAYS_LOOKED_AT):
            day = midnight + DAY * ahead
            if not self._is_on(day):
                continue
            place = bisect_right(self.times, minutes) if ahead == 0 else 0
            if place < len(self.times):
                return day + timedelta(minutes=self.times[place])
        raise NotCron("never comes")

    def _is_on(self, day: datetime) -> bool:
        if day.month not in self.months:
            return False
        by_month, by_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return by_month or by_week if self.is_either_day else by_month and by_week

    def shortest(self) -> timedelta:
        """Return the shortest time between two slots, were every day one of them."""
        again = [*self.times, self.times[0] + 24 * 60]
        return timedelta(minutes=min(b - a for a, b in pairwise(again)))


def cron(text: str) -> Cron:
    """Read an expression of five fields; raises ``NotCron`` with what is wrong."""
    parts = text.split()
    if len(parts) != 5:
        raise NotCron("must have five parts: minute, hour, day of month, month, day of week")
    try:
        minutes, hours, days, months, weekdays = (
            frozenset(crontab_parser(largest, least).parse(part))
            for part, largest, least in zip(
                parts, (60, 24, 31, 12, 7), (0, 0, 1, 1, 0), strict=True
            )
        )
    except (ParseException, ValueError) as error:
        raise NotCron(f"cannot be read: {error}") from error
    times = tuple(sorted(hour * 60 + minute for hour in hours for minute in minutes))
    found = Cron(times, days, months, weekdays, parts[2] != "*" and parts[4] != "*")
    found.following(datetime(2026, 1, 1, tzinfo=UTC))
    return found


def window(period: str, at: datetime) -> tuple[datetime, datetime]:
    """Return the days a period means at a moment: from, and up to but not including."""
    today = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    monday, first = today - DAY * today.weekday(), today.replace(day=1)
    january = first.replace(month=1)
    quarter = first.replace(month=(first.month - 1) // 3 * 3 + 1)
    if period == "LAST_12_HOURS":
        hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return hour - timedelta(hours=12), hour
    found = {
        "TODAY": (today, at),
        "YESTERDAY": (today - DAY, today),
        "WEEK_TO_DATE": (monday, at),
        "MONTH_TO_DATE": (first, at),
        "YEAR_TO_DATE": (january, at),
        "PREVIOUS_WEEK": (monday - DAY * 7, monday),
        "PREVIOUS_MONTH": (_months_before(first, 1), first),
        "PREVIOUS_QUARTER": (_months_before(quarter, 3), quarter),
        "PREVIOUS_YEAR": (january.replace(year=january.year - 1), january),
        "LAST_YEAR": (today - DAY * 365, today),
        **{f"LAST_{days}_DAYS": (today - DAY * days, today) for days in ROLLING},
    }
    return found[period]


def _months_before(first: datetime, months: int) -> datetime:
    number = first.year * 12 + first.month - 1 - months
    return first.replace(year=number // 12, month=number % 12 + 1)
