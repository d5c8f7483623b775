"""A preview with ``debug`` lists the segments nobody is charged for (SEG-3)."""

import pytest

from billing.models import Bill
from tests.catalog import bodies
from tests.catalog.bodies import made
from tests.catalog.test_catalogue_api import refused
from tests.test_leaving import EVERYTHING, deny, somebody

JUNE = {"lastDateInBillingPeriod": "2024-06-30", "billingFrequency": "MONTHLY"}
EU, US, REST = ({"region": one} for one in ("eu", "us", "*"))


@pytest.fixture
def sold(api):
    """An account on a plan that prices the EU always, and the US until June began."""
    plan = bodies.made_plan(api)
    aggregation = bodies.made_aggregation(
        api, name="Tokens", segmentedFields=["region"], segments=[EU, US, REST]
    )
    bodies.made_aggregation(api, name="Not sold", segmentedFields=["region"], segments=[EU])
    price = bodies.pricing(plan["id"], aggregation["id"], segment=EU)
    made(api, "pricings", price)
    made(api, "pricings", {**price, "segment": US, "endDate": "2024-06-01T00:00:00Z"})
    account = bodies.made_account(api)
    made(api, "accountplans", {
        "accountId": account["id"], "planId": plan["id"], "startDate": "2024-06-01",
    })  # fmt: skip
    return {**JUNE, "accountIds": [account["id"]]}, plan["id"], aggregation["id"]


def test_segments_without_a_price_in_force_are_listed_only_when_asked(api, sold):
    body, plan, aggregation = sold

    plain = api.post("bills/preview", body).json
    debug = api.post("bills/preview?debug=true", body).json
    off = api.post("bills/preview?debug=false", body).json

    assert debug["segmentsWithoutPrice"] == [
        {"planId": plan, "aggregationId": aggregation, "segment": US},
        {"planId": plan, "aggregationId": aggregation, "segment": REST},
    ]
    assert "segmentsWithoutPrice" not in plain and "segmentsWithoutPrice" not in off
    assert not Bill.objects.exists()


def test_a_price_of_the_template_counts_and_a_wrong_flag_is_refused(api, sold):
    body, plan, aggregation = sold
    template = api.get(f"plans/{plan}").json["planTemplateId"]
    price = bodies.pricing(None, aggregation, planTemplateId=template, segment=REST)
    made(api, "pricings", {key: value for key, value in price.items() if key != "planId"})

    found = api.post("bills/preview?debug=true", body).json["segmentsWithoutPrice"]

    assert [one["segment"] for one in found] == [US]
    refused(api.post("bills/preview?debug=maybe", body), "debug")


def test_aggregations_one_may_not_read_are_not_named(founded, sold):
    body, _plan, _aggregation = sold
    who = somebody(founded, EVERYTHING, deny("config:aggregation")).api

    answer = who.post("bills/preview?debug=true", body)

    assert (answer.status, answer.json["segmentsWithoutPrice"]) == (200, [])
