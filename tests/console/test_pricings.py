"""Prices: five kinds by name, bands as a table, and what N units cost."""

import json
from decimal import Decimal

import pytest
from django.urls import reverse

from catalog.models import Plan, Pricing
from tests import factories
from tests.console.clients import address, errors_of


@pytest.fixture
def sold(founded):
    """A plan and an aggregation of its product."""
    product = factories.make_product(founded.organization)
    plan = factories.make_plan(factories.make_plan_template(product))
    aggregation = factories.make_aggregation(
        factories.make_meter(founded.organization, product=product)
    )
    return plan, aggregation


def fields_of(plan, aggregation, shape, bands, **fields):
    """What the form of a price sends; bands are (above, fixed, unit) as typed."""
    rows = [
        dict(zip(("lowerLimit", "fixedPrice", "unitPrice"), band, strict=True)) for band in bands
    ]
    return {
        "plan": plan.pk if plan else "", "plan_template": "", "aggregation": aggregation.pk,
        "start_date_0": "2026-05-01", "start_date_1": "00:00:00", "end_date_0": "",
        "end_date_1": "", "shape": shape, "bands": json.dumps(rows), "description": "",
        "code": "", "type": "DEBIT", "segment": "", "minimum_spend": "",
        "minimum_spend_description": "", "minimum_spend_bill_in_advance": "unknown",
        "accounting_product": "", **fields,
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["PRODUCT_CREDIT", "GLOBAL_CREDIT"])
def test_a_price_that_gives_credit_is_kept_as_over_the_api(console, sold, kind):
    console.post(Pricing, "add", **fields_of(*sold, "TIERED", [("0", "", "1")], type=kind))

    assert Pricing.objects.get().type == kind


@pytest.mark.parametrize(
    ("shape", "cumulative", "stored"),
    [
        ("TIERED", True, [(0, 0, "0.50"), (10, 0, "0.40")]),
        ("VOLUME", False, [(0, 0, "0.50"), (10, 0, "0.40")]),
        ("STAIRSTEP", False, [(0, "3", 0), (10, "5", 0)]),
        ("CUSTOM_TIERED", True, [(0, "3", "0.50"), (10, "5", "0.40")]),
        ("CUSTOM_VOLUME", False, [(0, "3", "0.50"), (10, "5", "0.40")]),
    ],
)
def test_a_kind_of_price_is_stored_as_bands_and_shown_by_its_name_again(
    console, sold, shape, cumulative, stored
):
    typed = [("0", "3", "0.50"), ("10", "5", "0.40")]

    answer = console.post(Pricing, "add", **fields_of(*sold, shape, typed))

    pricing = Pricing.objects.get()
    assert answer["Location"] == address(Plan, "change", sold[0]) + "#prices"
    assert pricing.is_cumulative is cumulative
    assert [
        (band["lowerLimit"], band["fixedPrice"], band["unitPrice"]) for band in pricing.bands
    ] == [(limit, Decimal(fixed), Decimal(unit)) for limit, fixed, unit in stored]
    form = console.get(Pricing, "change", pricing).context["adminform"].form
    assert form["shape"].value() == shape


def test_a_band_keeps_its_id_when_its_price_changes(console, sold):
    console.post(Pricing, "add", **fields_of(*sold, "TIERED", [("0", "", "0.50")]))
    pricing = Pricing.objects.get()
    band_id = pricing.bands[0]["id"]

    console.post(
        Pricing,
        "change",
        pricing,
        **fields_of(*sold, "TIERED", [("0", "", "0.60"), ("9", "", "1")]),
    )

    pricing.refresh_from_db()
    assert pricing.version == 2
    assert [band["unitPrice"] for band in pricing.bands] == [Decimal("0.60"), Decimal(1)]
    assert pricing.bands[0]["id"] == band_id


