"""A refused form tells all that is wrong with it at once, at its fields."""

import json

from billing.models import Account
from catalog.models import Aggregation, Meter, Plan, PlanTemplate, Pricing
from tests import factories
from tests.console.clients import errors_of
from tests.console.test_pricings import fields_of


def test_a_template_tells_of_a_missing_name_and_of_each_broken_rule(console, founded):
    product = factories.make_product(founded.organization)

    answer = console.post(
        PlanTemplate, "add", name="", code="t", product=product.pk, currency="USD",
        bill_frequency="MONTHLY", bill_frequency_interval="400", standing_charge="-1",
        standing_charge_interval="0", standing_charge_offset="0",
        standing_charge_bill_in_advance="unknown", minimum_spend_bill_in_advance="unknown",
        custom_fields="[]",
    )  # fmt: skip

    assert errors_of(answer) == {
        "name": ["This field is required."],
        "bill_frequency_interval": ["Must be from 1 to 365"],
        "standing_charge_interval": ["Must be from 1 to 365"],
        "standing_charge": ["Must be at least 0"],
    }
    assert not PlanTemplate.objects.exists()


def test_a_plan_tells_of_both_charges(console, founded):
    template = factories.make_plan_template(factories.make_product(founded.organization))

    answer = console.post(
        Plan, "add", name="P", code="p", plan_template=template.pk, account="", ordinal="",
        standing_charge="-1", minimum_spend="-1", standing_charge_bill_in_advance="unknown",
        minimum_spend_bill_in_advance="unknown", custom_fields="[]",
    )  # fmt: skip

    assert errors_of(answer) == {
        "standing_charge": ["Must be at least 0"],
        "minimum_spend": ["Must be at least 0"],
    }
    assert not Plan.objects.exists()


def test_a_plan_moved_while_it_is_sold_is_told_beside_what_is_missing(console, founded):
    product = factories.make_product(founded.organization)
    plan = factories.make_plan(factories.make_plan_template(product))
    factories.make_account_plan(factories.make_account(founded.organization), plan)
    other = factories.make_plan_template(product)

    answer = console.post(
        Plan, "change", plan, name="", code="p", plan_template=other.pk, account="", ordinal="",
        standing_charge="", minimum_spend="", standing_charge_bill_in_advance="unknown",
        minimum_spend_bill_in_advance="unknown", custom_fields="[]",
    )  # fmt: skip

    assert errors_of(answer) == {
        "name": ["This field is required."],
        "plan_template": ["Cannot change while the plan is attached"],
    }


def test_a_meter_tells_of_every_row(console):
    rows = [
        {"category": "MEASURE", "code": "tokens", "name": "", "unit": "tokens"},
        {"category": "NOTHING", "code": "", "name": "Model", "unit": ""},
    ]
    fields = {"name": "", "code": "requests", "product": "", "custom_fields": "[]"}

    shape = console.post(Meter, "add", **fields, data_fields=json.dumps(rows))
    rows = [
        {"category": "MEASURE", "code": "tokens", "name": "Tokens", "unit": ""},
        {"category": "WHAT", "code": "a-b", "name": "Model", "unit": ""},
    ]
    rules = console.post(Meter, "add", **fields, data_fields=json.dumps(rows))

    assert errors_of(shape)["data_fields"] == [
        "Row 1: Name is missing.",
        "Row 2: Category cannot be NOTHING.",
        "Row 2: Code is missing.",
    ]
    assert errors_of(rules) == {
        "name": ["This field is required."],
        "data_fields": [
            "Row 1, Unit: a numeric field needs a unit",
            "Row 2, Code: may hold only letters, digits, _ and $",
        ],
    }
    assert not Meter.objects.exists()


def test_an_aggregation_tells_of_units_and_target(console, founded):
    meter = factories.make_meter(founded.organization)
    fields = {
        "name": "A", "code": "a", "meter": meter.pk, "target_field": "nothing",
        "aggregation": "SUM", "quantity_per_unit": "0", "unit": "", "rounding": "NONE",
        "default_value": "-1", "segmented_fields": "", "segments": "", "accounting_product": "",
        "custom_fields": "[]",
    }  # fmt: skip

    answer = console.post(Aggregation, "add", **fields)
    without_meter = console.post(Aggregation, "add", **{**fields, "meter": ""})

    assert errors_of(answer) == {
        "unit": ["This field is required."],
        "target_field": ["The meter has no field nothing"],
        "quantity_per_unit": ["Must be greater than 0"],
    }
    assert list(errors_of(without_meter)) == ["meter", "unit"]
    assert not Aggregation.objects.exists()


def test_a_price_tells_of_end_minimum_and_bands(console, founded):
    product = factories.make_product(founded.organization)
    plan = factories.make_plan(factories.make_plan_template(product))
    aggregation = factories.make_aggregation(
        factories.make_meter(founded.organization, product=product)
    )
    wrong = {"end_date_0": "2026-04-01", "end_date_1": "00:00:00", "minimum_spend": "-1"}

    answer = console.post(
        Pricing, "add", **fields_of(plan, aggregation, "TIERED", [("0", "", "-1")], **wrong)
    )

    assert errors_of(answer) == {
        "bands": ["Row 1, Price a unit: must not be negative with type debit"],
        "end_date": ["Must be after start date"],
        "minimum_spend": ["Must be at least 0"],
    }
    assert not Pricing.objects.exists()


def test_an_account_tells_of_days_and_parent(console, founded):
    child = factories.make_account(
        founded.organization, parent_account=factories.make_account(founded.organization)
    )

    answer = console.post(
        Account, "add", name="A", code="a", email_address="nobody", parent_account=child.pk,
        currency="", bill_epoch="", days_before_bill_due="0", purchase_order_number="",
        custom_fields="[]",
    )  # fmt: skip

    assert errors_of(answer) == {
        "email_address": ["Enter a valid email address."],
        "days_before_bill_due": ["Must be greater than 0"],
        "parent_account": ["A child account cannot become a parent"],
    }
    assert Account.objects.count() == 2
