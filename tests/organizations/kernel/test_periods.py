"""Half-open periods, local days and timezone names."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from organizations.kernel.errors import FieldRefused
from organizations.kernel.periods import (
    DayRange,
    Period,
    local_date,
    local_instant,
    local_midnight,
    parse_timezone,
)


def day(number: int) -> datetime:
    return datetime(2024, 6, 1, tzinfo=UTC) + timedelta(days=number)


def test_the_start_is_inside_and_the_end_is_not():
    period = Period(day(0), day(2))

    assert period.contains(day(0))
    assert period.contains(day(2) - timedelta(microseconds=1))
    assert not period.contains(day(2))


def test_an_open_end_contains_every_later_instant():
    assert Period(day(0)).contains(datetime(9999, 1, 1, tzinfo=UTC))


def test_periods_that_touch_do_not_overlap():
    assert not Period(day(0), day(1)).overlaps(Period(day(1), day(2)))
    assert Period(day(0), day(1)).intersect(Period(day(1), day(2))) is None


def test_the_intersection_is_what_both_share():
    assert Period(day(0), day(5)).intersect(Period(day(3))) == Period(day(3), day(5))
    assert Period(day(0)).intersect(Period(day(3))) == Period(day(3))


def test_a_period_cannot_end_before_it_starts():
    with pytest.raises(ValueError, match="cannot end"):
        Period(day(1), day(0))


def test_cuts_outside_and_on_the_edges_change_nothing():
    period = Period(day(0), day(3))

    assert period.split([day(-1), day(0), day(3), day(9)]) == [period]


def test_cuts_inside_make_touching_pieces():
    assert Period(day(0)).split([day(2), day(1), day(1)]) == [
        Period(day(0), day(1)),
        Period(day(1), day(2)),
        Period(day(2)),
    ]


def test_subtracting_leaves_what_nothing_else_covers():
    whole = Period(day(0), day(10))

    left = whole.subtract([Period(day(8)), Period(day(2), day(4)), Period(day(3), day(5))])

    assert left == [Period(day(0), day(2)), Period(day(5), day(8))]


def test_subtracting_what_lies_elsewhere_leaves_the_whole():
    whole = Period(day(0), day(1))

    assert whole.subtract([Period(day(-5), day(0)), Period(day(1))]) == [whole]
    assert whole.subtract([Period(day(-5), day(3))]) == []


numbers = st.integers(min_value=0, max_value=60)
periods = st.tuples(numbers, numbers).map(lambda pair: Period(day(min(pair)), day(max(pair) + 1)))


@given(periods, st.lists(periods, max_size=5))
def test_what_is_left_and_what_is_taken_make_up_the_whole(whole, others):
    left = whole.subtract(others)

    for number in range(61):
        inside = whole.contains(day(number))
        covered = any(other.contains(day(number)) for other in others)
        assert sum(piece.contains(day(number)) for piece in left) == (inside and not covered)


@given(periods, st.lists(numbers.map(day), max_size=5))
def test_the_pieces_of_a_split_cover_the_whole_once(whole, cuts):
    pieces = whole.split(cuts)

    assert (pieces[0].start, pieces[-1].end) == (whole.start, whole.end)
    assert all(first.end == second.start for first, second in itertools.pairwise(pieces))


def test_days_are_counted_without_the_end():
    assert DayRange(date(2024, 2, 1), date(2024, 3, 1)).days == 29
    assert DayRange(date(2024, 3, 1), date(2024, 2, 1)).days == 0


def test_overlapping_days_are_counted():
    june = DayRange(date(2024, 6, 1), date(2024, 7, 1))

    assert june.overlap_days(DayRange(date(2024, 6, 11), date(2025, 1, 1))) == 20
    assert june.overlap_days(DayRange(date(2024, 7, 1), date(2024, 8, 1))) == 0


def test_a_day_begins_at_local_midnight():
    berlin = parse_timezone("Europe/Berlin")

    assert local_midnight(date(2024, 6, 1), berlin) == datetime(2024, 5, 31, 22, tzinfo=UTC)
    assert local_date(datetime(2024, 5, 31, 22, tzinfo=UTC), berlin) == date(2024, 6, 1)
    assert local_date(datetime(2024, 5, 31, 21, 59, tzinfo=UTC), berlin) == date(2024, 5, 31)


def test_a_local_time_is_an_instant_the_first_of_two_or_none_where_clocks_jump():
    berlin = parse_timezone("Europe/Berlin")

    def instant(text: str) -> datetime | None:
        return local_instant(datetime.fromisoformat(text), berlin)

    assert instant("2026-05-01") == datetime(2026, 4, 30, 22, tzinfo=UTC)
    assert instant("2026-10-25T02:30") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert instant("2026-03-29T02:30") is None
    assert instant("2026-03-29T03:00") == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_a_month_with_a_clock_change_is_an_hour_shorter():
    berlin = parse_timezone("Europe/Berlin")

    march = DayRange(date(2024, 3, 1), date(2024, 4, 1)).to_period(berlin)

    assert march.end - march.start == timedelta(days=31, hours=-1)


def test_a_day_whose_midnight_is_skipped_begins_when_clocks_jump():
    # Cairo put clocks forward at 00:00 on 26 April 2024: the day began at 01:00 (+3) = 22:00 UTC.
    cairo = parse_timezone("Africa/Cairo")

    start = local_midnight(date(2024, 4, 26), cairo)

    assert start == datetime(2024, 4, 25, 22, tzinfo=UTC)
    assert local_date(start, cairo) == date(2024, 4, 26)


@pytest.mark.parametrize(
    ("name", "hours"),
    [
        ("UTC", 0),
        ("GMT", 0),
        ("UTC+1:00", 1),
        ("UTC+01:00", 1),
        ("UTC+1", 1),
        ("GMT+1", 1),
        ("GMT+1:00", 1),
        ("+1:00", 1),
        ("+1", 1),
        ("+01:00", 1),
        ("-5", -5),
        ("GMT-03:30", -3.5),
        ("+5:45", 5.75),
        ("+14", 14),
        ("Europe/Berlin", 2),
        ("America/New_York", -4),
        ("Etc/GMT+1", -1),
    ],
)
def test_every_published_form_of_a_timezone_is_accepted(name, hours):
    zone = parse_timezone(name)

    assert datetime(2024, 6, 1, tzinfo=zone).utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " UTC",
        "Mars/Olympus",
        "europe/berlin",
        "Europe",
        "../etc/passwd",
        "UTC+15",
        "+14:30",
        "+1:60",
        "+100",
        "1",
        "UTC1",
        "+1:0",
        "UTC +1",
        "+１",
        "localtime",
        "Factory",
    ],
)
def test_anything_else_is_refused_and_names_the_field(name):
    with pytest.raises(FieldRefused) as refusal:
        parse_timezone(name)

    assert refusal.value.errors[0].field == "timezone"
    assert refusal.value.status_code == 400
