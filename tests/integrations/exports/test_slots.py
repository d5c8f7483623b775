"""When schedules run and which days a run is about: examples of the specification, and always."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.exports import slots

MADE = datetime(2026, 6, 1, 10, 7, tzinfo=UTC)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("period", "now", "start", "end"),
    [
        ("TODAY", "2024-10-16T10:00", "2024-10-16", "2024-10-16T10:00"),
        ("YESTERDAY", "2024-03-01T10:00", "2024-02-29", "2024-03-01"),
        ("WEEK_TO_DATE", "2024-10-16T10:00", "2024-10-14", "2024-10-16T10:00"),
        ("MONTH_TO_DATE", "2024-10-16T10:00", "2024-10-01", "2024-10-16T10:00"),
        ("YEAR_TO_DATE", "2024-10-16T10:00", "2024-01-01", "2024-10-16T10:00"),
        ("PREVIOUS_WEEK", "2024-06-12T08:00", "2024-06-03", "2024-06-10"),
        ("PREVIOUS_MONTH", "2024-01-12T08:00", "2023-12-01", "2024-01-01"),
        ("PREVIOUS_QUARTER", "2024-02-12T08:00", "2023-10-01", "2024-01-01"),
        ("PREVIOUS_QUARTER", "2024-12-31T08:00", "2024-07-01", "2024-10-01"),
        ("PREVIOUS_YEAR", "2024-02-29T08:00", "2023-01-01", "2024-01-01"),
        ("LAST_12_HOURS", "2024-06-12T10:37", "2024-06-11T22:00", "2024-06-12T10:00"),
        ("LAST_7_DAYS", "2024-06-15T08:00", "2024-06-08", "2024-06-15"),
        ("LAST_30_DAYS", "2024-06-15T08:00", "2024-05-16", "2024-06-15"),
        ("LAST_YEAR", "2024-06-15T08:00", "2023-06-16", "2024-06-15"),
    ],
)
def test_a_period_means_these_days(period, now, start, end):
    assert slots.window(period, at(now)) == (at(start), at(end))


def test_every_two_days_from_when_it_was_made():
    first = slots.following(at("2026-06-01T10:00"), at("2026-06-01T10:00"), "DAY", 2, None)
    second = slots.following(at("2026-06-01T10:00"), first, "DAY", 2, None)

    assert (first, second) == (at("2026-06-03T10:00"), at("2026-06-05T10:00"))


def test_an_offset_is_minutes_into_the_hour_or_hours_into_the_day():
    assert slots.following(MADE, MADE, "HOUR", 1, 30) == at("2026-06-01T10:30")
    assert slots.following(MADE, MADE, "HOUR", 6, 5) == at("2026-06-01T16:05")
    assert slots.following(MADE, MADE, "DAY", 1, 3) == at("2026-06-02T03:00")


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("0 3 * * *", "2026-06-01T03:00", "2026-06-02T03:00"),
        ("*/20 9-10 * * 1", "2026-06-01T10:40", "2026-06-08T09:00"),  # Mondays
        ("30 0 29 2 *", "2026-03-01T00:00", "2028-02-29T00:30"),
        ("0 0 13 * 5", "2026-06-06T00:00", "2026-06-12T00:00"),  # the 13th, or a Friday
    ],
)
def test_a_cron_expression_is_followed(text, after, expected):
    assert slots.cron(text).following(at(after)) == at(expected)


@pytest.mark.parametrize("text", ["", "* * * *", "60 * * * *", "0 0 30 2 *", "a b c d e", "@daily"])
def test_what_is_no_cron_expression_or_never_comes_is_refused(text):
    with pytest.raises(slots.NotCron):
        slots.cron(text)


@given(
    after=st.integers(0, 2_000_000),
    unit=st.sampled_from(["MINUTE", "HOUR", "DAY"]),
    period=st.integers(1, 4000),
    offset=st.none() | st.integers(1, 23),
)
def test_the_next_slot_is_after_and_none_lies_between(after, unit, period, offset):
    after = MADE + timedelta(minutes=after)
    found = slots.following(MADE, after, unit, period, offset)

    assert found > after
    is_first = found - slots.UNITS[unit] * period <= after
    assert is_first or found - MADE <= timedelta(days=1)


@given(st.sampled_from(slots.PERIODS), st.integers(0, 8_000_000))
def test_a_period_never_ends_before_it_begins_or_in_the_future(period, now):
    now = at("2020-01-01") + timedelta(minutes=now)
    start, end = slots.window(period, now)

    assert start <= end <= now