@pytest.mark.parametrize(
    ("bands", "sentence"),
    [
        ([("0", "", "")], "Row 1: Price a unit is missing."),
        ([("5", "", "1")], "The lowest lower limit must be 0"),
        (
            [("0", "", "1"), ("0", "", "2")],
            "Row 2, Above (units): each lower limit may occur only once",
        ),
        ([("0", "", "-1")], "Row 1, Price a unit: must not be negative with type debit"),
        ([("0", "", "one")], "Row 1: Price a unit must be a number, not 'one'."),
        ([("0", "", "NaN")], "Row 1: Price a unit must be a number, not 'NaN'."),
        ([("", "", "1")], "Row 1: Above (units) is missing."),
    ],
)
def test_bands_that_break_a_rule_are_refused_with_a_sentence(console, sold, bands, sentence):
    answer = console.post(Pricing, "add", **fields_of(*sold, "TIERED", bands))

    assert errors_of(answer)["bands"] == [sentence]
    assert not Pricing.objects.exists()


def test_every_fault_of_the_bands_is_told_at_its_row(console, sold):
    bands = [("1", "", "-1"), ("5", "", "2"), ("5", "", "-3")]

    answer = console.post(Pricing, "add", **fields_of(*sold, "TIERED", bands))

    assert errors_of(answer)["bands"] == [
        "The lowest lower limit must be 0",
        "Row 3, Above (units): each lower limit may occur only once",
        "Row 1, Price a unit: must not be negative with type debit",
        "Row 3, Price a unit: must not be negative with type debit",
    ]


def test_a_price_needs_a_plan_or_a_template_and_not_both(console, sold):
    plan, aggregation = sold
    neither = fields_of(None, aggregation, "TIERED", [("0", "", "1")])
    both = {**neither, "plan": plan.pk, "plan_template": plan.plan_template_id}

    for fields in (neither, both):
        answer = console.post(Pricing, "add", **fields)
        assert errors_of(answer)["__all__"] == ["Choose either a plan or a plan template."]
    assert not Pricing.objects.exists()


def test_two_prices_at_the_same_time_are_refused(console, sold):
    console.post(Pricing, "add", **fields_of(*sold, "TIERED", [("0", "", "1")]))

    answer = console.post(Pricing, "add", **fields_of(*sold, "TIERED", [("0", "", "2")]))

    [first] = Pricing.objects.all()
    assert errors_of(answer) == {
        "start_date": [
            f"Pricing {first.code or first.pk}, from {first.start_date:%Y-%m-%d}, is in force at "
            "this time for the same aggregation and segment"
        ]
    }
    assert Pricing.objects.count() == 1


def ask(console, units, shape, bands):
    """Ask the calculator."""
    rows = [
        dict(zip(("lowerLimit", "fixedPrice", "unitPrice"), band, strict=True)) for band in bands
    ]
    body = json.dumps({"units": units, "shape": shape, "bands": rows})
    return console.client.post(
        reverse("price_of_units"), body, content_type="application/json"
    ).json()


# By hand: 10 x 0.50 + 2.5 x 0.40 = 6.00; 12.5 x 0.40 = 5.00; the band reached costs 5;
# 3 + 5.00 + 5 + 1.00 = 14.00; 5 + 5.00 = 10.00.
@pytest.mark.parametrize(
    ("shape", "amount"),
    [
        ("TIERED", "6.00"),
        ("VOLUME", "5.00"),
        ("STAIRSTEP", "5.00"),
        ("CUSTOM_TIERED", "14.00"),
        ("CUSTOM_VOLUME", "10.00"),
    ],
)
def test_the_calculator_says_what_units_would_cost(console, shape, amount):
    bands = [("0", "3", "0.50"), ("10", "5", "0.40")]

    assert ask(console, "12.5", shape, bands)["amount"] == amount


def test_the_calculator_counts_exactly_on_a_limit_in_the_lower_band(console):
    assert ask(console, "10", "TIERED", [("0", "", "0.50"), ("10", "", "0.40")]) == {
        "amount": "5.00",
        "portions": [{"band": "above 0: 10 x 0.5", "sum": "5.00"}],
    }


@pytest.mark.parametrize("units", ["", "ten", "1e999", "NaN", None])
def test_the_calculator_asks_for_numbers(console, units):
    answer = ask(console, units, "TIERED", [("0", "", "0.50")])

    assert answer == {"problem": "Enter numbers in the bands and the number of units."}


def test_the_calculator_repeats_the_rule_that_bands_break(console):
    assert "lowerLimit must be 0" in ask(console, "1", "TIERED", [("5", "", "1")])["problem"]
