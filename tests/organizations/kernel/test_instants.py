"""Dates are YYYY-MM-DD and instants begin with one; other ISO spellings are refused (B6.5)."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from organizations.kernel import exact_json
from organizations.kernel.instants import iso_instant, parse_day, parse_instant

NOON = datetime(2024, 10, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", [
    "2024-10-10T12:00Z", "2024-10-10T12:00:00Z", "2024-10-10T12:00:00.000000000Z",
    "2024-10-10T12:00:00", "2024-10-10 12:00:00", "2024-10-10t12:00:00z",
    "2024-10-10T14:00:00+02:00", "2024-10-10T14:00:00+0200", "2024-10-10T14:00:00+02",
    "2024-10-09T22:00:00-14:00",
])  # fmt: skip
def test_an_instant_may_have_any_offset_and_precision(text):
    assert parse_instant(text) == NOON


def test_a_date_is_midnight_in_the_given_zone():
    zone = timezone(timedelta(hours=2))

    assert parse_instant("2024-10-10", zone=zone) == datetime(2024, 10, 9, 22, tzinfo=UTC)
    assert parse_day("2024-10-10") == date(2024, 10, 10)


@pytest.mark.parametrize("text", [
    "2024-W01-1", "20240101", "2024-001", "2024-1-1", "24-01-01", "2024-02-30", "2024-01-01 ",
    "+02024-01-01", "２０２４-01-01", "2024-01-0١", "",
])  # fmt: skip
def test_another_spelling_of_a_date_is_refused(text):
    with pytest.raises(ValueError):
        parse_day(text)
    with pytest.raises(ValueError):
        parse_instant(text)


@pytest.mark.parametrize("text", [
    "2024-W01-1T12:00:00Z", "20240101T120000Z", "2024-01-01T12", "2024-01-01T25:00:00Z",
    "2024-01-01T12:00:60Z", "2024-01-01X12:00:00Z", "2024-01-01T12:00:00Zulu", "1704067200",
])  # fmt: skip
def test_another_spelling_of_an_instant_is_refused(text):
    with pytest.raises(ValueError):
        parse_instant(text)


def test_each_of_two_hours_that_the_clock_shows_alike_is_written_as_its_own_instant():
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2026, 10, 25, 2, 30, tzinfo=berlin)
    second = first.replace(fold=1)

    for _ in range(2):
        assert iso_instant(first) == "2026-10-25T00:30:00.000Z"
        assert iso_instant(second) == "2026-10-25T01:30:00.000Z"
        assert iso_instant(first.astimezone(UTC)) == "2026-10-25T00:30:00.000Z"
    assert exact_json.dumps({1: [first, None, {"a": second}]}) == (
        b'{"1":["2026-10-25T00:30:00.000Z",null,{"a":"2026-10-25T01:30:00.000Z"}]}'
    )
