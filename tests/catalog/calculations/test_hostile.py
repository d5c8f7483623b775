"""Texts that are meant to cost time or memory end at once, refused or with a result."""

import time

import pytest

from catalog.calculations import (
    CalculationFailed,
    CalculationRefused,
    FixedNames,
    Scope,
    Type,
    compile_calculation,
)

NAMES = FixedNames({"text": Type.TEXT, "n": Type.NUMBER})
SECONDS = 3  # on a machine that is busy; alone each takes milliseconds

TEXTS = [
    "9^9^9^9", "Math.pow(1.0000001, 1e9)", "1.1^" * 219 + "2", "true?1:" * 100 + "0",
    "true?1:" * 700 + "0", "(" * 5000, "(" * 100 + "1" + ")" * 100, "(" * 101 + "1" + ")" * 101,
    "-" * 4999 + "1", "1+" * 2499 + "1", "a" * 5000, "1" * 5000, "1e999999999", '"' * 5000,
    "x." * 2499 + "x", "Math.max(" * 500, "(int)" * 999 + "1", "1 IN (" * 90 + "1" + ")" * 90,
    "Math.max(" + "1," * 2400 + "1)", "Math.floor(1e6000, 100) % 7", "1/3 " * 1000, "\\" * 5000,
    "text+" * 900 + "text", "Math.round(1e-6000, 100)", "1e6000 % 7", "true OR " * 600 + "true",
    "(string) 1e6144 + (string) 1e6144", "\x00", "١ + ١", "n n" * 1000, "DateTime.format(0, '" +
    "y" * 4000 + "')", "5001" + " " * 4997, "(2^0.5)^0.5 *" * 350 + "1",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_hostile_text_ends_soon(text):
    begun = time.monotonic()

    try:
        compile_calculation(text, NAMES).evaluate(Scope({"text": "x" * 1000, "n": 1}))
    except (CalculationRefused, CalculationFailed) as refusal:
        assert len(str(refusal)) < 3000

    assert time.monotonic() - begun < SECONDS


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1" + " " * 5000, "at most 5,000 characters, this has 5,001"),
        ("(" * 101 + "1" + ")" * 101, "character 101: brackets may stand 100 deep at most"),
        ("-" * 300 + "1", "nested too deeply"),
        ("1" * 35, "at most 34 digits"),
        ("1e7000", "too large"),
    ],
)
def test_a_text_beyond_a_limit_is_refused(text, reason):
    with pytest.raises(CalculationRefused, match=reason):
        compile_calculation(text, NAMES)


@pytest.mark.parametrize(
    ("text", "reason"), [("9^9^9^9", "too large"), ("text + text", "at most 10,000 characters")]
)
def test_a_result_beyond_a_limit_fails(text, reason):
    with pytest.raises(CalculationFailed, match=reason):
        compile_calculation(text, NAMES).evaluate(Scope({"text": "x" * 9000}))


def test_five_thousand_characters_and_a_hundred_brackets_are_accepted():
    long = compile_calculation("1+" * 2499 + "11", NAMES)
    deep = compile_calculation("(" * 100 + "1" + ")" * 100, NAMES)

    assert (long.evaluate(Scope({})), deep.evaluate(Scope({}))) == (2510, 1)
