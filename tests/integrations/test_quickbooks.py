"""Bills to QuickBooks: one invoice whatever happens, exact totals, and every kind of refusal."""

from datetime import date
from decimal import Decimal

import pytest

from integrations.models import ExternalMapping, RunLogEntry
from integrations.systems import registry, values
from organizations.kernel import exact_json
from organizations.models import Event
from tests import factories
from tests.integrations import sending_bills as bills
from tests.integrations.fakes.quickbooks import COMPANY, FakeQuickBooks, Fault
from tests.integrations.fakes.serving import Answered, serving

pytestmark = pytest.mark.django_db
TOKEN = "planted-access-token"
SECRETS = {"accessToken": TOKEN, "realmId": COMPANY}


def failing(code, status=400):
    return Answered(status, exact_json.dumps(Fault(code, "Told so").body))


@pytest.fixture
def books(settings):
    fake = FakeQuickBooks(TOKEN)
    with serving(fake.answer) as address:
        settings.INTEGRATION_ADDRESSES = {"QUICKBOOKS_SANDBOX": f"{address}/v3/company/{COMPANY}"}
        yield fake


@pytest.fixture
def account(organization):
    return factories.make_account(organization)


@pytest.fixture
def configuration(organization, account):
    bills.map_account(account, "QuickBooks_Sandbox", "Customer", "58")
    return bills.connect(organization, "QUICKBOOKS_SANDBOX", SECRETS, itemId="1")


def change(configuration, **settings):
    configuration.config_data = settings
    configuration.save()


def test_a_bill_becomes_an_invoice_that_names_the_bill(books, configuration, account):
    change(configuration, itemId="1", termId="3", classId="200")
    bill = bills.make_bill(
        account, ["12.30", "-2.05"], external_invoice_reference="INV-7",
        due_date=date(2026, 6, 15), purchase_order_number="PO 9",
    )  # fmt: skip

    run = bills.send(configuration, bill)

    assert (run.status, run.error) == ("COMPLETE", "")
    (invoice,) = books.invoices.values()
    assert invoice["TotalAmt"] == Decimal("10.25")
    assert (invoice["DocNumber"], invoice["CustomerMemo"]) == (
        "INV-7", {"value": "Purchase order PO 9"},
    )  # fmt: skip
    assert (invoice["TxnDate"], invoice["DueDate"]) == ("2026-06-01", "2026-06-15")
    assert invoice["PrivateNote"] == f"Billwright bill {bill.pk}"
    assert invoice["Line"][1]["SalesItemLineDetail"] == {
        "ItemRef": {"value": "1"}, "Qty": 1, "UnitPrice": Decimal("-2.05"),
        "ClassRef": {"value": "200"},
    }  # fmt: skip
    assert run.url == f"https://app.sandbox.qbo.intuit.com/app/invoice?txnId={invoice['Id']}"
    assert ExternalMapping.objects.get(entity="Bill").external_id == invoice["Id"]


def test_sending_again_updates_the_same_invoice_to_the_last_content(books, configuration, account):
    bill = bills.make_bill(account, ["10", "5"])
    bills.send(configuration, bill)
    bills.set_lines(bill, ["10", "7", "1"])

    run = bills.send(configuration, bill)

    assert run.status == "COMPLETE"
    (invoice,) = books.invoices.values()
    assert invoice["TotalAmt"] == 18


@pytest.mark.parametrize("write", [1, 2])
def test_a_worker_killed_after_any_write_leaves_no_second_invoice(
    books, configuration, account, write
):
    change(configuration, itemId="1", emailStatus="NeedToSend")
    bill = bills.make_bill(account, ["10", "5", "2"], account_email="books@example.com")
    run = bills.send_and_be_killed(configuration, bill, after_write=write)
    # Meanwhile the bill was calculated again.
    bills.set_lines(bill, ["10", "6"])

    bills.perform(run)

    assert (run.status, run.error) == ("COMPLETE", "")
    (invoice,) = books.invoices.values()
    assert (invoice["EmailStatus"], invoice["TotalAmt"]) == ("EmailSent", 16)
    assert [Decimal(sum_) for sum_ in books.mailed] == [[16, 17][write - 1]]


@pytest.mark.parametrize(
    ("currency", "amounts", "total"),
    [
        ("USD", ["0.10"], "0.10"),
        ("USD", ["1.01"] * 50, "50.50"),
        ("USD", ["0.01"] * 1999 + ["-0.50"], "19.49"),
        ("JPY", ["0.5", "0.5", "9"], "10"),
        ("KWD", ["1.23", "0.01"], "1.24"),
    ],
)
def test_totals_agree_to_the_last_unit(books, configuration, account, currency, amounts, total):
    books.currency = currency

    run = bills.send(configuration, bills.make_bill(account, amounts, currency=currency))

    assert (run.status, run.error) == ("COMPLETE", "")
    (invoice,) = books.invoices.values()
    assert invoice["TotalAmt"] == Decimal(total)


@pytest.mark.parametrize(
    ("currency", "amounts", "sentence"),
    [
        ("KWD", ["1.234"], "has more than 2 decimals"),
        ("USD", ["1", "-2"], "no invoice with a total below zero"),
    ],
)
def test_what_quickbooks_cannot_hold_is_refused_before_any_call(
    books, configuration, account, currency, amounts, sentence
):
    run = bills.send(configuration, bills.make_bill(account, amounts, currency=currency))

    assert (run.status, books.asked) == ("ERROR", [])
    assert sentence in run.error
    assert Event.objects.filter(name="integration.validation.error").count() == 1


