"""Plan groups over the API: their rules, and what may be on an account at one time."""

import pytest

from billing.models import AccountPlan
from catalog.models import PlanGroup, PlanGroupLink
from organizations.models import Event, OrganizationConfig
from tests.catalog import bodies
from tests.catalog.bodies import made
from tests.factories import number


def group(api, **overrides):
    return made(api, "plangroups", {"name": "Suite", "currency": "USD", **overrides})


def linked(api, *plans, **overrides):
    """Make a group with plans."""
    row = group(api, **overrides)
    for plan in plans:
        made(api, "plangrouplinks", {"planGroupId": row["id"], "planId": plan["id"]})
    return row


def attach(api, account, **body):
    return api.post("accountplans", {
        "accountId": account["id"], "startDate": "2024-01-01T00:00:00Z", **body})  # fmt: skip


def refused(answer, field, *words):
    """Assert a 400 that names the field, with the words in its sentence."""
    assert answer.status == 400, answer
    assert answer.json["errors"][0]["field"] == field, answer
    for word in words:
        assert word in answer.json["errors"][0]["message"], answer


def another_plan_of(api, plan):
    """Make a second plan of the same product."""
    body = {"planTemplateId": plan["planTemplateId"], "name": "Second", "code": f"s{number()}"}
    return made(api, "plans", body)


def test_a_plan_group_needs_a_name_and_a_currency_only(api):
    row = group(api)

    assert (row["code"], row["minimumSpend"], row["standingCharge"], row["accountId"]) == (
        None, None, None, None,
    )  # fmt: skip
    assert Event.objects.filter(name="configuration.plangroup.created").count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [({"currency": "EUR"}, "currency"), ({"currency": None}, "currency"), ({"name": ""}, "name"),
     ({"minimumSpend": -1}, "minimumSpend"), ({"standingCharge": -1}, "standingCharge"),
     ({"accountId": "01a22fa5-bd4e-710a-a88e-5abd15324b0e"}, "accountId")],
)  # fmt: skip
def test_a_plan_group_that_breaks_a_rule_is_refused(api, change, field):
    refused(api.post("plangroups", {"name": "Suite", "currency": "USD", **change}), field)

    assert not PlanGroup.objects.exists()


def test_a_bespoke_group_stays_with_its_account(api):
    own, other = bodies.made_account(api), bodies.made_account(api)
    row = group(api, accountId=own["id"])

    refused(api.put(f"plangroups/{row['id']}", {**row, "accountId": other["id"]}), "accountId")
    refused(attach(api, other, planGroupId=row["id"]), "planGroupId", "bespoke")
    assert attach(api, own, planGroupId=row["id"]).status == 200

    assert [one["id"] for one in api.get("plangroups", accountId=own["id"]).json["data"]] == [
        row["id"]
    ]
    assert AccountPlan.objects.count() == 1


def test_a_bespoke_plan_joins_only_a_group_of_its_account(api):
    account, first = bodies.made_account(api), bodies.made_plan(api)
    body = {"planTemplateId": first["planTemplateId"], "name": "B", "code": f"b{number()}"}
    bespoke = made(api, "plans", {**body, "accountId": account["id"]})

    link = {"planGroupId": group(api)["id"], "planId": bespoke["id"]}
    refused(api.post("plangrouplinks", link), "planId", "bespoke")
    linked(api, bespoke, accountId=account["id"])

    assert bespoke["bespoke"] is True
    assert PlanGroupLink.objects.count() == 1


def test_two_plans_of_one_product_join_a_group_only_where_plans_may_overlap(api):
    plan = bodies.made_plan(api)
    suite = linked(api, plan)
    link = {"planGroupId": suite["id"], "planId": another_plan_of(api, plan)["id"]}

    refused(api.post("plangrouplinks", link), "planId", plan["code"])
    OrganizationConfig.objects.update(allow_overlapping_plans=True)
    made(api, "plangrouplinks", link)

    assert PlanGroupLink.objects.count() == 2


@pytest.mark.parametrize("both", [True, False])
def test_neither_and_both_of_plan_and_group_are_refused(api, both):
    plan, account = bodies.made_plan(api), bodies.made_account(api)
    body = {"planId": plan["id"], "planGroupId": group(api)["id"]} if both else {}

    refused(attach(api, account, **body), "planId", "exactly one")

    assert not AccountPlan.objects.exists()


def test_a_group_and_a_plan_of_a_product_in_it_do_not_overlap_touching_ones_do_not_either(api):
    plan, free, account = bodies.made_plan(api), bodies.made_plan(api), bodies.made_account(api)
    suite = linked(api, plan)
    until = {"endDate": "2024-06-01T00:00:00Z"}
    assert attach(api, account, planGroupId=suite["id"], **until).status == 200

    refused(attach(api, account, planId=plan["id"]), "startDate", "P", "plan group Suite")
    refused(attach(api, account, planGroupId=linked(api, plan)["id"]), "startDate")
    later = attach(api, account, planId=plan["id"], startDate="2024-06-01T00:00:00Z")
    beside = attach(api, account, planId=free["id"])

    assert (later.status, beside.status) == (200, 200)
    assert AccountPlan.objects.count() == 3


def test_overlaps_are_taken_where_the_organization_allows_them(api):
    plan, account = bodies.made_plan(api), bodies.made_account(api)
    suite = linked(api, plan)
    OrganizationConfig.objects.update(allow_overlapping_plans=True)

    statuses = [
        attach(api, account, planGroupId=suite["id"]).status,
        attach(api, account, planId=plan["id"]).status,
        attach(api, account, planId=plan["id"]).status,
    ]

    assert statuses == [200, 200, 200]


def test_a_plan_is_not_linked_to_a_group_whose_accounts_have_its_product_already(api):
    plan, account = bodies.made_plan(api), bodies.made_account(api)
    suite = group(api)
    assert attach(api, account, planGroupId=suite["id"]).status == 200
    assert attach(api, account, planId=plan["id"]).status == 200

    link = {"planGroupId": suite["id"], "planId": plan["id"]}
    refused(api.post("plangrouplinks", link), "planId", account["code"])

    assert not PlanGroupLink.objects.exists()


def test_a_plan_in_a_group_keeps_its_product(api):
    plan, other = bodies.made_plan(api), bodies.made_plan(api)
    linked(api, plan)

    moved = {**plan, "planTemplateId": other["planTemplateId"]}
    refused(api.put(f"plans/{plan['id']}", moved), "planTemplateId", "plan group")
    template = api.get(f"plantemplates/{plan['planTemplateId']}").json
    answer = api.put(
        f"plantemplates/{template['id']}", {**template, "productId": other["productId"]}
    )
    refused(answer, "productId", "plan groups")

    assert api.get(f"plans/{plan['id']}").json == plan


def test_plan_filters_leave_out_groups_and_the_account_shows_them(api):
    plan, account = bodies.made_plan(api), bodies.made_account(api)
    attached = attach(api, account, planGroupId=linked(api, plan)["id"]).json

    assert api.get("accountplans", plan=plan["id"]).json["data"] == []
    assert api.get("accountplans", account=account["id"]).json["data"] == [attached]
    assert (attached["planId"], attached["productId"]) == (None, None)
