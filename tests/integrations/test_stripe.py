"""Bills to Stripe: one invoice whatever happens, exact totals, and every kind of refusal."""

import json
from decimal import Decimal

import pytest

from integrations.models import (
    ExternalMapping,
    IntegrationConfiguration,
    IntegrationRun,
    RunLogEntry,
)
from integrations.runs import execution, triggers
from organizations.kernel import clock
from organizations.models import AuditEntry, Event
from tests import factories
from tests.integrations import sending_bills as bills
from tests.integrations.fakes.serving import Answered, serving
from tests.integrations.fakes.stripe import FakeStripe

pytestmark = pytest.mark.django_db
KEY = "sk_test_planted_key"


@pytest.fixture
def stripe(settings):
    fake = FakeStripe(KEY)
    with serving(fake.answer) as address:
        settings.INTEGRATION_ADDRESSES = {"STRIPE_TEST": address}
        yield fake


@pytest.fixture
def account(organization):
    return factories.make_account(organization)


@pytest.fixture
def configuration(organization, account):
    bills.map_account(account, "Stripe_Test", "Customer", "cus_1")
    return bills.connect(organization, "STRIPE_TEST", {"apiKey": KEY})


def test_a_bill_becomes_a_draft_invoice_with_an_item_for_each_line(stripe, configuration, account):
    bill = bills.make_bill(account, ["12.30", "-2.05"], external_invoice_reference="INV-7")

    run = bills.send(configuration, bill)

    assert (run.status, run.error) == ("COMPLETE", "")
    (invoice,) = stripe.invoices.values()
    assert (invoice["status"], invoice["customer"]) == ("draft", "cus_1")
    assert invoice["metadata"]["billwright_bill"] == str(bill.pk)
    assert invoice["custom_fields"]["0"] == {"name": "Reference", "value": "INV-7"}
    assert sorted(item["amount"] for item in stripe.items.values()) == [-205, 1230]
    assert run.external_id == invoice["id"]
    assert run.url == f"https://dashboard.stripe.com/test/invoices/{invoice['id']}"
    mapping = ExternalMapping.objects.get(entity="Bill")
    assert (mapping.external_id, mapping.external_table) == (invoice["id"], "Invoice")
    assert mapping.configuration == configuration


def test_sending_again_updates_the_same_invoice_to_the_last_content(stripe, configuration, account):
    bill = bills.make_bill(account, ["10", "5"])
    bills.send(configuration, bill)
    bills.set_lines(bill, ["10", "7", "1"])

    run = bills.send(configuration, bill)

    assert run.status == "COMPLETE"
    assert len(stripe.invoices) == 1
    assert stripe.total(run.external_id) == 1800
    assert ExternalMapping.objects.filter(entity="Bill").count() == 1


@pytest.mark.parametrize("write", range(1, 6))
def test_a_worker_killed_after_any_write_leaves_no_second_invoice(
    stripe, configuration, account, write
):
    bill = bills.make_bill(account, ["10", "5", "2"])
    count = 0

    class Killed(BaseException):
        pass

    run = triggers.build(configuration, entity_type="Bill", entity_id=str(bill.pk),
                         account_id=account.pk, at=clock.now())  # fmt: skip
    triggers.keep([run])
    with pytest.MonkeyPatch.context() as patch:
        calls = execution.HttpClient.call

        def call(self, method, path, **options):
            answer = calls(self, method, path, **options)
            if method != "GET":
                nonlocal count
                count += 1
                if count == write:
                    raise Killed
            return answer

        patch.setattr(execution.HttpClient, "call", call)
        with pytest.raises(Killed):
            execution.perform(run.pk)
    # Meanwhile the bill was calculated again, and the lease of the dead worker passes.
    bills.set_lines(bill, ["10", "6"])
    IntegrationRun.objects.filter(pk=run.pk).update(status="AWAITING_RETRY", claimed_until=None)

    execution.perform(run.pk)

    run.refresh_from_db()
    assert (run.status, run.error) == ("COMPLETE", "")
    assert len(stripe.invoices) == 1
    assert stripe.total(run.external_id) == 1600
    assert len(stripe.items) == 2


@pytest.mark.parametrize(
    ("currency", "amounts", "total"),
    [
        ("USD", ["0.10"], 10),
        ("USD", ["1.01"] * 50, 5050),
        ("USD", ["0.01"] * 1999 + ["-0.50"], 1949),
        ("JPY", ["1000", "-1"], 999),
        ("KWD", ["1.230", "0.010"], 1240),
    ],
)
def test_totals_agree_to_the_last_unit(stripe, configuration, account, currency, amounts, total):
    bill = bills.make_bill(account, amounts, currency=currency)

    run = bills.send(configuration, bill)

    assert (run.status, run.error) == ("COMPLETE", "")
    assert stripe.total(run.external_id) == total
    assert len(stripe.items) <= 250


def test_amounts_stripe_cannot_take_are_refused_before_any_call(stripe, configuration, account):
    run = bills.send(configuration, bills.make_bill(account, ["1.001"], currency="KWD"))

    assert run.status == "ERROR"
    assert "last decimal of 0" in run.error
    assert stripe.asked == []
    assert Event.objects.filter(name="integration.validation.error").count() == 1


