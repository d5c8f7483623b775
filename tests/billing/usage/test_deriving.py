"""Derived fields: evaluated once at ingest, stored, and never again (usage.md 8)."""

from decimal import Decimal

import pytest

from billing.models import IngestFailure
from organizations.kernel import changes, principals
from organizations.models import CustomFieldDefaults, OrganizationConfig
from tests.billing.usage.stored import accept, failures, gigabytes, item, stored, total
from tests.factories import (
    make_account,
    make_account_plan,
    make_plan,
    make_plan_template,
    make_product,
)

pytestmark = pytest.mark.django_db


def edit(row, **fields):
    with changes.editing(row, by=principals.system(row.organization_id)) as locked:
        for name, value in fields.items():
            setattr(locked, name, value)


def derived(calculation, category="MEASURE", code="x"):
    unit = "1" if category in ("MEASURE", "COST", "INCOME") else None
    return {
        "category": category, "code": code, "name": code, "unit": unit, "calculation": calculation,
    }  # fmt: skip


def value_of(organization, calculation, category="MEASURE", *, more=None, **sent):
    """Return what is stored for one derived field of one measurement."""
    meter = gigabytes(organization, derived_fields=[derived(calculation, category)], **(more or {}))
    accept(organization, item(**sent))
    [fields] = stored(organization, "fields->>'x'")
    return fields, meter


def defaults(tenant, **by_entity):
    row, _ = CustomFieldDefaults.objects.get_or_create(organization=tenant)
    edit(row, **{f"for_{entity}": values for entity, values in by_entity.items()})


def test_a_product_of_two_fields_is_stored_and_can_be_summed(organization):  # E28
    fields = [
        {"category": "MEASURE", "code": code, "name": code, "unit": "1"}
        for code in ("datafieldms", "datafieldgb")
    ]
    meter = gigabytes(
        organization,
        data_fields=fields,
        derived_fields=[derived("datafieldms * datafieldgb / 1000")],
    )
    account = make_account(organization, code="acme")

    accept(organization, item(measure={"datafieldms": 1500, "datafieldgb": Decimal("0.5")}))

    assert total(account.pk, meter, field="x") == Decimal("0.75")


def test_a_changed_calculation_counts_for_later_arrivals_only(organization):  # E29
    meter = gigabytes(organization, derived_fields=[derived("gb * 2")])
    account = make_account(organization, code="acme")
    accept(organization, item(measure={"gb": 3}))

    edit(meter, derived_fields=[derived("gb * 10")])
    accept(organization, item(measure={"gb": 3}))

    assert sorted(stored(organization, "(fields->'x')::int")) == [6, 30]
    assert total(account.pk, meter, field="x") == 36


@pytest.mark.parametrize("is_known", [False, True], ids=["general way", "at once"])
def test_a_failing_field_is_left_out_and_told_by_an_event_each(organization, is_known):  # E30
    meter = gigabytes(
        organization,
        derived_fields=[
            derived("gb / (gb - gb)", code="a"), derived("gb + 1", code="b"),
            derived("1e30 * gb", code="c"),
        ],
    )  # fmt: skip
    account = make_account(organization, code="acme")
    if is_known:
        accept(organization, item(uid="before", measure={"gb": 0}))
        IngestFailure.objects.all().delete()

    accept(organization, item(uid="u1", measure={"gb": 100}))

    assert stored(organization, "fields::text")[-1] == '{"b": 101, "gb": 100}'
    assert failures(organization) == [("CalculationError", ["u1"])] * 2
    assert {row.message for row in IngestFailure.objects.all()} == {
        "Derived field a: division by zero.",
        "Derived field c: the result must be smaller than 1e20, with at most 38 digits.",
    }
    assert total(account.pk, meter) == 100
    assert total(account.pk, meter, field="a") is None


