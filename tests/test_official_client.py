"""The official Python SDK does the whole path against a live server, unmodified."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from m3ter import AsyncM3ter, ConflictError, M3ter, NotFoundError

from tests.factories import make_founded

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def served(transactional_db: Any, live_server: Any, eager_tasks: None) -> Any:
    """A founded organization behind a live server; tasks run where they are enqueued."""
    return make_founded(), live_server.url


def sdk(served: Any) -> M3ter:
    """The SDK as a customer configures it."""
    founded, url = served
    return M3ter(
        api_key=founded.access_key_id,
        api_secret=founded.api_secret,
        org_id=str(founded.organization.pk),
        base_url=url,
        max_retries=0,
    )


def catalogue(client: M3ter) -> dict[str, Any]:
    """Make product, meter, aggregation, plan and price; returns them by kind."""
    product = client.products.create(name="Models", code="models")
    meter = client.meters.create(
        name="Requests",
        code="requests",
        product_id=product.id,
        data_fields=[{"category": "MEASURE", "code": "tokens", "name": "Tokens", "unit": "tokens"}],
        derived_fields=[],
    )
    aggregation = client.aggregations.create(
        name="Tokens",
        code="tokens",
        meter_id=meter.id,
        target_field="tokens",
        aggregation="SUM",
        rounding="NONE",
        quantity_per_unit=1000,
        unit="1,000 tokens",
    )
    template = client.plan_templates.create(
        product_id=product.id,
        name="Monthly",
        currency="USD",
        standing_charge=20,
        bill_frequency="MONTHLY",
    )
    plan = client.plans.create(plan_template_id=template.id, name="Standard", code="standard")
    pricing = client.pricings.create(
        plan_id=plan.id,
        aggregation_id=aggregation.id,
        start_date="2024-01-01T00:00:00Z",
        cumulative=True,
        pricing_bands=[
            {"lower_limit": 0, "fixed_price": 0, "unit_price": 0.5},
            {"lower_limit": 10, "fixed_price": 0, "unit_price": 0.25},
        ],
    )
    return {
        "product": product,
        "meter": meter,
        "aggregation": aggregation,
        "template": template,
        "plan": plan,
        "pricing": pricing,
    }


def test_create_read_update_list_delete_of_every_resource_of_the_path(served):
    client = sdk(served)
    rows = catalogue(client)
    account = client.accounts.create(name="A", code="a", email_address="a@example.com")

    for resource, row in (
        (client.products, rows["product"]),
        (client.meters, rows["meter"]),
        (client.aggregations, rows["aggregation"]),
        (client.plan_templates, rows["template"]),
        (client.plans, rows["plan"]),
        (client.pricings, rows["pricing"]),
        (client.accounts, account),
    ):
        assert resource.retrieve(row.id).model_dump() == row.model_dump()
        assert [found.id for found in resource.list(page_size=1)] == [row.id]
    updated = client.products.update(rows["product"].id, name="New name", code="models", version=1)
    assert (updated.version, updated.name) == (2, "New name")
    with pytest.raises(ConflictError):
        client.products.update(rows["product"].id, name="x", code="models", version=1)
    client.accounts.delete(account.id)
    with pytest.raises(NotFoundError):
        client.accounts.retrieve(account.id)
    config = client.organization_config.retrieve()
    assert config.currency == "USD"
    assert client.users.me().service_user.id == str(served[0].service_user.pk)


def test_lists_are_walked_over_pages(served):
    client = sdk(served)
    made = [client.products.create(name="P", code=f"p{n}").id for n in range(5)]

    walked = [product.id for product in client.products.list(page_size=2)]

    assert walked == list(reversed(made))


def usage(count: int, tokens: int, account: str = "acme") -> list[dict[str, Any]]:
    """Measurements of June 2024 with uids."""
    return [
        {
            "uid": f"{account}-{n}",
            "meter": "requests",
            "account": account,
            "ts": datetime(2024, 6, 1 + n % 30, 12, tzinfo=UTC).isoformat(),
            "measure": {"tokens": tokens},
        }
        for n in range(count)
    ]


def test_the_whole_path_from_usage_to_a_locked_bill(served):
    client = sdk(served)
    rows = catalogue(client)
    account = client.accounts.create(name="Acme", code="acme", email_address="a@example.com")
    client.account_plans.create(
        account_id=account.id, plan_id=rows["plan"].id, start_date="2024-06-01T00:00:00Z"
    )

    for _ in range(2):  # sending everything twice changes nothing
        assert client.usage.submit(measurements=usage(30, 500)).result == "accepted"
    client.usage.submit(measurements=[{**usage(1, 1)[0], "meter": "nothing", "uid": "bad"}])
    job = client.bill_jobs.create(
        last_date_in_billing_period="2024-06-30", billing_frequency="MONTHLY"
    )

    # 30 x 500 tokens = 15 units: 10 x 0.50 + 5 x 0.25 = 6.25, and 20 standing charge.
    assert client.bill_jobs.retrieve(job.id).status == "COMPLETE"
    (bill,) = client.bills.list(account_id=account.id, include_bill_total=True)
    assert Decimal(str(bill.bill_total)) == Decimal("26.25")
    assert bill.bill_date.isoformat() == "2024-07-01"
    lines = {line.line_item_type: line for line in client.bills.line_items.list(bill.id)}
    assert {kind: line.subtotal for kind, line in lines.items()} == {
        "STANDING_CHARGE": 20,
        "USAGE": 6.25,
    }
    assert [band.band_units for band in lines["USAGE"].band_usage] == [10, 5]
    assert client.bills.latest_by_account(account.id).id == bill.id

    again = client.bill_jobs.recalculate(bill_ids=[bill.id])
    assert client.bill_jobs.retrieve(again.id).status == "COMPLETE"
    assert client.bills.approve(bill_ids=[bill.id]).message == "1 bill approved."
    assert client.bills.update_status(bill.id, status="PENDING").status == "PENDING"
    assert client.bills.update_status(bill.id, status="APPROVED").status == "APPROVED"
    assert client.bills.lock(bill.id).locked is True
    failures = client.events.list(event_type="IngestValidationFailure")
    kinds = [event.m3ter_event["eventData"]["newDto"]["errorType"] for event in failures]
    assert sorted(kinds) == ["DuplicateUid", "UndefinedMeter"]


def test_a_failed_measurement_can_be_downloaded(served):
    import requests

    client = sdk(served)
    client.usage.submit(measurements=[{**usage(1, 7)[0], "meter": "nothing"}])

    (event,) = client.events.list(event_type="IngestValidationFailure")
    address = event.m3ter_event["eventData"]["newDto"]["getDownloadUrl"]
    file = address.partition("file=")[2]
    url = client.usage.get_failed_ingest_download_url(file=requests.utils.unquote(file)).url
    log = requests.get(url.replace("http://127.0.0.1:8000", served[1]), timeout=10)

    assert log.status_code == 200
    assert "nothing" in log.text


def test_webhook_destinations_come_and_go(served, settings):
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = True
    client = sdk(served)
    made = client.webhooks.create(
        name="Ledger",
        description="Posts bills",
        url="http://127.0.0.1:9/hook",
        credentials={"type": "M3TER_SIGNED_REQUEST", "api_key": "k", "secret": "s" * 24},
    )

    client.webhooks.set_active(made.id, active=False)

    assert client.webhooks.retrieve(made.id).active is False
    assert "s" * 24 not in str(client.webhooks.retrieve(made.id).model_dump())
    client.webhooks.delete(made.id)
    with pytest.raises(NotFoundError):
        client.webhooks.retrieve(made.id)


def test_the_asynchronous_client_works_with_a_token_of_its_own(served):
    founded, url = served
    token = _token(founded, url)

    async def walk() -> list[str]:
        async with AsyncM3ter(
            api_key="-",
            api_secret="-",
            token=token,
            org_id=str(founded.organization.pk),
            base_url=url,
            max_retries=0,
        ) as client:
            made = await client.products.create(name="P", code="p")
            await client.products.update(made.id, name="Q", code="p", version=1)
            names = [product.name async for product in client.products.list(page_size=1)]
            await client.products.delete(made.id)
            return names

    assert asyncio.run(walk()) == ["Q"]


def _token(founded: Any, url: str) -> str:
    import requests

    answer = requests.post(
        f"{url}/oauth/token",
        json={"grant_type": "client_credentials"},
        auth=(founded.access_key_id, founded.api_secret),
        timeout=10,
    )
    return answer.json()["access_token"]
