"""Meters, aggregations, plan templates, plans and pricings over the API: shapes and refusals."""

from decimal import Decimal

import pytest

from catalog.models import Aggregation, Meter, Pricing
from tests.catalog import bodies
from tests.catalog.bodies import made


def refused(answer, field):
    """Assert a 400 that names the field."""
    assert answer.status == 400, answer
    assert answer.json["errors"][0]["field"] == field, answer


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"dataFields": []}, "dataFields"),
        ({"derivedFields": None}, "derivedFields"),
        ({"dataFields": [{"category": "MEASURE", "code": "a", "name": "A"}]}, "dataFields[0].unit"),
        ({"dataFields": [{"category": "SIZE", "code": "a", "name": "A"}]},
         "dataFields[0].category"),
        ({"dataFields": [{"category": "WHO", "code": "1a", "name": "A"}]}, "dataFields[0].code"),
        ({"dataFields": [{"category": "WHO", "code": "a", "name": "A"}] * 2},
         "dataFields[1].code"),
        ({"dataFields": [{"category": "WHO", "code": f"a{n}", "name": "A"} for n in range(16)]},
         "dataFields"),
        ({"derivedFields": [{"category": "WHO", "code": "b", "name": "B", "calculation": "x"}]},
         "derivedFields[0].calculation"),
    ],
)  # fmt: skip
def test_a_meter_with_bad_fields_is_refused_at_the_field(api, change, field):
    refused(api.post("meters", bodies.meter(**change)), field)
    assert not Meter.objects.exists()


def test_all_fields_of_a_meter_that_are_refused_are_told_at_once(api):
    fields = [
        {"category": "MEASURE", "code": "a", "name": "A"},
        {"category": "COST", "code": "b", "name": "B"},
    ]

    answer = api.post("meters", bodies.meter(dataFields=fields))

    assert [one["field"] for one in answer.json["errors"]] == [
        "dataFields[0].unit",
        "dataFields[1].unit",
    ]
    assert answer.json["message"] == (
        "dataFields[0].unit: a numeric field needs a unit; "
        "dataFields[1].unit: a numeric field needs a unit"
    )
    assert not Meter.objects.exists()


def test_a_meter_keeps_its_fields_in_order(api):
    made_meter = made(api, "meters", bodies.meter())

    assert [field["code"] for field in made_meter["dataFields"]] == ["tokens", "region"]
    assert made_meter["dataFields"][1]["unit"] is None
    assert made_meter["productId"] is None


def test_a_field_an_aggregation_uses_cannot_be_removed_from_the_meter(api):
    meter = made(api, "meters", bodies.meter())
    made(api, "aggregations", bodies.aggregation(meter["id"]))
    fields = [field for field in meter["dataFields"] if field["code"] != "tokens"]

    answer = api.put(f"meters/{meter['id']}", {**meter, "dataFields": fields})

    refused(answer, "dataFields")
    assert api.get(f"meters/{meter['id']}").json == meter


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"targetField": "nothing"}, "targetField"),
        ({"targetField": "region"}, "aggregation"),
        ({"aggregation": "UNIQUE"}, "aggregation"),
        ({"aggregation": "CUSTOM_SQL"}, "aggregation"),
        ({"aggregation": "MEDIAN"}, "aggregation"),
        ({"quantityPerUnit": 0}, "quantityPerUnit"),
        ({"quantityPerUnit": "1"}, "quantityPerUnit"),
        ({"defaultValue": -1}, "defaultValue"),
        ({"segmentedFields": ["region"]}, "segments"),
        ({"segments": [{"region": "eu"}]}, "segmentedFields"),
        ({"segmentedFields": ["tokens"], "segments": [{"tokens": "1"}]}, "segmentedFields[0]"),
        ({"segmentedFields": ["region"], "segments": [{"zone": "eu"}]}, "segments[0]"),
        ({"segmentedFields": ["region"], "segments": [{"region": "eu"}] * 2}, "segments[1]"),
        ({"customSql": "select 1"}, "customSql"),
        ({"code": "has space"}, "code"),
    ],
)
def test_an_aggregation_that_does_not_fit_its_meter_is_refused(api, change, field):
    meter = made(api, "meters", bodies.meter())

    refused(api.post("aggregations", bodies.aggregation(meter["id"], **change)), field)

    assert not Aggregation.objects.exists()


def test_custom_sql_is_off_and_the_refusal_says_so(api):
    meter = made(api, "meters", bodies.meter())
    change = {"aggregation": "CUSTOM_SQL", "customSql": "select sum(tokens) from measurements"}

    answer = api.post("aggregations", bodies.aggregation(meter["id"], **change))

    refused(answer, "aggregation")
    assert "turned off in this installation" in str(answer.json)
    assert not Aggregation.objects.exists()