def test_texts_are_joined(organization):  # E31
    fields = [
        {"category": "WHERE", "code": "region", "name": "R"},
        {"category": "WHAT", "code": "tier", "name": "T"},
    ]

    value, _ = value_of(
        organization, 'region + "-" + tier', "WHAT", more={"data_fields": fields},
        measure=None, where={"region": "eu"}, what={"tier": "gold"},
    )  # fmt: skip

    assert value == "eu-gold"


@pytest.mark.parametrize(
    ("calculation", "expected"),
    [
        ("ts", "1780329600000"), ("ts.hour", "18"), ("ts.minute", "0"), ("ts.dayOfWeek", "1"),
        ("ts.dayOfMonth", "1"), ("ts.month", "6"), ("ts.year", "2026"), ("ets.hour", "19"),
        ("duration / 60000", "90"),
    ],
)  # fmt: skip
def test_times_are_those_of_the_organization(organization, calculation, expected):
    edit(OrganizationConfig.objects.get(organization=organization), timezone="UTC+2:00")

    value, _ = value_of(
        organization, calculation, ts="2026-06-01T16:00:00Z", ets="2026-06-01T17:30:00Z"
    )

    assert value == expected


def test_the_duration_of_a_measurement_without_end_is_null(organization):
    value, _ = value_of(organization, "duration")

    assert value is None
    assert failures(organization) == []


def test_a_data_field_wins_over_a_reserved_name(organization):
    fields = [{"category": "MEASURE", "code": "ts", "name": "T", "unit": "1"}]

    value, _ = value_of(organization, "ts + 1", more={"data_fields": fields}, measure={"ts": 4})

    assert value == "5"


def test_custom_fields_of_rows_win_over_the_organizations_defaults(organization):
    defaults(
        organization,
        organization={"a": 1}, meter={"a": 10}, account={"a": 100, "b": 5}, product={"a": 1000},
        account_plan={"a": 10000}, plan={"a": 100000}, plan_template={"a": 1000000},
    )  # fmt: skip
    product = make_product(organization, custom_fields={"a": 2000})
    account = make_account(organization, code="acme", custom_fields={"a": 300})
    plan = make_plan(make_plan_template(product), custom_fields={"a": 400000})
    make_account_plan(account, plan, custom_fields={"a": 50000})
    calculation = " + ".join(
        f"{entity}.a" for entity in
        ("organization", "meter", "account", "product", "accountPlan", "plan", "planTemplate")
    )  # fmt: skip
    gigabytes(organization, product=product, derived_fields=[derived(f"{calculation} + account.b")])

    accept(organization, item(uid="planned", ts="2026-06-01T00:00:00Z"))
    accept(organization, item(uid="before", ts="2001-01-01T00:00:00Z"))
    accept(organization, item(uid="other", account="other", ts="2026-06-02T00:00:00Z"))

    assert stored(organization, "uid, (fields->'x')::int") == [
        ("before", 1112316), ("planned", 1452316), ("other", 1112116),
    ]  # fmt: skip


def test_a_default_that_was_taken_away_is_a_calculation_error(organization):
    defaults(organization, account={"rate": 2})
    gigabytes(organization, derived_fields=[derived("gb * account.rate")])
    accept(organization, item(uid="u1"))

    defaults(organization, account={})
    accept(organization, item(uid="u2", ts="2026-06-02T00:00:00Z"))

    assert stored(organization, "fields::text") == ['{"x": 2, "gb": 1}', '{"gb": 1}']
    assert failures(organization) == [("CalculationError", ["u2"])]


def test_a_resend_evaluates_nothing_again(organization):
    gigabytes(organization, derived_fields=[derived("1 / gb")])

    accept(organization, item(uid="u1", measure={"gb": 0}))
    accept(organization, item(uid="u1", measure={"gb": 0}))

    assert failures(organization) == [("CalculationError", ["u1"]), ("DuplicateUid", ["u1"])]


def test_metadata_that_is_too_long_is_a_calculation_error(organization):
    value, _ = value_of(organization, f'"{"x" * 200}" + "{"y" * 57}"', "METADATA")

    assert value is None
    assert failures(organization)[0][0] == "CalculationError"
