"""Bills as CSV over the API: which bills, which columns, what is refused (E2)."""

import csv
import io
from decimal import Decimal

import pytest
from django.test import Client

from billing.bills import bill_csv
from billing.models import Bill
from organizations.models import StoredFile
from tests.billing.test_bills_api import customer
from tests.catalog.test_catalogue_api import refused

pytestmark = pytest.mark.django_db

PATH = "bills/download/csv/url"
JUNE = {"startDate": "2024-06-01T00:00:00Z", "endDate": "2024-07-01T00:00:00Z"}


def table(answer):
    assert answer.status == 200, answer
    url = answer.json["downloadUrl"]
    file = Client().get(url[url.index("/files/") :])
    text = b"".join(file.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_a_row_is_a_line_with_its_bill_and_no_text_is_a_formula(api, billed):
    customer(api, name="=1+1")
    customer(api, standing_charge=0)  # a bill without lines has no row
    billed()

    (row,) = table(api.post(PATH, JUNE))

    bill = Bill.objects.get(account_name="=1+1")
    assert list(row)[:15] == list(bill_csv.BILL_COLUMNS)
    assert (row["billId"], row["accountName"], row["billTotal"]) == (str(bill.pk), "'=1+1", "20")
    assert (row["startDate"], row["endDate"], row["status"], row["locked"]) == (
        "2024-06-01", "2024-07-01", "PENDING", "false",
    )  # fmt: skip
    assert (row["lineItemType"], row["subtotal"], row["lineItemCurrency"]) == (
        "STANDING_CHARGE", "20", "USD",
    )  # fmt: skip


def test_for_xero_quantity_times_price_is_the_amount(api, billed):
    address = {"addressLine1": "1 Main Street", "locality": "Springfield", "postCode": "12345"}
    customer(api, address=address)
    billed()

    (row,) = table(api.post(PATH, {**JUNE, "externalSystem": "XERO"}))

    assert tuple(row) == bill_csv.XERO_COLUMNS
    assert (row["POAddressLine1"], row["POCity"], row["POPostalCode"]) == (
        "1 Main Street", "Springfield", "12345",
    )  # fmt: skip
    assert (row["InvoiceDate"], row["DueDate"], row["Currency"]) == (
        "2024-07-01", "2024-07-31", "USD",
    )  # fmt: skip
    assert Decimal(row["Quantity"]) * Decimal(row["UnitAmount"]) == 20


def test_bills_are_found_by_period_or_by_invoice_date(api, billed):
    customer(api)
    billed()
    july = {"startDate": "2024-06-02", "endDate": "2024-07-02"}
    invoiced = {"externalInvoiceDateStart": "2024-07-01", "externalInvoiceDateEnd": "2024-07-02"}

    assert table(api.post(PATH, july)) == []
    assert len(table(api.post(PATH, invoiced))) == 1
    before = {"externalInvoiceDateStart": "2024-06-01", "externalInvoiceDateEnd": "2024-07-01"}
    assert table(api.post(PATH, before)) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "startDate"),
        ({"startDate": "2024-06-01"}, "endDate"),
        ({**JUNE, "externalInvoiceDateStart": "2024-06-01"}, "externalInvoiceDateStart"),
        ({"startDate": "2024-06-01", "externalInvoiceDateEnd": "2024-07-01"},
         "externalInvoiceDateEnd"),
        ({"startDate": "2024-06-01", "endDate": "2024-07-03"}, "endDate"),
        ({"startDate": "2024-06-01", "endDate": "2024-06-01"}, "endDate"),
        ({**JUNE, "externalSystem": "SAP"}, "externalSystem"),
    ],
)  # fmt: skip
def test_what_is_not_one_pair_of_at_most_31_days_is_refused(api, body, field):
    refused(api.post(PATH, body), field)

    assert not StoredFile.objects.exists()


def test_more_bills_than_a_file_holds_are_refused(api, billed, monkeypatch):
    customer(api)
    customer(api)
    billed()
    monkeypatch.setattr(bill_csv, "MOST_BILLS", 1)

    answer = api.post(PATH, JUNE)

    assert answer.status == 400
    assert "2 bills" in answer.json["message"]
    assert not StoredFile.objects.exists()
