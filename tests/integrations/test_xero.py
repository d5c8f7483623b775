"""Bills to Xero: one invoice whatever happens, exact totals, and every kind of refusal."""

import json
from datetime import date
from decimal import Decimal

import pytest

from integrations.models import ExternalMapping, RunLogEntry
from integrations.systems import registry, values
from organizations.kernel import exact_json
from organizations.models import Event
from tests import factories
from tests.integrations import sending_bills as bills
from tests.integrations.fakes.serving import Answered, serving
from tests.integrations.fakes.xero import CONTACT, FakeXero

pytestmark = pytest.mark.django_db
TOKEN = "planted-access-token"


@pytest.fixture
def xero(settings):
    fake = FakeXero(TOKEN)
    with serving(fake.answer) as address:
        settings.INTEGRATION_ADDRESSES = {"XERO": address}
        yield fake


@pytest.fixture
def account(organization):
    return factories.make_account(organization)


@pytest.fixture
def configuration(organization, account):
    bills.map_account(account, "Xero", "Contact", CONTACT)
    return bills.connect(organization, "XERO", {"accessToken": TOKEN})


def change(configuration, **settings):
    configuration.config_data = settings
    configuration.save()


def map_product(product, table, external_id):
    ExternalMapping.objects.create(
        organization_id=product.organization_id, entity="Product",
        entity_identity=str(product.pk), external_system="XERO", external_table=table,
        external_id=external_id,
    )  # fmt: skip


def test_a_bill_becomes_a_draft_invoice_that_names_the_bill(xero, configuration, account):
    bill = bills.make_bill(
        account, ["12.30", "-2.05"], external_invoice_reference="INV-7",
        due_date=date(2026, 6, 15), purchase_order_number="PO 9",
    )  # fmt: skip

    run = bills.send(configuration, bill)

    assert (run.status, run.error) == ("COMPLETE", "")
    (invoice,) = xero.invoices.values()
    assert (invoice["Type"], invoice["Status"]) == ("ACCREC", "DRAFT")
    assert (invoice["Reference"], invoice["InvoiceNumber"]) == (str(bill.pk), "INV-7")
    assert (invoice["Date"], invoice["DueDate"]) == ("2026-06-01", "2026-06-15")
    assert [line.get("LineAmount") for line in invoice["LineItems"]] == [
        Decimal("12.30"), Decimal("-2.05"), None,
    ]  # fmt: skip
    assert invoice["LineItems"][2]["Description"] == "Purchase order PO 9"
    assert run.external_id == invoice["InvoiceID"]
    assert run.url.endswith(f"View.aspx?InvoiceID={invoice['InvoiceID']}")
    mapping = ExternalMapping.objects.get(entity="Bill")
    assert (mapping.external_id, mapping.external_table) == (invoice["InvoiceID"], "Invoice")


def test_sending_again_updates_the_same_invoice_to_the_last_content(xero, configuration, account):
    bill = bills.make_bill(account, ["10", "5"])
    bills.send(configuration, bill)
    bills.set_lines(bill, ["10", "7", "1"])

    run = bills.send(configuration, bill)

    assert run.status == "COMPLETE"
    (invoice,) = xero.invoices.values()
    assert (invoice["Total"], len(invoice["LineItems"])) == (18, 3)
    assert ExternalMapping.objects.filter(entity="Bill").count() == 1


@pytest.mark.parametrize("write", [1, 2])
def test_a_worker_killed_after_any_write_leaves_no_second_invoice(
    xero, configuration, account, write
):
    change(configuration, invoiceStatus="AUTHORISED", accountCode="200")
    bill = bills.make_bill(account, ["10", "5", "2"])
    run = bills.send_and_be_killed(configuration, bill, after_write=write)
    # Meanwhile the bill was calculated again.
    bills.set_lines(bill, ["10", "6"])

    bills.perform(run)

    assert (run.status, run.error) == ("COMPLETE", "")
    (invoice,) = xero.invoices.values()
    assert (invoice["Status"], invoice["Total"]) == ("AUTHORISED", 16)


@pytest.mark.parametrize(
    ("currency", "amounts", "total"),
    [
        ("USD", ["0.10"], "0.10"),
        ("USD", ["1.01"] * 50, "50.50"),
        ("USD", ["0.01"] * 1999 + ["-0.50"], "19.49"),
        ("USD", ["0.005", "0.005", "0.01"], "0.02"),
        ("JPY", ["1000", "-1"], "999"),
        ("JPY", ["0.5", "0.5", "9"], "10"),
        ("KWD", ["1.23", "0.01"], "1.24"),
    ],
)
def test_totals_agree_to_the_last_unit(xero, configuration, account, currency, amounts, total):
    run = bills.send(configuration, bills.make_bill(account, amounts, currency=currency))

    assert (run.status, run.error) == ("COMPLETE", "")
    (invoice,) = xero.invoices.values()
    assert invoice["Total"] == invoice["SubTotal"] == Decimal(total)
    assert len(invoice["LineItems"]) <= 500
    if currency == "JPY":
        assert all(line["LineAmount"] % 1 == 0 for line in invoice["LineItems"])


