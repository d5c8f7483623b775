"""Families over the API: whose line it is, and who may have whom."""

import pytest

from tests.billing.test_bill_csv_api import JUNE, PATH, table
from tests.billing.test_bills_api import customer

pytestmark = pytest.mark.django_db


def family(api):
    """A parent and a child, each with a plan of its own at 20 a month."""
    parent = customer(api, code="parent")
    child = customer(api, code="child", parentAccountId=parent["id"])
    return parent, child


def test_a_line_of_a_child_names_the_child_on_the_bill_among_lines_and_as_csv(api, billed):
    parent, child = family(api)

    billed()

    (bill,) = api.get("bills").json["data"]
    assert bill["accountId"] == parent["id"]
    lines = api.get("lineitems", billId=bill["id"]).json["data"]
    for shown in (bill["lineItems"], lines):
        assert whose(shown) == [(None, None, 20), (child["id"], "child", 20)]
    rows = table(api.post(PATH, JUNE))
    assert sorted((row["childAccountId"], row["childAccountCode"]) for row in rows) == [
        ("", ""), (child["id"], "child"),
    ]  # fmt: skip


def test_a_job_that_names_the_child_alone_bills_the_parent(api, billed):
    parent, child = family(api)

    billed({"accountIds": [child["id"]], "lastDateInBillingPeriod": "2024-06-15"})

    (bill,) = api.get("bills", includeBillTotal="true").json["data"]
    assert (bill["accountId"], bill["billTotal"]) == (parent["id"], 40)


def test_a_child_is_not_made_a_parent_and_nothing_changes(api, billed):
    _, child = family(api)
    billed()
    (before,) = api.get("bills").json["data"]

    answer = api.post("accounts", {
        "name": "Grandchild", "code": "grandchild", "emailAddress": "g@example.com",
        "parentAccountId": child["id"],
    })  # fmt: skip

    assert answer.status == 400
    assert api.get("accounts", codes="grandchild").json["data"] == []
    assert api.get("bills").json["data"] == [before]


def whose(lines):
    found = [(x["childAccountId"], x["childAccountCode"], x["subtotal"]) for x in lines]
    return sorted(found, key=lambda one: one[1] or "")
