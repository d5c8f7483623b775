"""When a failed delivery is tried again."""

from datetime import UTC, datetime, timedelta

import pytest

from integrations import retries

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def next_in_seconds(attempts, **about):
    planned = retries.next_attempt_at(failed_at=NOON, attempts=attempts, **{"jitter": 0.0, **about})
    return None if planned is None else (planned - NOON).total_seconds()


def test_ten_attempts_are_spread_over_three_days():
    waits = [next_in_seconds(attempts) for attempts in range(1, 11)]

    assert waits == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400, None]


def test_jitter_moves_a_retry_by_a_tenth_either_way():
    assert next_in_seconds(2, jitter=0.1) == 330
    assert next_in_seconds(2, jitter=-0.1) == 270


@pytest.mark.parametrize(
    ("status", "value", "seconds"),
    [
        (429, "60", 60),
        (503, "60", 60),
        (429, "2", 5),  # earlier than planned: the plan stands
        (500, "60", 5),  # only 429 and 503 may ask
        (503, "Thu, 15 Jan 2026 12:10:00 GMT", 600),
        (503, "9999999", 86400),
        (503, "Thu, 15 Jan 2099 12:10:00 GMT", 86400),
        (503, "soon", 5),
        (503, "-7", 5),
        (503, "", 5),
        (503, "999999999999999999999999", 86400),
    ],
)
def test_retry_after_moves_the_next_attempt_later_but_never_beyond_a_day(status, value, seconds):
    assert next_in_seconds(1, status_code=status, retry_after=value) == seconds


def test_retry_after_does_not_add_an_attempt():
    assert next_in_seconds(10, status_code=429, retry_after="5") is None


def test_the_whole_schedule_takes_75_hours_and_a_half():
    assert sum(retries.DELAYS, timedelta(0)) == timedelta(hours=75, minutes=35, seconds=5)
