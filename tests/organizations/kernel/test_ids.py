"""Identifiers are time-ordered UUIDs that never go back within a process."""

import time
from concurrent.futures import ThreadPoolExecutor

from organizations.kernel import ids


def test_an_id_is_a_version_7_uuid_of_the_present_millisecond(monkeypatch) -> None:
    # Other tests have travelled in time, and ids never go back.
    monkeypatch.setattr(ids, "_latest", (0, 0))
    before = time.time_ns() // 1_000_000

    made = ids.new_id()

    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000 + 1


def test_ids_of_the_same_millisecond_keep_their_order() -> None:
    made = [ids.new_id() for _ in range(20_000)]

    assert made == sorted(made)
    assert len(set(made)) == 20_000


def test_threads_never_make_the_same_id() -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: [ids.new_id() for _ in range(2_000)], range(8)))

    assert len({one for batch in made for one in batch}) == 16_000


def test_a_clock_that_is_set_back_makes_no_smaller_id(monkeypatch) -> None:
    first = ids.new_id()
    monkeypatch.setattr(ids.time, "time_ns", lambda: 1_000_000_000)

    second = ids.new_id()

    assert second > first
    assert second.int >> 80 == first.int >> 80