@pytest.mark.parametrize(
    ("currency", "amounts", "sentence"),
    [
        ("KWD", ["1.234"], "has more than 2 decimals"),
        ("USD", ["1", "-2"], "no invoice with a total below zero"),
    ],
)
def test_what_xero_cannot_hold_is_refused_before_any_call(
    xero, configuration, account, currency, amounts, sentence
):
    run = bills.send(configuration, bills.make_bill(account, amounts, currency=currency))

    assert run.status == "ERROR"
    assert sentence in run.error
    assert xero.asked == []
    assert Event.objects.filter(name="integration.validation.error").count() == 1


def test_lines_are_booked_as_their_product_is_mapped(xero, configuration, account, organization):
    change(configuration, accountCode="200", taxType="NONE")
    product = factories.make_product(organization)
    bill = bills.make_bill(account, ["3", "4"])
    bill.line_items.filter(sequence_number=1).update(product_id=product.pk)
    for table, code in [("LineItem", "TOK"), ("AccountCode", "260"), ("TaxType", "OUTPUT2"),
                        ("TrackingCategory", "Region/North")]:  # fmt: skip
        map_product(product, table, code)

    run = bills.send(configuration, bill)

    assert (run.status, run.error) == ("COMPLETE", "")
    sent = exact_json.loads(xero.writes[0].body)["Invoices"][0]["LineItems"]
    assert sent[0] == {
        "Description": "Usage 1", "Quantity": 1, "UnitAmount": 3, "ItemCode": "TOK",
        "AccountCode": "260", "TaxType": "OUTPUT2",
        "Tracking": [{"Name": "Region", "Option": "North"}],
    }  # fmt: skip
    assert (sent[1]["AccountCode"], sent[1]["TaxType"]) == ("200", "NONE")
    # Tax exclusive: Xero adds 20 % of 3.00, which is no part of the bill.
    (invoice,) = xero.invoices.values()
    assert (invoice["SubTotal"], invoice["Total"]) == (7, Decimal("7.60"))


def test_tax_inclusive_amounts_are_compared_with_tax(xero, configuration, account):
    change(configuration, lineAmountTypes="Inclusive", taxType="OUTPUT2")

    run = bills.send(configuration, bills.make_bill(account, ["12"]))

    assert (run.status, run.error) == ("COMPLETE", "")
    (invoice,) = xero.invoices.values()
    assert (invoice["SubTotal"], invoice["Total"]) == (10, 12)


def test_an_approved_invoice_needs_an_account_code_and_nothing_is_sent_without(
    xero, configuration, account, organization
):
    change(configuration, invoiceStatus="AUTHORISED")
    product = factories.make_product(organization)
    bill = bills.make_bill(account, ["3"])
    bill.line_items.update(product_id=product.pk)

    run = bills.send(configuration, bill)

    assert run.status == "ERROR"
    assert run.error == (
        "Usage 1: an approved invoice needs an account code; the product has none mapped."
    )
    assert xero.asked == []


def test_a_missing_contact_has_an_event_of_its_own(xero, organization, account):
    configuration = bills.connect(organization, "XERO", {"accessToken": TOKEN})

    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    assert (run.status, xero.writes) == ("ERROR", [])
    assert Event.objects.filter(name="integration.missingaccountmapping.error").count() == 1


def test_an_approved_invoice_is_changed_until_something_is_paid(xero, configuration, account):
    change(configuration, invoiceStatus="AUTHORISED", accountCode="200")
    bill = bills.make_bill(account, ["10"])
    bills.send(configuration, bill)
    bills.set_lines(bill, ["11"])
    assert bills.send(configuration, bill).status == "COMPLETE"
    (invoice,) = xero.invoices.values()
    assert (invoice["Total"], invoice["Status"]) == (11, "AUTHORISED")
    invoice["AmountPaid"] = Decimal(1)
    bills.set_lines(bill, ["12"])

    run = bills.send(configuration, bill)

    assert run.status == "INVOICE_ALREADY_PAID"
    assert next(iter(xero.invoices.values()))["Total"] == 11


