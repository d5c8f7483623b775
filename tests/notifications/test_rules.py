"""The worked examples of rules, what is refused, and what cannot be evaluated."""

from decimal import Decimal
from typing import Any

import pytest

from notifications import rules

R90 = (
    "(new.amountSpent >= ((new.amount*90)/100)) AND "
    "((old.amountSpent <= ((old.amount*90)/100)) OR (old.amountSpent == null))"
)
NONE: dict[str, Any] = {}
COMMITMENT = {
    "amount": "double", "amountSpent": "double", "amountPrePaid": "double", "currency": "string",
    "contractId": "string", "commitmentFeeBillInAdvance": "boolean", "feeDates": "array",
    "customFields": "map", "billingInterval": "int",
}  # fmt: skip
APPROVED = 'new.status == "APPROVED" AND old.status != "APPROVED"'
GREW = "new.amount - old.amount >= 1000"


def spent(amount: Any, amount_spent: Any) -> dict[str, Any]:
    """A commitment of which something is spent."""
    return {"amount": Decimal(amount), "amountSpent": amount_spent and Decimal(amount_spent)}


EXAMPLES = [
    ("N1", R90, spent(1000, 900), spent(1000, 850), True),
    ("N2", R90, spent(1000, 950), spent(1000, 920), False),
    ("N3", R90, spent(1000, 950), spent(1000, None), True),
    ("N4", R90, spent(1000, "899.99"), spent(1000, 10), False),
    ("N5", R90, spent(1000, 960), spent(1000, 900), True),
    ("N6", GREW, {"amount": 6000}, {"amount": 5000}, True),
    ("N7", GREW, {"amount": Decimal("5999.99")}, {"amount": 5000}, False),
    ("N8", "new.amount >= 5000", {"amount": 5000}, NONE, True),
    ("N9", 'new.currency == "USD" AND new.amount > 100', {"currency": "USD", "amount": 100}, NONE,
     False),
    ("N10", APPROVED, {"status": "APPROVED"}, {"status": "PENDING"}, True),
    ("N11", APPROVED, {"status": "APPROVED"}, {"status": "APPROVED"}, False),
    ("N12", "new.commitmentFeeBillInAdvance == true", {"commitmentFeeBillInAdvance": False}, NONE,
     False),
    ("N13", "new.contractId == null", NONE, NONE, True),
    ("N14", "new.contractId != null AND new.amount % 2 == 1", {"contractId": "c1", "amount": 7},
     NONE, True),
    ("N15", "2 + 3 * 4 == 14", NONE, NONE, True),
    ("N16", "2 ^ 3 ^ 2 == 512", NONE, NONE, True),
    ("N17", "-2 ^ 2 == -4", NONE, NONE, True),
    ("N18", "true OR false AND false", NONE, NONE, True),
    ("N19", "(true OR false) AND false", NONE, NONE, False),
    ("N20", "Math.round(2.5) == 3 AND Math.round(1.005, 2) == 1.01", NONE, NONE, True),
    ("N21", "Math.floor(1299, -2) == 1200 AND Math.ceil(1201, -2) == 1300", NONE, NONE, True),
    ("N22", "isnull(old.amountSpent, 0) < 1", NONE, {"amountSpent": None}, True),
    ("N23", 'IN(new.currency, "USD", "EUR")', {"currency": "GBP"}, NONE, False),
    ("N24", "old.amountSpent < 10", NONE, {"amountSpent": None}, False),
    ("N25", "old.amountSpent + 5 == null", NONE, {"amountSpent": None}, True),
    ("N26", 'new.endDate < "2025-01-01"', {"endDate": "2024-12-31"}, NONE, True),
    ("N27", '(new.amount > 1000 ? new.currency : "none") == "EUR"',
     {"amount": 1001, "currency": "EUR"}, NONE, True),
    ("N28", 'new.customFields.tier == "gold"', {"customFields": {"tier": "gold"}}, NONE, True),
    ("N29", 'new.amount == "100"', {"amount": 100}, NONE, False),
    ("N30", "Math.abs(new.amount - old.amount) / old.amount > 0.2", {"amount": 75},
     {"amount": 100}, True),
    ("N31", "0.1 + 0.2 == 0.3", NONE, NONE, True),
]  # fmt: skip


def payload(new: Any, old: Any = None) -> dict[str, Any]:
    """An event with both copies."""
    return {"eventData": {"newDto": new, "oldDto": old or {}}}


@pytest.mark.parametrize(("calculation", "new", "old", "expected"), [
    pytest.param(*example, id=name) for name, *example in EXAMPLES
])  # fmt: skip
def test_the_worked_examples(calculation, new, old, expected):
    wanted = rules.Outcome(rules.FIRED if expected else rules.NOT_FIRED)

    assert rules.ask(calculation, payload(new, old)) == wanted


def test_a_division_by_nothing_is_an_error_and_does_not_fire():
    outcome = rules.ask(
        "new.amount / new.amountPrePaid > 1", payload({"amount": 10, "amountPrePaid": 0})
    )

    assert outcome.verdict == rules.FAILED
    assert "zero" in outcome.error


@pytest.mark.parametrize(("calculation", "place"), [
    ("new.amount >", "character 13"),
    ("old.amount > 1", "character 1"),
    ("new.amount + 1", "character 1"),
    ("new.nosuch == 1", "character 1"),
    ("new.amount = 5", "character 12"),
    ("NOT new.active", "character"),
    ('new.amount > "a"', "character 12"),
    ("new.currency", "character 1"),
    ("new.feeDates == 5", "character"),
    ("new.orgId == null", "character 1"),
    ("new.version > 1", "character 1"),
    ("", "character 1"),
])  # fmt: skip
def test_what_may_not_be_saved_is_refused_with_its_place(calculation, place):
    fields = {f"new.{name}": kind for name, kind in COMMITMENT.items()}

    assert place in rules.faults(calculation, fields)


def test_what_may_be_saved_is_not_refused():
    fields = {
        f"{copy}.{name}": kind for copy in ("new", "old") for name, kind in COMMITMENT.items()
    }
    for calculation in (
        R90,
        GREW,
        "new.feeDates == null",
        "new.customFields.any.thing > 5",
        'new.amount == "100"',
        "isnull(old.amountSpent, 0) < 1",
    ):
        assert rules.faults(calculation, fields) == ""
    assert "4,000" in rules.faults("1 == 1" + " " * 4000, fields)


def test_what_is_in_every_payload_may_be_asked_for_when_it_runs():
    assert rules.ask("new.version == 3", payload({"version": 3})).verdict == rules.FIRED


def test_a_name_with_dots_is_found():
    fields = {"customFields": {"a.b": 1, "c": {"d": 2}}}
    calculation = 'new.customFields["a.b"] == 1 AND new.customFields.c.d == 2'

    assert rules.ask(calculation, payload(fields)).verdict == rules.FIRED


def test_what_fires_always_is_not_calculated():
    assert rules.ask("new.amount >", payload({}), always=True) == rules.Outcome(rules.FIRED)
    assert rules.ask("new.amount >", payload({})).verdict == rules.FAILED
    assert rules.ask(" ", payload({})) == rules.Outcome(rules.NOT_FIRED)


def test_a_calculation_is_compiled_once():
    rules._compiled.cache_clear()
    for amount in range(50):
        rules.ask("new.amount > 5", payload({"amount": amount}))

    assert rules._compiled.cache_info().misses == 1
