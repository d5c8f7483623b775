"""Accounts and account plans over the API."""

import pytest

from billing.models import Account, AccountPlan
from tests.catalog import bodies
from tests.catalog.bodies import made
from tests.catalog.test_catalogue_api import refused


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"emailAddress": "nobody"}, "emailAddress"),
        ({"currency": "GBP"}, "currency"),
        ({"daysBeforeBillDue": 0}, "daysBeforeBillDue"),
        ({"billEpoch": "2024-13-01"}, "billEpoch"),
        ({"address": {"addressLine1": "x" * 51}}, "address.addressLine1"),
        ({"customFields": {"x": True}}, "customFields.x"),
        ({"statementDefinitionId": "00000000-0000-4000-8000-000000000000"},
         "statementDefinitionId"),
        ({"creditApplicationOrder": ["CASH"]}, "creditApplicationOrder[0]"),
        ({"creditApplicationOrder": ["BALANCE", "BALANCE"]}, "creditApplicationOrder"),
        ({"parentAccountId": "00000000-0000-4000-8000-000000000000"}, "parentAccountId"),
    ],
)  # fmt: skip
def test_a_bad_account_is_refused_at_the_field(api, change, field):
    body = {"name": "A", "code": "a", "emailAddress": "a@example.com", **change}

    refused(api.post("accounts", body), field)

    assert not Account.objects.exists()


def test_a_family_has_one_level(api):
    parent = bodies.made_account(api)
    child = bodies.made_account(api, parentAccountId=parent["id"])

    refused(
        api.post("accounts", {
            "name": "G", "code": "g", "emailAddress": "g@example.com",
            "parentAccountId": child["id"],
        }),
        "parentAccountId",
    )  # fmt: skip
    other = bodies.made_account(api)
    refused(
        api.put(f"accounts/{parent['id']}", {**parent, "parentAccountId": other["id"]}),
        "parentAccountId",
    )
    children = api.get(f"accounts/{parent['id']}/children").json["data"]
    assert [row["id"] for row in children] == [child["id"]]


def attach(api, account, plan, start, end=None, **more):
    """Attach a plan; returns the answer."""
    return api.post("accountplans", {
        "accountId": account["id"], "planId": plan["id"], "startDate": start, "endDate": end,
        **more,
    })  # fmt: skip


def test_plans_of_one_product_may_touch_but_not_overlap(api):
    account, plan = bodies.made_account(api), bodies.made_plan(api)
    assert attach(api, account, plan, "2024-01-01", "2024-06-01").status == 200

    refused(attach(api, account, plan, "2024-05-31T12:00:00Z"), "startDate")
    assert attach(api, account, plan, "2024-06-01").status == 200

    assert AccountPlan.objects.count() == 2


def test_overlaps_are_allowed_when_the_organization_says_so(api):
    config = api.get("organizationconfig").json
    assert api.put("organizationconfig", {**config, "allowOverlappingPlans": True}).status == 200
    account, plan = bodies.made_account(api), bodies.made_plan(api)

    assert attach(api, account, plan, "2024-01-01").status == 200
    assert attach(api, account, plan, "2024-02-01").status == 200


@pytest.mark.parametrize("field", ["planGroupId", "contractId"])
def test_what_belongs_to_a_later_feature_is_refused_by_name(api, field):
    account, plan = bodies.made_account(api), bodies.made_plan(api)
    value = "00000000-0000-4000-8000-000000000000"

    refused(attach(api, account, plan, "2024-01-01", **{field: value}), field)
    assert attach(api, account, plan, "2024-01-01", **{field: None}).status == 200


@pytest.mark.parametrize("mode", ["PARENT_SUMMARY", "PARENT_BREAKDOWN", "CHILD"])
def test_each_mode_of_child_billing_is_kept(api, mode):
    account, plan = bodies.made_account(api), bodies.made_plan(api)

    kept = attach(api, account, plan, "2024-01-01", childBillingMode=mode)

    assert (kept.status, kept.json["childBillingMode"]) == (200, mode)


def test_replace_ends_the_old_plan_where_the_new_one_begins_or_does_nothing(api):
    account, plan, other = bodies.made_account(api), bodies.made_plan(api), bodies.made_plan(api)
    old = attach(api, account, plan, "2024-01-01").json
    body = {"accountId": account["id"], "planId": other["id"], "startDate": "2024-03-01"}

    refused(api.post(f"accountplans/{old['id']}/replace", {**body, "startDate": "2023-01-01"}),
            "startDate")  # fmt: skip
    assert api.get(f"accountplans/{old['id']}").json == old
    answer = api.post(f"accountplans/{old['id']}/replace", body).json

    assert answer["originalAccountPlan"]["endDate"] == "2024-03-01T00:00:00.000Z"
    assert answer["originalAccountPlan"]["version"] == 2
    assert answer["newAccountPlan"]["planId"] == other["id"]


def test_listing_by_account_shows_active_plans_unless_all_are_asked_for(api):
    account, plan = bodies.made_account(api), bodies.made_plan(api)
    ended = attach(api, account, plan, "2024-01-01", "2024-06-01").json
    active = attach(api, account, plan, "2024-06-01").json

    def ids(**query):
        return [row["id"] for row in api.get("accountplans", **query).json["data"]]

    assert ids(account=account["id"]) == [active["id"]]
    assert ids(account=account["id"], includeall="true") == [active["id"], ended["id"]]
    assert ids(account=account["id"], date="2024-05-31") == [ended["id"]]
    assert api.get("accountplans", product=plan["productId"]).status == 400


@pytest.mark.parametrize(
    ("day", "count"),
    [("2024-02-29", 0), ("2024-03-01", 1), ("2024-03-20", 1), ("2024-03-21", 0)],
)
def test_active_on_a_day_means_at_some_moment_of_the_organizations_day(api, day, count):
    # In New York from 1 March, 22:00, to 20 March, 22:00; in UTC both are the day after.
    config = api.get("organizationconfig").json
    api.put("organizationconfig", {**config, "timezone": "America/New_York"})
    account, plan = bodies.made_account(api), bodies.made_plan(api)
    attach(api, account, plan, "2024-03-02T03:00:00Z", "2024-03-21T02:00:00Z")

    answer = api.get("accountplans", account=account["id"], date=day)

    assert len(answer.json["data"]) == count


def test_a_bespoke_plan_is_attached_to_its_own_account_only(api):
    plan, own, other = bodies.made_plan(api), bodies.made_account(api), bodies.made_account(api)
    bespoke = made(api, "plans", {
        "planTemplateId": plan["planTemplateId"], "name": "B", "code": "b", "accountId": own["id"],
    })  # fmt: skip

    refused(attach(api, other, bespoke, "2024-01-01"), "planId")
    assert attach(api, own, bespoke, "2024-01-01").status == 200


def test_plans_are_attached_to_parents_and_children(api):
    parent = bodies.made_account(api)
    child = bodies.made_account(api, parentAccountId=parent["id"])
    plan = bodies.made_plan(api)

    assert attach(api, parent, plan, "2024-01-01").status == 200
    assert attach(api, child, plan, "2024-01-01").status == 200
    single = bodies.made_account(api)
    assert attach(api, single, plan, "2024-01-01").status == 200
    body = {**single, "parentAccountId": parent["id"]}
    assert api.put(f"accounts/{single['id']}", body).status == 200