def test_custom_sql_that_is_allowed_is_checked_stored_and_returned(api, settings):
    settings.ALLOWS_CUSTOM_SQL = True
    meter = made(api, "meters", bodies.meter())
    query = "select sum(tokens) from measurements"
    change = {"aggregation": "CUSTOM_SQL", "customSql": query}

    stored = made(api, "aggregations", bodies.aggregation(meter["id"], **change))
    for wrong in (
        None,
        "select 1 from billing_bill",
        "delete from measurements",
        "select 1; select 2",
    ):
        answer = api.put(f"aggregations/{stored['id']}", {**stored, "customSql": wrong})
        refused(answer, "customSql")

    assert (stored["aggregation"], stored["customSql"]) == ("CUSTOM_SQL", query)
    assert api.get(f"aggregations/{stored['id']}").json == stored


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"currency": "EUR"}, "currency"),
        ({"standingCharge": -1}, "standingCharge"),
        ({"standingCharge": None}, "standingCharge"),
        ({"billFrequency": "HOURLY"}, "billFrequency"),
        ({"billFrequencyInterval": 0}, "billFrequencyInterval"),
        ({"billFrequencyInterval": 366}, "billFrequencyInterval"),
        ({"standingChargeInterval": 1.5}, "standingChargeInterval"),
        ({"standingChargeOffset": 365}, "standingChargeOffset"),
        ({"minimumSpend": -0.01}, "minimumSpend"),
    ],
)
def test_a_plan_template_out_of_bounds_is_refused(api, change, field):
    product = made(api, "products", {"name": "P", "code": "p"})

    refused(api.post("plantemplates", bodies.plan_template(product["id"], **change)), field)


def test_a_plan_reports_the_product_of_its_template_and_keeps_zero_apart_from_nothing(api):
    plan = bodies.made_plan(api)

    zero = api.put(f"plans/{plan['id']}", {**plan, "standingCharge": 0})
    nothing = api.put(f"plans/{plan['id']}", {**plan, "standingCharge": None, "version": 2})

    assert plan["productId"] and plan["bespoke"] is False
    assert zero.json["standingCharge"] == 0
    assert nothing.json["standingCharge"] is None


def test_a_bespoke_plan_cannot_move_to_another_account(api):
    plan = bodies.made_plan(api)
    first, second = bodies.made_account(api), bodies.made_account(api)
    body = {
        "planTemplateId": plan["planTemplateId"], "name": "B", "code": "b",
        "accountId": first["id"],
    }  # fmt: skip
    bespoke = made(api, "plans", body)

    refused(api.put(f"plans/{bespoke['id']}", {**bespoke, "accountId": second["id"]}), "accountId")

    assert bespoke["bespoke"] is True


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"planTemplateId": "template"}, "planId"),
        ({"planId": None}, "planId"),
        ({"aggregationId": None}, "aggregationId"),
        ({"pricingBands": []}, "pricingBands"),
        ({"pricingBands": [{"lowerLimit": 1, "fixedPrice": 0, "unitPrice": 1}]}, "pricingBands"),
        ({"pricingBands": [{"lowerLimit": 0, "fixedPrice": 0, "unitPrice": 1}] * 2},
         "pricingBands[1].lowerLimit"),
        ({"pricingBands": [{"lowerLimit": 0, "fixedPrice": -1, "unitPrice": 1}]},
         "pricingBands[0].fixedPrice"),
        ({"pricingBands": [{"lowerLimit": 0, "unitPrice": 1}]}, "pricingBands[0].fixedPrice"),
        ({"endDate": "2023-01-01T00:00:00Z"}, "endDate"),
        ({"startDate": "yesterday"}, "startDate"),
        ({"segment": {"region": "eu"}}, "segment"),
        ({"compoundAggregationId": "x"}, "compoundAggregationId"),
    ],
)  # fmt: skip
def test_a_pricing_that_breaks_a_rule_is_refused(api, change, field):
    plan, aggregation = bodies.made_plan(api), bodies.made_aggregation(api)
    if "planTemplateId" in change:
        change = {"planTemplateId": plan["planTemplateId"]}

    refused(api.post("pricings", bodies.pricing(plan["id"], aggregation["id"], **change)), field)

    assert not Pricing.objects.exists()


def test_overlapping_pricings_of_one_plan_and_aggregation_are_refused_touching_ones_are_not(api):
    plan, aggregation = bodies.made_plan(api), bodies.made_aggregation(api)
    until = {"endDate": "2024-07-01T00:00:00Z"}
    made(api, "pricings", bodies.pricing(plan["id"], aggregation["id"], **until))

    overlapping = api.post(
        "pricings",
        bodies.pricing(plan["id"], aggregation["id"], startDate="2024-06-30T00:00:00Z"),
    )
    touching = api.post(
        "pricings",
        bodies.pricing(plan["id"], aggregation["id"], startDate="2024-07-01T00:00:00Z"),
    )

    refused(overlapping, "startDate")
    assert touching.status == 200


