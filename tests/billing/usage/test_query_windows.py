"""The periods of saved queries (usage.md 13.2)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from billing.usage.queries import windows

BERLIN = ZoneInfo("Europe/Berlin")
# A Wednesday afternoon in Berlin (UTC+2 in summer).
NOW = datetime(2026, 7, 15, 13, 24, 5, 6, tzinfo=UTC)


def day(text: str) -> datetime:
    """Return midnight of a day in Berlin."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("TODAY", day("2026-07-15"), NOW),
        ("YESTERDAY", day("2026-07-14"), day("2026-07-15")),
        ("WEEK_TO_DATE", day("2026-07-13"), NOW),
        ("MONTH_TO_DATE", day("2026-07-01"), NOW),
        ("YEAR_TO_DATE", day("2026-01-01"), NOW),
        ("PREVIOUS_WEEK", day("2026-07-06"), day("2026-07-13")),
        ("PREVIOUS_MONTH", day("2026-06-01"), day("2026-07-01")),
        ("PREVIOUS_QUARTER", day("2026-04-01"), day("2026-07-01")),
        ("PREVIOUS_YEAR", day("2025-01-01"), day("2026-01-01")),
        ("LAST_12_HOURS", datetime(2026, 7, 15, 1, tzinfo=UTC),
         datetime(2026, 7, 15, 13, tzinfo=UTC)),
        ("LAST_7_DAYS", day("2026-07-08"), day("2026-07-15")),
        ("LAST_30_DAYS", day("2026-06-15"), day("2026-07-15")),
        ("LAST_35_DAYS", day("2026-06-10"), day("2026-07-15")),
        ("LAST_90_DAYS", day("2026-04-16"), day("2026-07-15")),
        ("LAST_120_DAYS", day("2026-03-17"), day("2026-07-15")),
        ("LAST_YEAR", day("2025-07-15"), day("2026-07-15")),
    ],
)  # fmt: skip
def test_a_period_lies_between_two_instants(period, start, end):
    assert windows.window(period, now=NOW, zone=BERLIN) == (start, end)


def test_every_period_of_the_contract_is_one():
    assert len(windows.TIME_PERIODS) == 16


@pytest.mark.parametrize("period", windows.TIME_PERIODS)
@pytest.mark.parametrize(
    "now",
    [day("2026-01-01"), day("2024-02-29"), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)],
)
def test_a_period_is_never_empty_and_ends_by_now(period, now):
    start, end = windows.window(period, now=now, zone=BERLIN)

    assert start < end
    assert (end - now).total_seconds() < 1


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("PREVIOUS_MONTH", day("2025-12-01"), day("2026-01-01")),
        ("PREVIOUS_QUARTER", day("2025-10-01"), day("2026-01-01")),
        ("PREVIOUS_WEEK", day("2025-12-22"), day("2025-12-29")),
    ],
)
def test_periods_before_the_first_of_january_are_of_the_year_before(period, start, end):
    assert windows.window(period, now=day("2026-01-01"), zone=BERLIN) == (start, end)


def test_hours_of_a_zone_between_two_hours_are_counted_there():
    kolkata = ZoneInfo("Asia/Kolkata")  # UTC+5:30

    start, end = windows.window(
        "LAST_12_HOURS", now=datetime(2026, 7, 15, 13, 24, tzinfo=UTC), zone=kolkata
    )

    assert end == datetime(2026, 7, 15, 12, 30, tzinfo=UTC)
    assert start == datetime(2026, 7, 15, 0, 30, tzinfo=UTC)
