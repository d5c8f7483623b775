"""Counters, their prices and adjustments over the API: shapes, rules and refusals."""

import pytest

from billing.models import CounterAdjustment
from catalog.models import Counter, CounterPricing
from organizations.models import Event
from tests.catalog import bodies
from tests.catalog.bodies import made

BANDS = [{"lowerLimit": 0, "fixedPrice": 0, "unitPrice": 12.5}]


def counter(api, **overrides):
    return made(api, "counters", {"name": "Seats", "unit": "seats", **overrides})


def price(plan_id, counter_id, **overrides):
    return {
        "planId": plan_id,
        "counterId": counter_id,
        "startDate": "2024-01-01T00:00:00Z",
        "pricingBands": BANDS,
        **overrides,
    }


def refused(answer, field, *words):
    """Assert a 400 that names the field, with the words in its sentence."""
    assert answer.status == 400, answer
    assert answer.json["errors"][0]["field"] == field, answer
    for word in words:
        assert word in answer.json["errors"][0]["message"], answer


def test_a_counter_needs_a_name_and_a_unit_only(api):
    row = counter(api)

    assert (row["name"], row["unit"], row["code"], row["productId"]) == (
        "Seats", "seats", None, None,
    )  # fmt: skip
    assert Event.objects.filter(name="configuration.counter.created").count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [({"name": "Seats"}, "unit"), ({"unit": "seats"}, "name"),
     ({"name": "Seats", "unit": ""}, "unit"), ({"name": "S", "unit": "s", "code": " a"}, "code")],
)  # fmt: skip
def test_a_counter_without_name_or_unit_is_refused(api, body, field):
    refused(api.post("counters", body), field)

    assert not Counter.objects.exists()


def test_the_flags_of_a_counter_pricing_are_true_and_cumulative_is_false_unless_sent(api):
    plan = bodies.made_plan(api)

    row = made(api, "counterpricings", price(plan["id"], counter(api)["id"]))

    assert row["cumulative"] is False
    for flag in (
        "runningTotalBillInAdvance", "proRateRunningTotal", "proRateAdjustmentDebit",
        "proRateAdjustmentCredit",
    ):  # fmt: skip
        assert row[flag] is True, flag


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"planId": None}, "planId"),
        ({"pricingBands": []}, "pricingBands"),
        ({"pricingBands": [{"lowerLimit": 1, "fixedPrice": 0, "unitPrice": 1}]}, "pricingBands"),
        ({"pricingBands": BANDS * 2}, "pricingBands[1].lowerLimit"),
        ({"pricingBands": [{"lowerLimit": 0, "fixedPrice": 0, "unitPrice": -1}]},
         "pricingBands[0].unitPrice"),
        ({"endDate": "2024-01-01T00:00:00Z"}, "endDate"),
        ({"startDate": None}, "startDate"),
        ({"counterId": None}, "counterId"),
    ],
)  # fmt: skip
def test_a_counter_pricing_that_breaks_a_rule_is_refused_at_its_field(api, change, field):
    plan = bodies.made_plan(api)

    refused(api.post("counterpricings", price(plan["id"], counter(api)["id"], **change)), field)

    assert not CounterPricing.objects.exists()


def test_plan_and_template_together_are_refused(api):
    plan = bodies.made_plan(api)
    body = price(plan["id"], counter(api)["id"], planTemplateId=plan["planTemplateId"])

    refused(api.post("counterpricings", body), "planId", "exactly one")

    assert not CounterPricing.objects.exists()


def test_a_counter_of_another_product_cannot_be_priced(api):
    plan, other = bodies.made_plan(api), bodies.made_plan(api)
    own = counter(api, productId=plan["productId"])

    refused(api.post("counterpricings", price(other["id"], own["id"])), "counterId")
    made(api, "counterpricings", price(plan["id"], own["id"]))

    answer = api.put(f"counters/{own['id']}", {**own, "productId": other["productId"]})
    refused(answer, "productId")
    assert CounterPricing.objects.count() == 1
    assert api.get(f"counters/{own['id']}").json == own


