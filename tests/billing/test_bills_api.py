"""Bills, line items and bill jobs over the API."""

from decimal import Decimal

import pytest

from billing.models import Bill, BillJob
from tests.catalog import bodies
from tests.catalog.bodies import made
from tests.catalog.test_catalogue_api import refused

JUNE = {"lastDateInBillingPeriod": "2024-06-30", "billingFrequency": "MONTHLY"}


def customer(api, standing_charge=20, **account):
    """An account with a monthly plan from June 2024 on."""
    plan = bodies.made_plan(api, standingCharge=standing_charge)
    row = bodies.made_account(api, **account)
    made(api, "accountplans", {
        "accountId": row["id"], "planId": plan["id"], "startDate": "2024-06-01",
    })  # fmt: skip
    return row


def test_a_run_makes_one_bill_an_account_and_a_second_one_updates_it(api, billed):
    account = customer(api)

    first = billed()
    (bill,) = api.get("bills", accountId=account["id"], includeBillTotal="true").json["data"]
    second = billed()
    (again,) = api.get("bills", accountId=account["id"]).json["data"]

    assert (first["status"], first["total"], first["pending"]) == ("COMPLETE", 1, 0)
    assert (bill["billTotal"], bill["billDate"], bill["status"]) == (20, "2024-07-01", "PENDING")
    assert (bill["startDate"], bill["endDate"], bill["dueDate"]) == (
        "2024-06-01", "2024-07-01", "2024-07-31",
    )  # fmt: skip
    assert bill["endDateTimeUTC"] == "2024-07-01T00:00:00.000Z"
    assert (again["id"], again["version"]) == (bill["id"], bill["version"] + 1)
    assert again["billJobId"] == second["id"]
    assert again["billTotal"] is None
    assert [line["id"] for line in again["lineItems"]] == [line["id"] for line in bill["lineItems"]]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"accountIds": ["00000000-0000-4000-8000-000000000000"]}, "accountIds"),
        ({"accountIds": ["x"]}, "accountIds[0]"),
        ({"accountIds": []}, "accountIds"),
        ({"billingFrequency": "HOURLY"}, "billingFrequency"),
        ({"targetCurrency": "XXX"}, "targetCurrency"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"lastDateInBillingPeriod": "2024-06-31"}, "lastDateInBillingPeriod"),
        ({"billFrequencyInterval": 0}, "billFrequencyInterval"),
        ({"currencyConversions": [{"from": "A", "to": "B"}]}, "currencyConversions"),
    ],
)
def test_a_job_that_cannot_be_done_is_refused_and_leaves_nothing(api, change, field):
    answer = api.post("billjobs", {**JUNE, **change})

    assert answer.status == 400, answer
    assert answer.json["errors"][0]["field"].startswith(field)
    assert not BillJob.objects.exists()


def test_an_eleventh_running_job_is_a_429(api):
    for _ in range(10):
        assert api.post("billjobs", JUNE).status == 200

    answer = api.post("billjobs", JUNE)

    assert (answer.status, answer.json["code"]) == (429, "TOO_MANY_REQUESTS")
    assert BillJob.objects.count() == 10


def test_a_waiting_job_is_cancelled_and_no_longer_active(api):
    job = api.post("billjobs", JUNE).json

    cancelled = api.post(f"billjobs/{job['id']}/cancel").json

    assert cancelled["status"] == "CANCELLED"
    assert api.get("billjobs", active="true").json["data"] == []
    assert len(api.get("billjobs", status="CANCELLED").json["data"]) == 1
    assert api.get("billjobs", status="LOST").status == 400


def test_the_way_of_a_bill_pending_approved_locked(api, billed):
    account = customer(api)
    billed()
    bill = api.get(f"bills/latest/{account['id']}").json
    address = f"bills/{bill['id']}"

    assert api.put(f"{address}/lock").status == 400
    assert api.put(f"{address}/status", {"status": "PAID"}).status == 400
    approved = api.put(f"{address}/status", {"status": "APPROVED"}).json
    assert (approved["status"], approved["approvedBy"]) == (
        "APPROVED", str(api.founded.service_user.pk),
    )  # fmt: skip
    locked = api.put(f"{address}/lock").json
    assert locked["locked"] is True and locked["dtLocked"]
    for refusal in (
        api.put(f"{address}/status", {"status": "PENDING"}),
        api.delete(address),
    ):
        assert refusal.status == 400
    before = api.get(address).json
    billed()
    assert api.get(address).json == before


def test_a_deleted_bill_is_answered_as_it_was_and_gone(api, billed):
    account = customer(api)
    billed()
    bill = api.get(f"bills/latest/{account['id']}").json

    assert api.delete(f"bills/{bill['id']}").json == bill
    assert api.get(f"bills/{bill['id']}").status == 404
    assert api.get(f"bills/latest/{account['id']}").status == 404


def test_many_bills_are_approved_by_ids_filters_or_period(api, billed):
    accounts = [customer(api) for _ in range(3)]
    billed()
    ids = [api.get(f"bills/latest/{account['id']}").json["id"] for account in accounts]

    unknown = "00000000-0000-4000-8000-000000000000"
    assert api.post("bills/approve", {"billIds": [ids[0], unknown]}).status == 400
    assert api.post("bills/approve", {}).status == 400
    assert not Bill.objects.filter(status="APPROVED").exists()
    assert api.post("bills/approve", {"billIds": ids[:1]}).json == {"message": "1 bill approved."}
    refused(api.post("bills/approve", {"billIds": []}, accountIds=accounts[1]["id"]), "billIds")
    refused(
        api.post("bills/approve", {}, accountIds="", externalInvoiceDateStart="2024-01-01"),
        "accountIds",
    )
    by_account = api.post("bills/approve", {}, accountIds=accounts[1]["id"]).json
    assert by_account == {"message": "1 bill approved."}
    by_period = api.post("bills/billingperiod/2024-06-30/MONTHLY/approve").json
    assert by_period == {"message": "1 bill approved."}
    assert Bill.objects.filter(status="APPROVED").count() == 3