def test_bands_are_stored_sorted_exact_and_keep_their_ids_over_an_update(api):
    plan, aggregation = bodies.made_plan(api), bodies.made_aggregation(api)
    sent = b"""{"planId": "%s", "aggregationId": "%s", "startDate": "2024-01-01",
        "pricingBands": [{"lowerLimit": 10, "fixedPrice": 0, "unitPrice": 0.1234567890123},
                         {"lowerLimit": 0, "fixedPrice": 5, "unitPrice": 0.30}]}"""

    pricing = made(api, "pricings", sent % (plan["id"].encode(), aggregation["id"].encode()))
    again = api.put(f"pricings/{pricing['id']}", {**pricing, "description": "D"}).json

    assert [band["lowerLimit"] for band in pricing["pricingBands"]] == [0, 10]
    assert pricing["pricingBands"][1]["unitPrice"] == Decimal("0.1234567890123")
    assert again["pricingBands"] == pricing["pricingBands"]
    assert pricing["startDate"] == "2024-01-01T00:00:00.000Z"


def test_an_aggregation_of_one_product_cannot_price_a_plan_of_another(api):
    plan = bodies.made_plan(api)
    other = made(api, "products", {"name": "Other", "code": "other"})
    meter = made(api, "meters", bodies.meter(productId=other["id"]))
    aggregation = made(api, "aggregations", bodies.aggregation(meter["id"]))

    refused(api.post("pricings", bodies.pricing(plan["id"], aggregation["id"])), "aggregationId")


def test_an_aggregation_that_is_priced_as_a_whole_gets_no_segments(api):
    # Priced by segment too, the same usage would be charged twice (SEG-1).
    plan = bodies.made_plan(api)
    meter = bodies.made(api, "meters", bodies.meter())
    aggregation = bodies.made(api, "aggregations", bodies.aggregation(meter["id"]))
    bodies.made(api, "pricings", bodies.pricing(plan["id"], aggregation["id"]))
    segmented = {
        **aggregation, "segmentedFields": ["region"], "segments": [{"region": "eu"}],
    }  # fmt: skip

    refused(api.put(f"aggregations/{aggregation['id']}", segmented), "segments")


@pytest.mark.parametrize("on", ["plan", "template"])
def test_what_is_priced_by_usage_of_its_product_stays_with_the_product(api, on):
    plan = bodies.made_plan(api)
    template = api.get(f"plantemplates/{plan['planTemplateId']}").json
    other = bodies.made(api, "products", {"name": "Other", "code": "other"})
    elsewhere = bodies.made(api, "plantemplates", bodies.plan_template(other["id"], code="else"))
    meter = bodies.made(api, "meters", bodies.meter(productId=template["productId"]))
    aggregation = bodies.made(api, "aggregations", bodies.aggregation(meter["id"]))
    whose = {"planId": plan["id"]} if on == "plan" else {
        "planId": None, "planTemplateId": template["id"],
    }  # fmt: skip
    bodies.made(api, "pricings", bodies.pricing(None, aggregation["id"], **whose))

    moved = api.put(f"plantemplates/{template['id']}", {**template, "productId": other["id"]})
    refused(moved, "productId")
    if on == "plan":
        changed = {**plan, "planTemplateId": elsewhere["id"]}
        refused(api.put(f"plans/{plan['id']}", changed), "planTemplateId")


def derived_field(**overrides):
    return {"category": "MEASURE", "code": "kb", "name": "Thousands", "unit": "1",
            "calculation": "a / 1000", **overrides}  # fmt: skip


def test_a_meter_with_derived_fields_is_stored_and_returned(api):
    data = [{"category": "MEASURE", "code": "a", "name": "A", "unit": "1"}]

    made = api.post("meters", bodies.meter(dataFields=data, derivedFields=[derived_field()]))

    assert made.status == 200
    assert api.get(f"meters/{made.json['id']}").json["derivedFields"] == [derived_field()]


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"calculation": "a >"}, ".calculation", "character 4: the calculation ends where a value"),
        ({"calculation": "a + nosuch"}, ".calculation", "character 5: there is no nosuch here"),
        ({"calculation": "kb + 1"}, ".calculation", "there is no kb here"),
        ({"calculation": "account.tier"}, ".calculation", "the organization has no default"),
        ({"calculation": "a > 1"}, ".calculation", "must be a number, this is true or false"),
        ({"calculation": "1" + " " * 5000}, ".calculation", ""),
        ({"code": "a"}, ".code", "a is used twice on this meter"),
        ({"unit": None}, ".unit", "a numeric field needs a unit"),
    ],
)
def test_a_derived_field_is_refused_with_place_and_reason(api, change, field, reason):
    data = [{"category": "MEASURE", "code": "a", "name": "A", "unit": "1"}]
    body = bodies.meter(dataFields=data, derivedFields=[derived_field(**change)])

    answer = api.post("meters", body)

    refused(answer, f"derivedFields[0]{field}")
    assert reason in answer.json["message"]
    assert not Meter.objects.exists()


def test_a_derived_field_that_is_aggregated_stays(api):
    data = [{"category": "MEASURE", "code": "a", "name": "A", "unit": "1"}]
    meter = api.post("meters", bodies.meter(dataFields=data, derivedFields=[derived_field()])).json
    api.post("aggregations", bodies.aggregation(meter["id"], targetField="kb"))

    answer = api.put(f"meters/{meter['id']}", {**meter, "derivedFields": []})

    refused(answer, "derivedFields")
    assert Meter.objects.get().derived_fields == [derived_field()]
