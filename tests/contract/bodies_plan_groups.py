"""Request bodies of plan groups and their links."""

from collections.abc import Mapping
from typing import Any

from catalog.models import Plan, PlanGroup
from tests.factories import number

Made = Mapping[str, dict[str, Any]]


def plan_group(made: Made) -> dict[str, Any]:
    """A plan group with everything but an account of its own."""
    return {
        "name": "Suite",
        "code": f"suite {number()}",
        "currency": "USD",
        "standingCharge": 10,
        "standingChargeDescription": "Suite fee",
        "standingChargeBillInAdvance": False,
        "standingChargeAccountingProductId": made["products"]["id"],
        "minimumSpend": 100.5,
        "minimumSpendDescription": "Suite minimum",
        "minimumSpendBillInAdvance": True,
        "minimumSpendAccountingProductId": made["products"]["id"],
        "customFields": {"region": "EMEA"},
    }


def plan_group_link(made: Made) -> dict[str, Any]:
    """The plan in a group of its own: a plan is in each group once."""
    plan = Plan.objects.get(pk=made["plans"]["id"])
    group = PlanGroup.objects.create(
        organization_id=plan.organization_id, name="Another suite", currency="USD"
    )
    return {"planGroupId": str(group.pk), "planId": str(plan.pk)}


CREATED = (("plangroups", plan_group), ("plangrouplinks", plan_group_link))
