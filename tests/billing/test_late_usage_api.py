"""Late usage over the API: listed, accepted, ignored, with rules by product."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import LateUsage
from organizations.models import AuditEntry
from tests import factories
from tests.billing.bills.arriving import Late
from tests.organizations.api.conftest import acting  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.fixture
def late(organization):
    """50 units at 0.10 arrived for a locked April."""
    late = Late(organization=organization)
    late.arrives(50)
    late.check()
    return late


def test_a_row_tells_account_bill_meter_and_the_amount_it_would_have_made(api, late):
    (row,) = api.get("lateusage").json["data"]

    shown = {name: row[name] for name in ("status", "quantity", "units", "amount", "currency")}
    assert shown == {
        "status": "OPEN", "quantity": 50, "units": 50, "amount": 5, "currency": "USD",
    }  # fmt: skip
    assert row["accountId"] == str(late.account.pk)
    assert row["billId"] == str(late.april.pk)
    assert row["meterId"] == str(late.shop.meter.pk)
    assert row["aggregationId"] == str(late.shop.aggregation.pk)
    assert row["servicePeriodStartDate"] == "2024-04-01T00:00:00.000Z"
    assert row["servicePeriodEndDate"] == "2024-05-01T00:00:00.000Z"
    assert row["chargedOnBillId"] is None
    assert api.get(f"lateusage/{row['id']}").json == row


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"status": "OPEN"}, 1),
        ({"status": "IGNORED"}, 0),
        ({"servicePeriodStart": "2024-04-01T00:00:00Z"}, 1),
        ({"servicePeriodStart": "2024-04-02T00:00:00Z"}, 0),
        ({"servicePeriodEnd": "2024-04-01T00:00:00Z"}, 0),
    ],
)
def test_filters_narrow_the_list(api, late, asked, count):
    assert len(api.get("lateusage", **asked).json["data"]) == count


def test_accounts_products_and_bills_narrow_the_list(api, late):
    product_id = late.shop.plan.plan_template.product_id
    mine = {"accountId": late.account.pk, "billId": late.april.pk, "productId": product_id}

    for name, value in mine.items():
        assert len(api.get("lateusage", **{name: str(value)}).json["data"]) == 1
        other = "00000000-0000-4000-8000-000000000000"
        assert api.get("lateusage", **{name: other}).json["data"] == []


def test_pages_follow_each_other_with_as_many_queries(api, late):
    other = late.shop.aggregation
    row = LateUsage.objects.get()
    for number in (2, 3):
        row.pk, row.number, row._state.adding = None, number, True
        row.save(force_insert=True)
    assert other.pk == row.aggregation_id

    with CaptureQueriesContext(connection) as one:
        first = api.get("lateusage", pageSize=1).json
    with CaptureQueriesContext(connection) as many:
        api.get("lateusage", pageSize=3)
    rest = api.get("lateusage", pageSize=2, nextToken=first["nextToken"]).json

    found = [each["id"] for page in (first, rest) for each in page["data"]]
    assert len(set(found)) == 3
    assert len(many) == len(one)


def test_accepted_usage_is_on_the_next_bill_and_audited(api, late):
    row = LateUsage.objects.get()

    answer = api.post("lateusage/accept", {"ids": [str(row.pk)]})
    may = late.bill("2024-05-31")

    assert answer.json == {"message": "1 row of late usage accepted."}
    assert may.total == 5
    shown = api.get(f"lateusage/{row.pk}").json
    assert (shown["status"], shown["chargedOnBillId"]) == ("ACCEPTED", str(may.pk))
    assert shown["decidedAt"] and shown["decidedBy"]
    assert AuditEntry.objects.filter(entity_id=row.pk).count() == 2  # found, accepted


def test_ignored_usage_stays_listed_and_can_be_accepted_later(api, late):
    row = LateUsage.objects.get()

    api.post("lateusage/ignore", {"ids": [str(row.pk)]})
    may = late.bill("2024-05-31")
    assert may.total == 0
    api.post("lateusage/accept", {"ids": [str(row.pk)]})

    assert late.bill("2024-06-30").total == 5


def test_what_a_bill_charges_is_not_ignored_any_more(api, late):
    row = LateUsage.objects.get()
    api.post("lateusage/accept", {"ids": [str(row.pk)]})
    late.bill("2024-05-31")

    answer = api.post("lateusage/ignore", {"ids": [str(row.pk)]})

    assert answer.status == 400
    assert "a bill charges this late usage already" in answer.json["message"]
    row.refresh_from_db()
    assert row.status == "ACCEPTED"


def test_with_one_row_unknown_none_is_decided(api, late):
    row = LateUsage.objects.get()
    asked = [str(row.pk), "00000000-0000-4000-8000-000000000000"]

    assert api.post("lateusage/accept", {"ids": asked}).status == 404
    assert api.post("lateusage/accept", {"ids": []}).status == 400
    row.refresh_from_db()
    assert row.status == "OPEN"


def test_whoever_may_only_read_decides_nothing(acting, late):  # noqa: F811
    reader = acting(
        {"effect": "allow", "action": ["config:retrieve"], "resource": ["config:lateUsage"]}
    )
    row = LateUsage.objects.get()

    assert len(reader.get("lateusage").json["data"]) == 1
    assert reader.post("lateusage/accept", {"ids": [str(row.pk)]}).status == 403
    row.refresh_from_db()
    assert row.status == "OPEN"


def test_a_denied_bill_tells_nothing_of_its_late_usage(acting, late):  # noqa: F811
    reader = acting(
        {"effect": "allow", "action": ["config:retrieve"], "resource": ["config:lateUsage"]},
        {
            "effect": "deny",
            "action": ["config:retrieve"],
            "resource": [f"billing:bill/item/{late.april.pk}"],
        },
    )
    row = LateUsage.objects.get()

    assert reader.get("lateusage").json["data"] == []
    assert reader.get(f"lateusage/{row.pk}").status == 404


def test_there_is_one_rule_for_a_product_and_one_for_every_other(api, organization):
    product = factories.make_product(organization)
    rules = [{"productId": str(product.pk), "action": "IGNORE"}, {"action": "NEXT_BILL"}]

    for rule in rules:
        assert api.post("lateusagerules", rule).status == 200
        again = api.post("lateusagerules", rule)
        assert again.status == 400
        assert "there is a rule for this product already" in again.json["message"]
    refused = api.post("lateusagerules", {"action": "FORGET"})
    assert refused.status == 400
    assert len(api.get("lateusagerules").json["data"]) == 2
