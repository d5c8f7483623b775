"""From a catalogue over usage to a locked bill, and what is told of failed usage."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import requests
from m3ter import BadRequestError, NotFoundError

from tests.official_client.driving import as_arguments

pytestmark = pytest.mark.django_db

IN_JUNE = "2024-06-01T00:00:00Z"
# In the order they are made; {kind} is the id of a row made before.
CATALOGUE: dict[str, dict[str, Any]] = {
    "products": {"name": "Models", "code": "models"},
    "meters": {
        "name": "Requests",
        "code": "requests",
        "productId": "{products}",
        "dataFields": [
            {"category": "MEASURE", "code": "tokens", "name": "Tokens", "unit": "tokens"}
        ],
        "derivedFields": [],
    },
    "aggregations": {
        "name": "Tokens",
        "code": "tokens",
        "meterId": "{meters}",
        "targetField": "tokens",
        "aggregation": "SUM",
        "rounding": "NONE",
        "quantityPerUnit": 1000,
        "unit": "1,000 tokens",
    },
    "plan_templates": {
        "productId": "{products}",
        "name": "Monthly",
        "currency": "USD",
        "standingCharge": 20,
        "billFrequency": "MONTHLY",
    },
    "plans": {"planTemplateId": "{plan_templates}", "name": "Standard", "code": "standard"},
    "pricings": {
        "planId": "{plans}",
        "aggregationId": "{aggregations}",
        "startDate": "2024-01-01T00:00:00Z",
        "cumulative": True,
        "pricingBands": [
            {"lowerLimit": 0, "fixedPrice": 0, "unitPrice": 0.5},
            {"lowerLimit": 10, "fixedPrice": 0, "unitPrice": 0.25},
        ],
    },
    "accounts": {"name": "Acme", "code": "acme", "emailAddress": "a@example.com"},
    "account_plans": {"accountId": "{accounts}", "planId": "{plans}", "startDate": IN_JUNE},
}


def settle(client: Any) -> dict[str, str]:
    """Make the catalogue and an account with a plan from June 2024 on; returns ids by kind."""
    made: dict[str, str] = {}
    for kind, body in CATALOGUE.items():
        known = {
            name: value.format_map(made) if isinstance(value, str) else value
            for name, value in body.items()
        }
        made[kind] = getattr(client, kind).create(**as_arguments(known)).id
    return made


def usage(count: int, tokens: int, **more: Any) -> list[dict[str, Any]]:
    """Measurements of June 2024, one a day, with uids."""
    return [
        {
            "uid": f"acme-{n}",
            "meter": "requests",
            "account": "acme",
            "ts": datetime(2024, 6, 1 + n % 30, 12, tzinfo=UTC),
            "measure": {"tokens": tokens},
            **more,
        }
        for n in range(count)
    ]


def run(client: Any, last_day: str) -> str:
    """Run a monthly bill job to its end; returns its id."""
    job = client.bill_jobs.create(last_date_in_billing_period=last_day, billing_frequency="MONTHLY")
    assert client.bill_jobs.retrieve(job.id).status == "COMPLETE"
    return job.id


def test_the_whole_path_from_usage_to_a_locked_bill(client, lenient):
    made = settle(client)

    for _ in range(2):  # sending everything twice changes nothing
        assert client.usage.submit(measurements=usage(30, 500)).result == "accepted"
    june = run(client, "2024-06-30")

    # 30 x 500 tokens = 15 units: 10 x 0.50 + 5 x 0.25 = 6.25, and 20 standing charge.
    (bill,) = client.bills.list(account_id=made["accounts"], include_bill_total=True)
    assert Decimal(str(bill.bill_total)) == Decimal("26.25")
    assert (bill.bill_date.isoformat(), bill.bill_job_id) == ("2024-07-01", june)
    lines = {line.line_item_type: line for line in client.bills.line_items.list(bill.id)}
    assert {kind: line.subtotal for kind, line in lines.items()} == {
        "STANDING_CHARGE": 20,
        "USAGE": 6.25,
    }
    one = client.bills.line_items.retrieve(lines["USAGE"].id, bill_id=bill.id)
    assert [band.band_units for band in one.band_usage] == [10, 5]
    again = client.bill_jobs.recalculate(bill_ids=[bill.id])
    assert client.bill_jobs.retrieve(again.id).status == "COMPLETE"
    assert client.bills.approve(bill_ids=[bill.id]).message == "1 bill approved."
    assert client.bills.update_status(bill.id, status="PENDING").status == "PENDING"
    assert client.bills.update_status(bill.id, status="APPROVED").status == "APPROVED"
    assert client.bills.lock(bill.id).locked is True
    with pytest.raises(BadRequestError):
        client.bills.delete(bill.id)
    # Events are exempt from strict mode: nothing is in dtActioned before they are (A9.4).
    (twice,) = {
        event.m3ter_event["eventData"]["newDto"]["errorType"]
        for event in lenient.events.list(event_type="IngestValidationFailure", page_size=7)
    }
    assert twice == "DuplicateUid"


def test_bills_are_found_walked_and_deleted(client):
    made = settle(client)
    client.usage.submit(measurements=usage(30, 500))

    jobs = [run(client, day) for day in ("2024-06-30", "2024-07-31", "2024-08-31")]

    june, july, august = list(client.bills.list(account_id=made["accounts"], page_size=1))[::-1]
    assert [str(one.bill_date) for one in (june, july, august)] == [
        "2024-07-01", "2024-08-01", "2024-09-01",
    ]  # fmt: skip
    assert [one.id for one in client.bill_jobs.list(page_size=1)] == jobs[::-1]
    assert client.bills.latest_by_account(made["accounts"]).id == august.id
    found = client.bills.search(
        search_query=f"accountId:{made['accounts']}$billDate>2024-07-01", sort_by="billDate"
    )
    assert [one.id for one in found.data] == [july.id, august.id]
    assert client.bills.delete(august.id).id == august.id
    with pytest.raises(NotFoundError):
        client.bills.retrieve(august.id)
    assert client.bills.latest_by_account(made["accounts"]).id == july.id
    with pytest.raises(BadRequestError):
        client.bill_jobs.cancel(jobs[0])  # is done


def test_accounts_are_searched_and_have_children(client):
    parent = client.accounts.create(name="Parent", code="p", email_address="p@example.com")
    children = [
        client.accounts.create(
            name=f"Child {n}",
            code=f"c{n}",
            email_address="c@example.com",
            parent_account_id=parent.id,
        ).id
        for n in range(3)
    ]

    found = client.accounts.search(search_query="name~Child", sort_by="code", page_size=2)

    assert [one.code for one in found.data] == ["c0", "c1"]
    assert [one.id for one in client.accounts.list_children(parent.id, page_size=2)] == children[
        ::-1
    ]


def test_a_failed_measurement_is_told_and_can_be_downloaded(client, lenient, address):
    client.usage.submit(measurements=usage(1, 7, meter="nothing"))

    (event,) = lenient.events.list(event_type="IngestValidationFailure")
    assert lenient.events.retrieve(event.id).event_name == "ingest.validation.failure"
    told = event.m3ter_event["eventData"]["newDto"]
    assert told["errorType"] == "UndefinedMeter"
    file = requests.utils.unquote(told["getDownloadUrl"].partition("file=")[2])
    url = client.usage.get_failed_ingest_download_url(file=file).url
    log = requests.get(url.replace("http://127.0.0.1:8000", address), timeout=10)

    assert log.status_code == 200
    assert "nothing" in log.text


def test_a_webhook_destination_is_switched_off_and_keeps_its_secret(client):
    secret = "s" * 24
    made = client.webhooks.create(
        name="Ledger",
        description="Posts bills",
        url="http://127.0.0.1:9/hook",
        credentials={"type": "M3TER_SIGNED_REQUEST", "api_key": "k", "secret": secret},
    )

    switched = client.webhooks.set_active(made.id, active=False)

    assert (made.active, switched.active) == (True, False)
    assert client.webhooks.retrieve(made.id).active is False
    assert secret not in str(client.webhooks.retrieve(made.id).to_dict())
