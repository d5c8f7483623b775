"""Identifiers are time-ordered UUIDs that never go back within a process."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

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


@pytest.mark.parametrize(
    "unseen",
    [
        *("\x00", "\t", "\n", "\x1f", "\x7f", "\x80", "\x85", "\x9f"),  # Cc
        *("\xa0", "\u1680", "\u2003", "\u202f", "\u205f", "\u3000"),  # Zs
        *("\u2028", "\u2029"),  # Zl, Zp
        *("\xad", "\u061c", "\u200b", "\u200d", "\u202e", "\u2060", "\ufeff", "\U000e0041"),  # Cf
        *("\ud800", "\udfff"),  # Cs
    ],
    ids=lambda text: f"U+{ord(text):04X}",
)
def test_a_relaxed_code_holds_nothing_that_is_not_seen(unseen: str) -> None:
    texts = [unseen, f"a{unseen}b", f"{unseen}a", f"a{unseen}"]

    assert not [text for text in texts if ids.RELAXED_CODE.match(text)]


@pytest.mark.parametrize("code", ["a", "a b", "a  b", "é", "日本 語", "🙂", "#1/ä", "e\u0301"])
def test_a_relaxed_code_holds_whatever_is_printed(code: str) -> None:
    assert ids.RELAXED_CODE.match(code)


@pytest.mark.parametrize("code", ["", " ", " a", "a ", "a\n"])
def test_a_relaxed_code_neither_begins_nor_ends_with_white_space(code: str) -> None:
    assert not ids.RELAXED_CODE.match(code)


@pytest.mark.parametrize("code", ["a", "_", "$", "größe_2", "名前", "A1$_9", "é"])
def test_a_strict_code_holds_letters_of_any_script_and_ascii_digits(code: str) -> None:
    assert ids.is_strict_code(code)


@pytest.mark.parametrize("code", ["", "1a", "a b", "a-b", "a٣", "a५", "a²", "Ⅷ", "aⅧ", "a.", "a\n"])
def test_a_strict_code_holds_no_other_digits_numbers_or_signs(code: str) -> None:
    assert not ids.is_strict_code(code)
