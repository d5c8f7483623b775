"""Every example of the language in usage.md 17.8 and B10, and the rules around them."""

# ruff: noqa: E501 (an example is a line)

from datetime import UTC
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from catalog.calculations import (
    AggregationNames,
    CalculationFailed,
    CalculationRefused,
    FixedNames,
    MeasurementNames,
    Scope,
    Type,
    compile_calculation,
)

N, T, B, NULL = Type.NUMBER, Type.TEXT, Type.BOOLEAN, Type.NULL
EVENT = FixedNames(
    {
        **{f"{copy}.{name}": N | NULL for copy in ("new", "old")
           for name in ("amount", "amountSpent", "amountPrePaid")},
        **{f"{copy}.{name}": T | NULL for copy in ("new", "old")
           for name in ("currency", "status", "contractId", "endDate")},
        "new.commitmentFeeBillInAdvance": B, "new.active": B, "new.lines": Type.LIST,
    },
    maps=["new.customFields"],
)  # fmt: skip
CREATED = FixedNames({"new.amount": N})
R90 = (
    "(new.amountSpent >= ((new.amount*90)/100)) AND "
    "((old.amountSpent <= ((old.amount*90)/100)) OR (old.amountSpent == null))"
)


def evaluate(text, names=EVENT, expects=Type.NUMBER | Type.TEXT | Type.BOOLEAN, **values):
    keyed = {key.replace("_", "."): value for key, value in values.items()}
    return compile_calculation(text, names, expects=expects).evaluate(Scope(keyed))


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("2 + 3 * 4 ^ 2", 50), ("(2 + 3) * 4", 20), ("Math.round(2.5)", 3), ("Math.abs(-2)", 2),
        ("Math.floor(-1.2)", -2), ("Math.ceil(-1.2)", -1), ("Math.round(3.14159, 2)", "3.14"),
        ("isnull(null, 7)", 7), ("isnull(0, 7)", 0), ("10 % 4 == 2 AND true ? 1 : 0", 1),
        ("Math.max(1, 5, 3)", 5), ("Math.min(1, 5, -3)", -3), ("2^-1", "0.5"), ("-2^2", -4),
        ("Math.round(-2.5)", -2), ("Math.pow(2, 10)", 1024), ("10 - 2 - 3", 5), ("12 / 3 / 2", 2),
        ("-7 % 3", -1), ("(int) -2.9", -2), ("(double) \"1.50\"", "1.5"), ("2 * -3", -6),
        ("true ? 1 : false ? 2 : 3", 1), ("false ? 1 : false ? 2 : 3", 3), (".5 + 1.", "1.5"),
    ],
)  # fmt: skip
def test_a_number_is_calculated_exactly(text, result):
    assert evaluate(text) == Decimal(result)


@pytest.mark.parametrize(
    "text",
    [
        "0.1 + 0.2 == 0.3", "null == null", "2 + 3 * 4 == 14", "2 ^ 3 ^ 2 == 512", "-2 ^ 2 == -4",
        "true OR false AND false", "Math.round(2.5) == 3 AND Math.round(1.005, 2) == 1.01",
        "Math.floor(1299, -2) == 1200 AND Math.ceil(1201, -2) == 1300",
        "2 IN (1, 2)", "IN(null, 1, null)", "\"a\" != 1", "'a' < \"b\"", "true Or 1 / 0 == 1",
        "(false and 1 / 0 == 1) == false", "null == true ? false : true", "(null + 1) == null",
        "Math.max(null, 1) == null", "(string) null == null", "\"a\" + 1.50 == \"a1.5\"",
        "Math.PI > 3.14159 AND Math.PI < 3.1416", "\"say \\\"hi\\\"\" == 'say \"hi\"'",
    ],
)  # fmt: skip
def test_a_condition_that_is_true(text):
    assert evaluate(text) is True


@pytest.mark.parametrize(
    "text", ["null < 1", "null > 1", "1 <= null", "(true OR false) AND false", "null AND true"]
)
def test_a_condition_that_is_false(text):
    assert evaluate(text) is False


