"""What Chargebee alone does: credits as a discount, item prices, charges on a subscription."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from integrations import credentials
from integrations.models import ExternalMapping
from organizations.kernel.errors import FieldRefused
from organizations.models import Event
from tests import factories
from tests.integrations import sending_bills as bills
from tests.integrations.fakes.chargebee import FakeChargebee
from tests.integrations.fakes.serving import serving

pytestmark = pytest.mark.django_db
KEY = "planted_secret_key_4711"
SECRETS = {"site": "acme-test", "apiKey": KEY}


@pytest.fixture
def chargebee(settings):
    fake = FakeChargebee(KEY)
    with serving(fake.answer) as address:
        settings.INTEGRATION_ADDRESSES = {"CHARGEBEE": address}
        yield fake


@pytest.fixture
def account(organization):
    return factories.make_account(organization)


@pytest.fixture
def configuration(organization, account):
    bills.map_account(account, "Chargebee", "Customer", "cb_1")
    return bills.connect(organization, "CHARGEBEE", SECRETS)


@pytest.fixture
def on_subscription(organization, account):
    bills.map_account(account, "Chargebee", "Customer", "cb_1")
    bills.map_account(account, "Chargebee", "Subscription", "sub_1")
    return bills.connect(organization, "CHARGEBEE", SECRETS, sendAs="SUBSCRIPTION")


def waiting(fake: FakeChargebee) -> list[int]:
    return sorted(row["amount"] for row in fake.unbilled.values())


def test_credits_are_one_discount_and_are_named_in_the_note(chargebee, configuration, account):
    bill = bills.make_bill(account, ["12.30", "-2.05", "-1"])

    assert bills.send(configuration, bill).status == "COMPLETE"

    (invoice,) = chargebee.invoices.values()
    assert [one["amount"] for one in invoice["discounts"]] == [305]
    assert invoice["total"] == 925
    note = invoice["notes"][0]["note"]
    assert "Usage 2: -2.05. Usage 3: -1.00." in note
    assert f"bill {bill.pk}" in note


def test_a_changed_bill_voids_the_invoice_and_the_same_bill_does_not(
    chargebee, configuration, account
):
    bill = bills.make_bill(account, ["10"])
    bills.send(configuration, bill)
    bill.version += 1
    bill.save()
    bills.send(configuration, bill)
    assert [row["status"] for row in chargebee.invoices.values()] == ["payment_due"]
    bills.set_lines(bill, ["11"])

    bills.send(configuration, bill)

    assert [row["status"] for row in chargebee.invoices.values()] == ["voided", "payment_due"]


def test_a_worker_killed_between_voiding_and_making_leaves_one_invoice(
    chargebee, configuration, account
):
    bill = bills.make_bill(account, ["10"])
    bills.send(configuration, bill)
    bills.set_lines(bill, ["11"])
    run = bills.send_and_be_killed(configuration, bill, after_write=1)
    assert [row["status"] for row in chargebee.invoices.values()] == ["voided"]

    bills.perform(run)

    assert [row["total"] for row in chargebee.invoices.values()] == [1000, 1100]
    assert [row["status"] for row in chargebee.invoices.values()] == ["voided", "payment_due"]


def test_a_total_below_zero_is_refused_before_any_call(chargebee, configuration, account):
    run = bills.send(configuration, bills.make_bill(account, ["1", "-2"]))

    assert (run.status, chargebee.asked) == ("ERROR", [])
    assert "total below zero (-1.00)" in run.error


def test_a_line_without_a_service_period_is_refused_before_any_call(
    chargebee, configuration, account
):
    bill = bills.make_bill(account, ["3", "-1"])
    bill.line_items.filter(sequence_number=2).update(
        service_period_start=datetime(2026, 6, 2, tzinfo=UTC)
    )

    run = bills.send(configuration, bill)

    assert (run.status, chargebee.asked) == ("ERROR", [])
    assert "Usage 2: the service period has no start and end" in run.error
    assert Event.objects.filter(name="integration.validation.error").count() == 1


def test_a_product_with_an_item_price_is_charged_by_it(
    chargebee, configuration, account, organization
):
    product = factories.make_product(organization)
    bill = bills.make_bill(account, ["3"])
    bill.line_items.update(product_id=product.pk, product_name="Tokens")
    ExternalMapping.objects.create(
        organization=organization, entity="Product", entity_identity=str(product.pk),
        external_system="Chargebee", external_table="ItemPrice", external_id="tokens-USD",
    )  # fmt: skip

    assert bills.send(configuration, bill).status == "COMPLETE"

    (invoice,) = chargebee.invoices.values()
    assert invoice["line_items"] == [{"amount": 300, "entity_id": "tokens-USD", "description": ""}]


def test_charges_wait_on_the_subscription_and_follow_the_bill(chargebee, on_subscription, account):
    bill = bills.make_bill(account, ["10", "5"])
    bills.send(on_subscription, bill)
    assert waiting(chargebee) == [500, 1000]
    bills.set_lines(bill, ["10", "7", "1"])

    run = bills.send(on_subscription, bill)

    assert (run.status, run.error, run.external_id) == ("COMPLETE", "", "sub_1")
    assert waiting(chargebee) == [100, 700, 1000]
    assert chargebee.invoices == {}


@pytest.mark.parametrize("write", [1, 2, 3])
def test_a_worker_killed_among_charges_leaves_none_twice(
    chargebee, on_subscription, account, write
):
    bill = bills.make_bill(account, ["10", "5"])
    bills.send(on_subscription, bill)
    bills.set_lines(bill, ["11", "6"])
    run = bills.send_and_be_killed(on_subscription, bill, after_write=write)

    bills.perform(run)

    assert waiting(chargebee) == [600, 1100]


def test_charges_on_an_invoice_cannot_be_changed_but_are_not_made_again(
    chargebee, on_subscription, account
):
    bill = bills.make_bill(account, ["10"])
    bills.send(on_subscription, bill)
    chargebee.bill_subscription()

    assert bills.send(on_subscription, bill).status == "COMPLETE"
    bills.set_lines(bill, ["11"])
    assert bills.send(on_subscription, bill).status == "INVOICE_ALREADY_PAID"
    assert waiting(chargebee) == []


def test_a_credit_cannot_wait_on_a_subscription(chargebee, on_subscription, account):
    run = bills.send(on_subscription, bills.make_bill(account, ["3", "-1"]))

    assert (run.status, chargebee.asked) == ("ERROR", [])
    assert "Usage 2 (-1.00)" in run.error


@pytest.mark.parametrize("site", ["acme.evil.example", "acme/", "acme@x", "acme#", "a" * 64, "-a"])
def test_a_site_is_one_label_of_a_host(organization, site):
    values = {"type": "CHARGEBEE_AUTH", "site": site, "apiKey": "x"}

    with pytest.raises(FieldRefused) as refused:
        credentials.built(organization.pk, values, destination="CHARGEBEE")

    assert [error.field for error in refused.value.errors] == ["site"]


def test_the_total_of_many_lines_is_kept(chargebee, configuration, account):
    bill = bills.make_bill(account, ["0.01"] * 2000)

    run = bills.send(configuration, bill)

    (invoice,) = chargebee.invoices.values()
    assert (run.status, Decimal(invoice["total"])) == ("COMPLETE", 2000)