def test_two_prices_of_a_counter_at_one_time_are_refused_and_the_other_is_named(api):
    plan, seats = bodies.made_plan(api), counter(api)
    until = {"endDate": "2025-01-01T00:00:00Z"}
    made(api, "counterpricings", price(plan["id"], seats["id"], code="first", **until))

    overlapping = price(plan["id"], seats["id"], startDate="2024-12-31T00:00:00Z")
    refused(api.post("counterpricings", overlapping), "startDate", "counter pricing first")
    touching = price(plan["id"], seats["id"], startDate="2025-01-01T00:00:00Z")
    made(api, "counterpricings", touching)

    assert CounterPricing.objects.count() == 2


def test_counter_pricings_are_found_by_day_and_owner(api):
    plan, seats = bodies.made_plan(api), counter(api)
    old = made(api, "counterpricings", price(
        plan["id"], seats["id"], endDate="2025-01-01T00:00:00Z"))  # fmt: skip
    of_template = made(api, "counterpricings", price(
        None, seats["id"], planTemplateId=plan["planTemplateId"]))  # fmt: skip

    def found(**query):
        return [row["id"] for row in api.get("counterpricings", **query).json["data"]]

    assert found(date="2024-12-31") == [of_template["id"], old["id"]]
    assert found(date="2025-01-01") == [of_template["id"]]
    assert found(planId=plan["id"]) == [old["id"]]
    assert found(planTemplateId=plan["planTemplateId"]) == [of_template["id"]]


def test_a_second_adjustment_on_a_day_is_refused(api):
    account, seats = bodies.made_account(api), counter(api)
    body = {"accountId": account["id"], "counterId": seats["id"], "date": "2024-05-06", "value": 7}
    first = made(api, "counteradjustments", body)

    refused(api.post("counteradjustments", {**body, "value": 8}), "date", "2024-05-06", "7")

    assert first["date"] == "2024-05-06" and first["value"] == 7
    assert CounterAdjustment.objects.count() == 1
    assert Event.objects.filter(name="billing.counteradjustment.created").count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [({"value": -1}, "value"), ({"value": 1.5}, "value"), ({"value": 2**31}, "value"),
     ({"date": "2024-13-01"}, "date"), ({"accountId": None}, "accountId"),
     ({"purchaseOrderNumber": "x" * 101}, "purchaseOrderNumber")],
)  # fmt: skip
def test_an_adjustment_out_of_bounds_is_refused(api, change, field):
    account, seats = bodies.made_account(api), counter(api)
    body = {"accountId": account["id"], "counterId": seats["id"], "date": "2024-05-06", "value": 7}

    refused(api.post("counteradjustments", {**body, **change}), field)

    assert not CounterAdjustment.objects.exists()


def test_adjustments_are_listed_for_a_counter_and_by_day_for_an_account_only(api):
    account, seats = bodies.made_account(api), counter(api)
    days = ["2024-01-01", "2024-02-01", "2024-03-01"]
    for value, day in enumerate(days):
        made(
            api,
            "counteradjustments",
            {"accountId": account["id"], "counterId": seats["id"], "date": day, "value": value},
        )

    def listed(**query):
        query = {"counterId": seats["id"], **query}
        return [row["date"] for row in api.get("counteradjustments", **query).json["data"]]

    assert listed() == days[::-1]
    assert listed(sortOrder="ASC") == days
    assert listed(accountId=account["id"], dateStart=days[1]) == days[:0:-1]
    assert listed(accountId=account["id"], dateStart=days[0], dateEnd=days[1]) == days[:1]
    assert listed(accountId=account["id"], date=days[1]) == [days[1]]
    assert listed(endDateStart=days[2]) == days[:0:-1]
    assert listed(endDateEnd=days[2]) == days[:1]
    refused(api.get("counteradjustments"), "counterId")
    refused(api.get("counteradjustments", counterId=seats["id"], date=days[0]), "date")


def test_a_counter_in_use_is_not_deleted(api):
    plan, account, seats = bodies.made_plan(api), bodies.made_account(api), counter(api)
    made(api, "counterpricings", price(plan["id"], seats["id"]))
    made(
        api,
        "counteradjustments",
        {"accountId": account["id"], "counterId": seats["id"], "date": "2024-05-06", "value": 7},
    )

    for path in (f"counters/{seats['id']}", f"plans/{plan['id']}", f"accounts/{account['id']}"):
        answer = api.delete(path)
        assert answer.status == 400 and "counter" in answer.json["message"], answer

    assert Counter.objects.count() == 1