def test_null_in_arithmetic_gives_null():
    assert evaluate("null + 1") is None
    assert evaluate("-(null * 2)") is None


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        (R90, {"new_amount": 1000, "new_amountSpent": 900, "old_amount": 1000, "old_amountSpent": 850}, True),
        (R90, {"new_amount": 1000, "new_amountSpent": 950, "old_amount": 1000, "old_amountSpent": 920}, False),
        (R90, {"new_amount": 1000, "new_amountSpent": 950, "old_amount": 1000}, True),
        (R90, {"new_amount": 1000, "new_amountSpent": Decimal("899.99"), "old_amount": 1000, "old_amountSpent": 10}, False),
        (R90, {"new_amount": 1000, "new_amountSpent": 960, "old_amount": 1000, "old_amountSpent": 900}, True),
        ("new.amount - old.amount >= 1000", {"new_amount": 6000, "old_amount": 5000}, True),
        ("new.amount - old.amount >= 1000", {"new_amount": Decimal("5999.99"), "old_amount": 5000}, False),
        ("new.amount >= 5000", {"new_amount": 5000}, True),
        ('new.currency == "USD" AND new.amount > 100', {"new_currency": "USD", "new_amount": 100}, False),
        ('new.status == "APPROVED" AND old.status != "APPROVED"', {"new_status": "APPROVED", "old_status": "PENDING"}, True),
        ('new.status == "APPROVED" AND old.status != "APPROVED"', {"new_status": "APPROVED", "old_status": "APPROVED"}, False),
        ("new.commitmentFeeBillInAdvance == true", {"new_commitmentFeeBillInAdvance": False}, False),
        ("new.contractId == null", {}, True),
        ("new.contractId != null AND new.amount % 2 == 1", {"new_contractId": "c1", "new_amount": 7}, True),
        ("isnull(old.amountSpent, 0) < 1", {}, True),
        ('IN(new.currency, "USD", "EUR")', {"new_currency": "GBP"}, False),
        ("old.amountSpent < 10", {}, False),
        ("old.amountSpent + 5 == null", {}, True),
        ('new.endDate < "2025-01-01"', {"new_endDate": "2024-12-31"}, True),
        ('(new.amount > 1000 ? new.currency : "none") == "EUR"', {"new_amount": 1001, "new_currency": "EUR"}, True),
        ('new.customFields.tier == "gold"', {"new_customFields_tier": "gold"}, True),
        ('new.amount == "100"', {"new_amount": 100}, False),
        ("Math.abs(new.amount - old.amount) / old.amount > 0.2", {"new_amount": 75, "old_amount": 100}, True),
        ("new.lines == null", {"new_lines": []}, False),
    ],
)  # fmt: skip
def test_a_notification_rule_is_true_or_false(text, values, expected):
    assert evaluate(text, expects=Type.BOOLEAN, **values) is expected


def test_a_rule_that_divides_by_zero_fails_when_it_runs():
    with pytest.raises(CalculationFailed, match="division by zero"):
        evaluate("new.amount / new.amountPrePaid > 1", new_amount=10, new_amountPrePaid=0)


@pytest.mark.parametrize(
    ("text", "names", "message"),
    [
        ("new.amount >", EVENT, "character 13: the calculation ends where a value is expected"),
        ("old.amount > 1", CREATED, "character 1: there is no old.amount here; did you mean new.amount?"),
        ("new.amount + 1", EVENT, "character 1: the result must be true or false, this is a number or null"),
        ("new.nosuch == 1", EVENT, "character 1: there is no new.nosuch here"),
        ("new.amount = 5", EVENT, "character 12: = does not compare; write =="),
        ("NOT new.active", EVENT, "character 5: NOT is not available; write == false"),
        ("new.active && true", EVENT, "character 12: & is not available; write AND"),
        ("Math.max(1) > 0", EVENT, "character 1: Math.max takes 2 or more arguments, not 1"),
        ("true AND\n 1 < 'a'", EVENT, "line 2, character 4: < cannot compare a number with a text"),
        ("new.amount AND true", EVENT, "character 1: AND needs a condition, not a number or null"),
        ("new.currency * 2 == 1", EVENT, "character 14: * needs numbers, not a text or null"),
        ("new.currency < new.amount", EVENT, "character 14: < cannot compare"),
        ("1 AND true", EVENT, "character 1: AND needs a condition, not a number"),
        ("new.lines == 1", EVENT, "character 11: a list can only be compared with null"),
        ("Math.nosuch(1) == 1", EVENT, "character 1: there is no function Math.nosuch here"),
        ("\"open", EVENT, "character 1: the text that begins here has no closing quote"),
        ("   ", EVENT, "character 1: there is no calculation"),
    ],
)  # fmt: skip
def test_a_rule_is_refused_with_place_and_reason(text, names, message):
    with pytest.raises(CalculationRefused) as refused:
        compile_calculation(text, names, expects=Type.BOOLEAN)

    assert str(refused.value).startswith(message)


def test_all_faults_are_named_at_once():
    with pytest.raises(CalculationRefused) as refused:
        compile_calculation("nosuch + other * (true - 1)", EVENT)

    assert [fault.position for fault in refused.value.faults] == [0, 9, 23]


METER = MeasurementNames(
    {"gb": N, "region": T, "hour": N},
    {"account": {"included": 5, "Plan size": "S"}, "organization": {"rate": 2}},
)