def test_a_paid_invoice_that_has_the_content_already_is_no_failure(xero, configuration, account):
    change(configuration, invoiceStatus="AUTHORISED", accountCode="200")
    bill = bills.make_bill(account, ["10"])
    run = bills.send_and_be_killed(configuration, bill, after_write=2)
    next(iter(xero.invoices.values())).update(Status="PAID", AmountPaid=Decimal(10))

    assert bills.perform(run).status == "COMPLETE"
    assert len(xero.invoices) == 1


@pytest.mark.parametrize("state", ["DELETED", "VOIDED"])
def test_an_invoice_that_was_taken_away_is_made_anew(xero, configuration, account, state):
    bill = bills.make_bill(account, ["10"])
    first = bills.send(configuration, bill)
    xero.invoices[first.external_id]["Status"] = state

    second = bills.send(configuration, bill)

    assert second.status == "COMPLETE"
    assert second.external_id != first.external_id


def test_a_locked_period_ends_the_run_as_closed(xero, configuration, account):
    xero.locked_until = "2026-12-31"

    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    assert run.status == "ACCOUNTING_PERIOD_CLOSED"
    assert "lock date" in run.error
    assert xero.invoices == {}


def test_what_xero_refuses_is_told_in_its_words(xero, configuration, account):
    change(configuration, accountCode="999")

    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    assert run.status == "ERROR"
    assert run.error == (
        "Xero answered 400: AccountCode '999' is not a valid code for this document"
    )
    assert Event.objects.filter(name="integration.validation.error").count() == 1


def test_a_refused_token_disables_the_integration_at_once(xero, configuration, account):
    xero.token = "another"

    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    configuration.refresh_from_db()
    assert (run.status, configuration.is_enabled) == ("AUTH_FAILED", False)


def test_too_many_calls_a_minute_wait_as_long_as_xero_says(xero, configuration, account):
    xero.a_minute = 2

    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    assert (run.status, run.attempts_made) == ("RATE_LIMIT_RETRY", 0)
    xero.a_minute = 60
    assert bills.perform(run).status == "COMPLETE"
    assert len(xero.invoices) == 1


def test_trouble_that_passes_is_tried_again(xero, configuration, account):
    xero.fail = [None, None, Answered(503, b"{}")]
    run = bills.send(configuration, bills.make_bill(account, ["1"]))
    assert run.status == "AWAITING_RETRY"

    assert bills.perform(run).status == "COMPLETE"
    assert len(xero.invoices) == 1


def test_of_several_organisations_one_has_to_be_chosen(xero, configuration, account):
    other = "99999999-2222-4333-8444-555555555555"
    xero.tenants.append(other)
    bill = bills.make_bill(account, ["1"])
    run = bills.send(configuration, bill)
    assert (run.status, xero.writes) == ("ERROR", [])
    assert "Books 1, Books 2" in run.error

    change(configuration, tenantId=other)

    assert bills.send(configuration, bill).status == "COMPLETE"
    assert xero.writes[0].headers["xero-tenant-id"] == other


def test_a_bill_of_nothing_but_zeros_sends_nothing_but_empties_what_was_sent(
    xero, configuration, account
):
    bill = bills.make_bill(account, ["0"])
    bill.line_items.update(quantity=0, units=0)
    assert (bills.send(configuration, bill).status, xero.writes) == ("COMPLETE", [])
    bills.set_lines(bill, ["4"])
    bills.send(configuration, bill)
    bills.set_lines(bill, ["0"])
    bill.line_items.update(quantity=0, units=0)

    run = bills.send(configuration, bill)

    assert (run.status, run.error) == ("COMPLETE", "")
    (invoice,) = xero.invoices.values()
    assert invoice["Total"] == 0


def test_the_token_is_in_no_log(xero, configuration, account):
    said = {"Message": f"bad {TOKEN}"}
    xero.fail = [None, None, Answered(400, json.dumps(said).encode())]

    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    kept = [run.error, *RunLogEntry.objects.values_list("text", flat=True)]
    assert any("[hidden]" in text for text in kept)
    assert not [text for text in kept if TOKEN in text]


def test_records_and_organisations_can_be_chosen_from(xero, configuration, organization):
    def names(table):
        rows = values.records(organization.pk, destination="XERO", table=table, credential=None)
        return [(row.identity, row.name) for row in rows]

    assert names("Contact") == [(CONTACT, "Acme")]
    assert names("LineItem") == [("TOK", "Tokens")]
    assert names("TaxType") == []
    (tenant,) = values.choices(organization.pk, "XERO", "tenantId")
    assert (tenant.identity, tenant.name) == (xero.tenants[0], "Books 1")


@pytest.mark.parametrize("given", [{"tenantId": "ours\n"}, {"accountCode": "12345678901"}])
def test_settings_xero_cannot_have_are_refused(given):
    with pytest.raises(ValueError, match=next(iter(given))):
        registry.find("XERO").check_settings(given)