def test_a_missing_account_mapping_has_an_event_that_names_the_account(
    stripe, organization, account
):
    configuration = bills.connect(organization, "STRIPE_TEST", {"apiKey": KEY})
    bills.map_account(account, "Stripe", "Customer", "cus_1")  # of live mode: not used (A12)

    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    assert run.status == "ERROR"
    assert stripe.writes == []
    event = Event.objects.get(name="integration.missingaccountmapping.error")
    told = event.payload["eventData"]["newDto"]
    assert told["accountId"] == str(account.pk)
    assert told["integrationRunId"] == str(run.pk)
    assert (told["entityType"], told["entityId"]) == ("Bill", run.entity_id)


def test_an_invoice_that_is_finalized_cannot_be_changed(stripe, configuration, account):
    bill = bills.make_bill(account, ["10"])
    bills.send(configuration, bill)
    next(iter(stripe.invoices.values()))["status"] = "open"
    bills.set_lines(bill, ["11"])

    run = bills.send(configuration, bill)

    assert run.status == "INVOICE_ALREADY_PAID"
    assert stripe.total(next(iter(stripe.invoices))) == 1000


def test_a_refused_key_disables_the_integration_at_once(stripe, configuration, account):
    stripe.key = "another"

    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    configuration.refresh_from_db()
    assert run.status == "AUTH_FAILED"
    assert not configuration.is_enabled
    assert not configuration.credential.is_authorized
    names = set(Event.objects.values_list("name", flat=True))
    assert {"integration.authentication.error", "integration.disabled.error"} <= names


def test_trouble_that_passes_is_tried_again_and_throttling_counts_as_no_attempt(
    stripe, configuration, account
):
    stripe.fail = [None, Answered(503, b"{}"), Answered(429, b"{}", {"Retry-After": "7"})]
    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    assert (run.status, run.attempts_made) == ("AWAITING_RETRY", 1)
    bills.perform(run)
    assert (run.status, run.attempts_made) == ("AWAITING_RETRY", 2)
    before = clock.now()
    bills.perform(run)
    assert (run.status, run.attempts_made) == ("RATE_LIMIT_RETRY", 2)
    assert 7 <= (run.next_attempt_at - before).total_seconds() < 12
    configuration.credential.refresh_from_db()
    assert configuration.credential.paused_until == run.next_attempt_at

    assert bills.perform(run).status == "COMPLETE"


def test_secrets_are_nowhere_but_sealed(stripe, configuration, account, api):
    stripe.key = KEY
    bills.send(configuration, bills.make_bill(account, ["1"]))
    stripe.fail = [Answered(400, json.dumps({"error": {"message": f"bad {KEY}"}}).encode())]
    other = bills.make_bill(account, ["2"], boundary_date="2026-07-01")
    failed = bills.send(configuration, other)

    assert failed.status == "ERROR"
    kept = [
        *RunLogEntry.objects.values_list("text", flat=True),
        *(str(event.payload) for event in Event.objects.all()),
        *(str(entry.difference) for entry in AuditEntry.objects.all()),
        *map(str, IntegrationRun.objects.values()),
        *map(str, IntegrationConfiguration.objects.values()),
        configuration.credential.sealed_secrets,
    ]
    assert any("[hidden]" in text for text in kept)
    assert not [text for text in kept if KEY in text]


def test_an_empty_bill_sends_nothing_and_is_done(stripe, configuration, account):
    run = bills.send(configuration, bills.make_bill(account, []))

    assert (run.status, stripe.asked) == ("COMPLETE", [])
    assert "no lines" in "".join(RunLogEntry.objects.values_list("text", flat=True))


def test_ten_failures_in_a_row_disable_and_a_success_forgets_them(stripe, configuration, account):
    ExternalMapping.objects.all().delete()
    bill = bills.make_bill(account, ["1"])
    for _ in range(9):
        bills.send(configuration, bill)
    configuration.refresh_from_db()
    assert (configuration.failures_in_row, configuration.is_enabled) == (9, True)

    bills.send(configuration, bill)

    configuration.refresh_from_db()
    assert not configuration.is_enabled
    trace = bills.send(configuration, bill)
    assert trace.status == "DISABLED"


def test_a_product_that_is_mapped_stands_on_its_item(stripe, configuration, account, organization):
    product = factories.make_product(organization)
    bill = bills.make_bill(account, ["3"])
    bill.line_items.update(product_id=product.pk, product_name="Tokens")
    ExternalMapping.objects.create(
        organization=organization, entity="Product", entity_identity=str(product.pk),
        external_system="STRIPE_TEST", external_table="Product", external_id="prod_1",
    )  # fmt: skip

    assert bills.send(configuration, bill).status == "COMPLETE"

    created = [asked.form for asked in stripe.writes if asked.path == "/v1/invoiceitems"]
    assert created[0]["price_data[product]"] == "prod_1"
    assert Decimal(created[0]["price_data[unit_amount]"]) == 300
