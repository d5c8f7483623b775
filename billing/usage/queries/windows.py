"""PURE: the periods of saved queries, relative to now (usage.md 13.2).

A day is a day of the organization's timezone, a week begins on Monday. What the rules leave open:
TODAY runs to now, PREVIOUS_... is the last full calendar period, and LAST_YEAR the twelve months
that end at the last midnight.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo

from organizations.kernel.periods import local_midnight

DAYS = {
    "LAST_7_DAYS": 7,
    "LAST_30_DAYS": 30,
    "LAST_35_DAYS": 35,
    "LAST_90_DAYS": 90,
    "LAST_120_DAYS": 120,
}
TIME_PERIODS = (
    "TODAY", "YESTERDAY", "WEEK_TO_DATE", "MONTH_TO_DATE", "YEAR_TO_DATE", "PREVIOUS_WEEK",
    "PREVIOUS_MONTH", "PREVIOUS_QUARTER", "PREVIOUS_YEAR", "LAST_12_HOURS", *DAYS, "LAST_YEAR",
)  # fmt: skip


def window(period: str, *, now: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the instants between which a period lies, the first one included."""
    if period == "LAST_12_HOURS":
        return _twelve_hours(now, zone)
    today = now.astimezone(zone).date()
    if period.endswith("_TO_DATE") or period == "TODAY":
        # At midnight itself nothing of it has passed: an empty window, not one turned round.
        start = local_midnight(_beginning(period, today), zone)
        return start, max(now.astimezone(UTC), start + timedelta(microseconds=1))
    first, after = _days(period, today)
    return local_midnight(first, zone), local_midnight(after, zone)


def _twelve_hours(now: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    local = now.astimezone(zone)
    into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    end = now.astimezone(UTC) - into
    return end - timedelta(hours=12), end


def _beginning(period: str, today: date) -> date:
    match period:
        case "WEEK_TO_DATE":
            return today - timedelta(days=today.weekday())
        case "MONTH_TO_DATE":
            return today.replace(day=1)
        case "YEAR_TO_DATE":
            return today.replace(month=1, day=1)
        case _:
            return today


def _days(period: str, today: date) -> tuple[date, date]:
    if period in DAYS:
        return today - timedelta(days=DAYS[period]), today
    match period:
        case "YESTERDAY":
            return today - timedelta(days=1), today
        case "PREVIOUS_WEEK":
            monday = today - timedelta(days=today.weekday())
            return monday - timedelta(days=7), monday
        case "PREVIOUS_MONTH":
            first = today.replace(day=1)
            return _months_before(first, 1), first
        case "PREVIOUS_QUARTER":
            first = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
            return _months_before(first, 3), first
        case "PREVIOUS_YEAR":
            return date(today.year - 1, 1, 1), date(today.year, 1, 1)
        case "LAST_YEAR":
            return _a_year_before(today), today
    raise ValueError(period)


def _months_before(first: date, months: int) -> date:
    count = first.year * 12 + first.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)


def _a_year_before(today: date) -> date:
    is_leap_day = (today.month, today.day) == (2, 29)
    return today.replace(year=today.year - 1, day=28 if is_leap_day else today.day)