def test_lists_of_bills_filter_by_each_declared_parameter(api, billed):
    account = customer(api)
    customer(api)
    job = billed()
    bill = api.get(f"bills/latest/{account['id']}").json

    def count(**query):
        answer = api.get("bills", **query)
        assert answer.status == 200, answer
        return len(answer.json["data"])

    assert count() == 2
    assert count(accountId=account["id"]) == 1
    assert count(status="PENDING") == 2
    assert count(status="APPROVED") == 0
    assert count(locked="false") == 2
    assert count(billDate="2024-07-01") == 2
    assert count(billDateStart="2024-07-01", billDateEnd="2024-07-02") == 2
    assert count(billDateEnd="2024-07-01") == 0
    assert count(externalInvoiceDateStart="2024-07-02") == 0
    assert count(billJobId=job["id"]) == 2
    assert count(billDate="2024-07-01", billingFrequency="WEEKLY") == 0
    assert api.get("bills", billingFrequency="MONTHLY").status == 400
    assert api.get("bills", excludeLineItems="true").json["data"][0]["lineItems"] == []
    assert len(api.get(f"bills/accountid/{account['id']}").json["data"]) == 1
    assert len(api.get("bills/billingperiod/2024-06-30/MONTHLY").json["data"]) == 2
    assert api.get("bills/billingperiod/2024-06-31/MONTHLY").status == 400
    assert count(ids=bill["id"]) == 1


def test_lists_of_bills_take_the_same_queries_whatever_their_length(
    api, billed, django_assert_num_queries
):
    customer(api)
    billed()
    api.get("bills")
    with django_assert_num_queries(3):  # policies, bills, lines
        api.get("bills")
    for _ in range(5):
        customer(api)
    billed()

    with django_assert_num_queries(3):
        assert len(api.get("bills").json["data"]) == 6


def test_line_items_are_read_by_bill_in_order_and_across_bills(api, billed):
    account = customer(api)
    billed()
    bill = api.get(f"bills/latest/{account['id']}").json

    lines = api.get(f"bills/{bill['id']}/lineitems").json["data"]
    line = api.get(f"bills/{bill['id']}/lineitems/{lines[0]['id']}").json

    assert [row["sequenceNumber"] for row in lines] == [1]
    assert line == lines[0]
    assert (line["billId"], line["subtotal"]) == (bill["id"], 20)
    assert api.get("lineitems", billId=bill["id"]).json["data"] == lines
    assert api.get("lineitems", lineItemType="USAGE").json["data"] == []
    assert api.get(f"bills/{account['id']}/lineitems").status == 404


def test_a_preview_is_the_bill_of_the_run_and_stores_nothing(api, billed):
    account = customer(api)
    body = {**JUNE, "accountIds": [account["id"]], "billFrequencyInterval": 1}

    preview = api.post("bills/preview", body).json

    assert preview["billTotal"] == 20
    assert not Bill.objects.exists()
    billed()
    bill = api.get(f"bills/latest/{account['id']}").json
    moving = {
        "id", "billJobId", "createdDate", "lastCalculatedDate", "dtCreated", "dtLastModified",
        "createdBy", "lastModifiedBy", "lineItems",
    }  # fmt: skip
    assert {key: value for key, value in preview.items() if key not in moving} == {
        key: value for key, value in bill.items() if key not in moving
    }
    for shown, stored in zip(preview["lineItems"], bill["lineItems"], strict=True):
        assert {**shown, "id": ""} == {**stored, "id": ""}
    refused(api.post("bills/preview", JUNE), "accountIds")


def test_an_account_that_cannot_be_billed_is_parked_and_billed_after_a_retry(
    api, billed, django_capture_on_commit_callbacks
):
    made(api, "picklists/currency", {"name": "Euro", "code": "EUR"})
    parked = customer(api, currency="EUR")
    customer(api)

    job = billed()
    assert (job["status"], Bill.objects.count()) == ("COMPLETE", 1)

    config = api.get("organizationconfig").json
    rates = [{"from": "USD", "to": "EUR", "multiplier": Decimal("0.8")}]
    api.put("organizationconfig", {**config, "currencyConversions": rates})
    with django_capture_on_commit_callbacks(execute=True):
        assert api.post(f"billjobs/{job['id']}/retry").status == 200

    bill = api.get(f"bills/latest/{parked['id']}").json
    assert (bill["currency"], bill["billTotal"]) == ("EUR", 16)
    assert api.post(f"billjobs/{job['id']}/retry").status == 400


def test_a_recalculation_is_refused_for_unknown_or_too_many_bills(api):
    unknown = "00000000-0000-4000-8000-000000000000"

    refused(api.post("billjobs/recalculate", {"billIds": [unknown]}), "billIds")
    refused(api.post("billjobs/recalculate", {"billIds": []}), "billIds")
    refused(api.post("billjobs/recalculate", {"billIds": [unknown] * 101}), "billIds")


def test_a_run_of_a_period_that_is_not_over_says_so(api, billed, time_machine):
    customer(api)
    time_machine.move_to("2024-06-15T12:00:00Z", tick=False)

    going_on = api.post("billjobs", {"lastDateInBillingPeriod": "2024-06-30"}).json
    over = api.post("billjobs", {"lastDateInBillingPeriod": "2024-05-31"}).json

    (warning,) = going_on["warnings"]
    assert "2024-06-01 to 2024-06-30 is not over" in warning
    assert "warnings" not in over
