"""Request bodies of plan groups and their links."""

from collections.abc import Mapping
from typing import Any

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
    """The plan in the first group, later in the spare one: a plan is in each group once."""
    group = made[SPARE if "plangrouplinks" in made else "plangroups"]
    return {"planGroupId": group["id"], "planId": made["plans"]["id"]}


CREATED = (("plangroups", plan_group), ("plangrouplinks", plan_group_link))
# A second group, kept beside what is made by address.
SPARE = "plangroups (spare)"
