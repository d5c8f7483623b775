"""Compound aggregations and what pricings gained with them: rules and refusals over the API."""

import pytest

from catalog.models import CompoundAggregation, Pricing
from organizations.models import Event
from tests.catalog import bodies
from tests.catalog.bodies import made
from tests.factories import number

EU, US, ANY = {"region": "eu"}, {"region": "us"}, {"region": "*"}


def body(calculation, **overrides):
    return {
        "name": "Margin",
        "calculation": calculation,
        "rounding": "NONE",
        "quantityPerUnit": 1,
        "unit": "USD",
        **overrides,
    }


def compound(api, calculation="1 + 1", **overrides):
    return made(api, "compoundaggregations", body(calculation, **overrides))


def price(plan, **overrides):
    return {
        "planId": plan["id"],
        "startDate": "2024-01-01T00:00:00Z",
        "cumulative": True,
        "pricingBands": [{"lowerLimit": 0, "fixedPrice": 0, "unitPrice": 0.1}],
        **overrides,
    }


def refused(answer, field, *words):
    """Assert a 400 that names the field, with the words in its sentence."""
    assert answer.status == 400, answer
    assert answer.json["errors"][0]["field"] == field, answer
    for word in words:
        assert word in answer.json["errors"][0]["message"], answer


def test_a_compound_refers_to_aggregations_by_code_or_to_none(api):
    tokens = bodies.made_aggregation(api)

    row = compound(api, f"Math.max(aggregation.{tokens['code']} - 10, 0)")
    alone = compound(api)

    assert (row["evaluateNullAggregations"], row["segments"], row["productId"]) == (False, [], None)
    assert alone["calculation"] == "1 + 1"
    assert CompoundAggregation.objects.get(pk=row["id"]).aggregation_ids[0].hex == (
        tokens["id"].replace("-", "")
    )
    name = "configuration.compoundaggregation.created"
    assert Event.objects.filter(name=name).count() == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"calculation": "aggregation.nothing"}, "calculation"),
        ({"calculation": "1 +"}, "calculation"),
        ({"calculation": "'text'"}, "calculation"),
        ({"calculation": "counter.seats"}, "calculation"),
        ({"calculation": "1" + " + 1" * 1250}, "calculation"),
        ({"calculation": None}, "calculation"),
        ({"quantityPerUnit": 0}, "quantityPerUnit"),
        ({"unit": ""}, "unit"),
        ({"rounding": "SOME"}, "rounding"),
        ({"code": "has space"}, "code"),
    ],
)
def test_a_compound_that_breaks_a_rule_is_refused_at_its_field(api, change, field):
    refused(api.post("compoundaggregations", {**body("1"), **change}), field)

    assert not CompoundAggregation.objects.exists()


def test_another_compound_cannot_be_referred_to(api):
    first = compound(api, code=f"first_{number()}")

    refused(api.post("compoundaggregations", body(f"aggregation.{first['code']}")), "calculation")

    assert CompoundAggregation.objects.count() == 1


def test_segments_are_those_all_segmented_references_share_and_follow_their_change(api):
    fields = {"segmentedFields": ["region"]}
    one = bodies.made_aggregation(api, **fields, segments=[EU, US])
    two = bodies.made_aggregation(api, **fields, segments=[ANY, EU])
    whole = bodies.made_aggregation(api)
    codes = [f"aggregation.{row['code']}" for row in (one, two, whole)]

    single = compound(api, f"{codes[0]} + {codes[2]}")
    double = compound(api, f"{codes[0]} + {codes[1]}")
    assert (single["segments"], double["segments"]) == ([EU, US], [EU])

    changed = api.put(f"aggregations/{two['id']}", {**two, "segments": [ANY, EU, US]})

    assert changed.status == 200
    assert api.get(f"compoundaggregations/{double['id']}").json["segments"] == [EU, US]