def test_a_derived_field_reads_fields_times_and_custom_fields():
    calculation = compile_calculation(
        'gb * ts.hour + account["Plan size"] + account.included', METER, expects=Type.TEXT
    )

    values = {"gb": 2, "ts.hour": 3, "account.Plan size": "S", "account.included": 5}

    assert calculation.references == set(values)
    assert calculation.evaluate(Scope(values)) == "6S5"


@pytest.mark.parametrize(
    "text", ["nosuch", "plan.size", "contract.x", "aggregation.a", "account.other", "derived"]
)
def test_a_derived_field_may_not_refer_to_anything_else(text):
    with pytest.raises(CalculationRefused, match=r"there is no|no default"):
        compile_calculation(text, METER)


def test_a_compound_reads_aggregations_and_custom_fields():
    names = AggregationNames(["a", "c"], {"account": {"included": 50}})
    text = "Math.max(aggregation.a - account.included, 0)"

    calculation = compile_calculation(text, names, expects=Type.NUMBER)

    assert calculation.references == {"aggregation.a", "account.included"}
    scope = Scope({"aggregation.a": Decimal(120), "account.included": 50})
    assert calculation.evaluate(scope) == 70
    assert calculation.evaluate(Scope({"aggregation.a": None, "account.included": 50})) is None
    with pytest.raises(CalculationRefused, match=r"there is no aggregation\.b"):
        compile_calculation("aggregation.b", names)


class Rates:
    """Rates by country."""

    def find(self, table, field, keys):
        if table != "discount_vol_rates":
            raise CalculationFailed(f"there is no lookup table {table}")
        return {"UK": Decimal("0.8"), "US": Decimal("0.9"), "DE": "text"}.get(keys[0])


@pytest.mark.parametrize(("country", "result"), [("UK", 80), ("US", 90), ("FR", 100)])
def test_a_lookup_takes_the_field_whose_code_is_quoted(country, result):
    names = MeasurementNames({"gib": N, "country": T}, {})
    text = 'gib * Lookup.findNumber("discount_vol_rates","rate",1,"country")'

    calculation = compile_calculation(text, names, expects=Type.NUMBER)

    assert calculation.tables == {"discount_vol_rates"}
    assert calculation.references == {"gib", "country"}
    scope = Scope({"gib": 100, "country": country}, lookup=Rates())
    assert calculation.evaluate(scope) == result


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('Lookup.findNumber("nosuch", "rate", 1, "UK")', "there is no lookup table nosuch"),
        ('Lookup.findNumber("discount_vol_rates", "rate", 1, "DE")', "a text, not a number"),
    ],
)
def test_a_lookup_fails_with_a_reason(text, reason):
    with pytest.raises(CalculationFailed, match=reason):
        compile_calculation(text, METER).evaluate(Scope({}, lookup=Rates()))


@pytest.mark.parametrize(
    ("text", "zone", "result"),
    [
        ("DateTime.format(0, DateTime.TS_FMT)", UTC, "1970-01-01T00:00:00.000Z"),
        ("DateTime.format(0, DateTime.TS_FMT)", ZoneInfo("Asia/Kolkata"),
         "1970-01-01T05:30:00.000+0530"),
        ('(string) DateTime.toEpochMillis("2024-05-01", "yyyy-MM-dd")', UTC, "1714521600000"),
        ('(string) DateTime.hour(0, "America/New_York")', UTC, "19"),
        ("(string) DateTime.dayOfWeek(0)", UTC, "4"),
    ],
)  # fmt: skip
def test_times_are_read_and_written(text, zone, result):
    calculation = compile_calculation(text, METER, expects=Type.TEXT)

    assert calculation.evaluate(Scope({}, zone=zone)) == result


@pytest.mark.parametrize(
    ("text", "values", "reason"),
    [
        ("1 / 0", {}, "division by zero"), ("1 % 0", {}, "division by zero"),
        ("0 / 0", {}, "no result|division by zero"), ("0 ^ -1", {}, "division by zero"),
        ("(-8) ^ 0.5", {}, "no result"), ("(int) \"x\"", {}, "not a number"),
        ("(boolean) 1", {}, "neither true nor false"),
        ("new.customFields.x * 2", {"new_customFields_x": "a"}, "needs numbers"),
        ("new.customFields.x < 2", {"new_customFields_x": "a"}, "two numbers or two texts"),
        ("new.customFields.x ? 1 : 2", {"new_customFields_x": 1}, "needs a condition"),
        ("Math.abs(new.customFields.x)", {"new_customFields_x": True}, "must be a number"),
        ("DateTime.hour(1e30)", {}, "years 1 and 9999"), ("Math.floor(1, 0.5)", {}, "scale"),
        ("DateTime.hour(0, \"Mars/Base\")", {}, "no timezone"),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated_fails_with_a_reason(text, values, reason):
    with pytest.raises(CalculationFailed, match=reason):
        evaluate(text, **values)