def test_sales_tax_that_quickbooks_adds_is_no_part_of_the_bill(books, configuration, account):
    change(configuration, itemId="1", taxCode="TAX")

    run = bills.send(configuration, bills.make_bill(account, ["10"]))

    assert (run.status, run.error) == ("COMPLETE", "")
    assert next(iter(books.invoices.values()))["TotalAmt"] == 11


def test_a_product_needs_an_item_and_nothing_is_sent_without(
    books, configuration, account, organization
):
    change(configuration)
    product = factories.make_product(organization)
    bill = bills.make_bill(account, ["3"])
    bill.line_items.update(product_id=product.pk)
    run = bills.send(configuration, bill)
    assert (run.status, books.asked) == ("ERROR", [])
    assert run.error == "Usage 1: the product is mapped to no item."
    ExternalMapping.objects.create(
        organization=organization, entity="Product", entity_identity=str(product.pk),
        external_system="QUICKBOOKS_SANDBOX", external_table="Item", external_id="7",
    )  # fmt: skip

    assert bills.send(configuration, bill).status == "COMPLETE"

    (invoice,) = books.invoices.values()
    assert invoice["Line"][0]["SalesItemLineDetail"]["ItemRef"] == {"value": "7"}


def test_mappings_of_the_live_system_are_not_used_in_the_sandbox(books, organization, account):
    configuration = bills.connect(organization, "QUICKBOOKS_SANDBOX", SECRETS, itemId="1")
    bills.map_account(account, "QuickBooks", "Customer", "58")

    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    assert (run.status, books.asked) == ("ERROR", [])
    assert Event.objects.filter(name="integration.missingaccountmapping.error").count() == 1


def test_an_invoice_with_a_payment_is_not_changed(books, configuration, account):
    bill = bills.make_bill(account, ["10"])
    bills.send(configuration, bill)
    next(iter(books.invoices.values()))["Balance"] = Decimal(4)
    assert bills.send(configuration, bill).status == "COMPLETE"  # it has the content already
    bills.set_lines(bill, ["12"])

    run = bills.send(configuration, bill)

    assert run.status == "INVOICE_ALREADY_PAID"
    assert next(iter(books.invoices.values()))["TotalAmt"] == 10


@pytest.mark.parametrize("way", ["deleted", "voided"])
def test_an_invoice_that_was_taken_away_is_made_anew(books, configuration, account, way):
    bill = bills.make_bill(account, ["10"])
    first = bills.send(configuration, bill)
    if way == "deleted":
        del books.invoices[first.external_id]
    else:
        row = books.invoices[first.external_id]
        row.update(PrivateNote=f"Voided - {row['PrivateNote']}", TotalAmt=0, Balance=0)

    second = bills.send(configuration, bill)

    assert second.status == "COMPLETE"
    assert second.external_id != first.external_id


def test_closed_books_end_the_run_as_closed(books, configuration, account):
    books.closed_until = "2026-12-31"

    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    assert (run.status, books.invoices) == ("ACCOUNTING_PERIOD_CLOSED", {})


def test_what_quickbooks_refuses_is_told_in_its_words(books, configuration, account):
    change(configuration, itemId="99")

    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    assert run.status == "ERROR"
    assert run.error == "QuickBooks sandbox answered 400: Invalid Reference Id: ItemRef"


def test_a_refused_token_disables_the_integration_at_once(books, configuration, account):
    books.token = "another"

    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    configuration.refresh_from_db()
    assert (run.status, configuration.is_enabled) == ("AUTH_FAILED", False)


def test_stale_throttled_and_broken_calls_are_tried_again(books, configuration, account):
    books.fail = [None, failing("5010"), failing("003001", 429), None, Answered(503, b"{}")]
    run = bills.send(configuration, bills.make_bill(account, ["1"]))
    assert (run.status, run.attempts_made) == ("AWAITING_RETRY", 1)
    bills.perform(run)
    assert (run.status, run.attempts_made) == ("RATE_LIMIT_RETRY", 1)
    bills.perform(run)
    assert (run.status, run.attempts_made) == ("AWAITING_RETRY", 2)

    assert bills.perform(run).status == "COMPLETE"
    assert len(books.invoices) == 1
    kept = RunLogEntry.objects.values_list("text", flat=True)
    assert not [text for text in kept if TOKEN in text]


def test_an_account_without_an_address_cannot_be_mailed_to(books, configuration, account):
    change(configuration, itemId="1", emailStatus="NeedToSend")

    run = bills.send(configuration, bills.make_bill(account, ["1"]))

    assert (run.status, books.asked) == ("ERROR", [])
    assert "no e-mail address" in run.error


def test_records_and_settings_can_be_chosen_from(books, configuration, organization):
    def names(table):
        rows = values.records(
            organization.pk, destination="QUICKBOOKS_SANDBOX", table=table, credential=None
        )
        return [(row.identity, row.name) for row in rows]

    assert names("Customer") == [("58", "Acme")]
    assert names("Item") == [("1", "Usage"), ("7", "Tokens")]
    terms = values.choices(organization.pk, "QUICKBOOKS_SANDBOX", "termId")
    assert [(row.identity, row.name) for row in terms] == [("3", "Net 30")]


def test_the_company_that_was_connected_is_part_of_the_address():
    assert registry.find("QUICKBOOKS").base(SECRETS) == (
        f"https://quickbooks.api.intuit.com/v3/company/{COMPANY}"
    )
    assert registry.find("quickbooks-sandbox").base(SECRETS) == (
        f"https://sandbox-quickbooks.api.intuit.com/v3/company/{COMPANY}"
    )