def test_an_aggregation_a_compound_refers_to_keeps_its_code_and_is_not_deleted(api):
    tokens = bodies.made_aggregation(api)
    compound(api, f"aggregation.{tokens['code']}")

    refused(api.put(f"aggregations/{tokens['id']}", {**tokens, "code": "other"}), "code", "Margin")
    answer = api.delete(f"aggregations/{tokens['id']}")

    assert answer.status == 400 and "compound" in answer.json["message"]
    assert api.get(f"aggregations/{tokens['id']}").json == tokens


def test_a_compound_is_priced_in_place_of_an_aggregation(api):
    plan, row = bodies.made_plan(api), compound(api)

    pricing = made(api, "pricings", price(plan, compoundAggregationId=row["id"]))

    assert (pricing["aggregationType"], pricing["aggregationId"]) == ("COMPOUND", None)
    assert pricing["compoundAggregationId"] == row["id"]
    refused(api.post("pricings", price(plan)), "aggregationId", "exactly one")
    both = {"aggregationId": bodies.made_aggregation(api)["id"], "compoundAggregationId": row["id"]}
    refused(api.post("pricings", price(plan, **both)), "aggregationId", "exactly one")
    refused(api.post("pricings", price(plan, compoundAggregationId=row["id"])), "startDate")
    assert api.delete(f"compoundaggregations/{row['id']}").status == 400
    assert Pricing.objects.count() == 1


def test_a_compound_of_another_product_cannot_be_priced(api):
    plan, other = bodies.made_plan(api), bodies.made_plan(api)
    row = compound(api, productId=other["productId"])

    refused(
        api.post("pricings", price(plan, compoundAggregationId=row["id"])), "compoundAggregationId"
    )
    made(api, "pricings", price(other, compoundAggregationId=row["id"]))

    moved = {**row, "productId": plan["productId"]}
    refused(api.put(f"compoundaggregations/{row['id']}", moved), "productId")
    assert Pricing.objects.count() == 1


@pytest.mark.parametrize("kind", ["PRODUCT_CREDIT", "GLOBAL_CREDIT"])
def test_a_pricing_that_gives_credit_is_kept_and_may_have_negative_prices(api, kind):
    plan, tokens = bodies.made_plan(api), bodies.made_aggregation(api)
    bands = [{"lowerLimit": 0, "fixedPrice": -1, "unitPrice": -0.5}]

    row = made(api, "pricings", price(
        plan, aggregationId=tokens["id"], type=kind, pricingBands=bands))  # fmt: skip

    assert row["type"] == kind
    assert row["pricingBands"][0]["unitPrice"] == -0.5


def test_overage_bands_are_kept_in_order_with_ids(api):
    plan, tokens = bodies.made_plan(api), bodies.made_aggregation(api)
    bands = [{"lowerLimit": 10, "fixedPrice": 0, "unitPrice": 1},
             {"lowerLimit": 0, "fixedPrice": 0, "unitPrice": 2}]  # fmt: skip

    row = made(api, "pricings", price(
        plan, aggregationId=tokens["id"], overagePricingBands=bands))  # fmt: skip
    again = api.put(f"pricings/{row['id']}", row).json

    assert [band["lowerLimit"] for band in row["overagePricingBands"]] == [0, 10]
    assert again["overagePricingBands"] == row["overagePricingBands"]
    assert all(band["id"] for band in row["overagePricingBands"])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"cumulative": False}, "overagePricingBands"),
        ({"tiersSpanPlan": True}, "overagePricingBands"),
        ({"overagePricingBands": [{"lowerLimit": 1, "fixedPrice": 0, "unitPrice": 1}]},
         "overagePricingBands"),
        ({"overagePricingBands": [{"lowerLimit": 0, "fixedPrice": 0, "unitPrice": -1}]},
         "overagePricingBands[0].unitPrice"),
    ],
)  # fmt: skip
def test_overage_bands_that_break_a_rule_are_refused(api, change, field):
    plan, tokens = bodies.made_plan(api), bodies.made_aggregation(api)
    bands = [{"lowerLimit": 0, "fixedPrice": 0, "unitPrice": 2}]
    sent = price(plan, aggregationId=tokens["id"], overagePricingBands=bands)

    refused(api.post("pricings", {**sent, **change}), field)

    assert not Pricing.objects.exists()
