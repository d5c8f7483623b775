"""The list of bills: its filters, and the CSV of what was chosen (C8.1)."""

import csv
import io
from datetime import date

import pytest
from django.db import connection
from django.urls import reverse

from billing.admin.bill_filters import MonthFilter
from billing.models import Bill, BillJob
from tests import factories
from tests.console.clients import Console, address, make_person
from tests.console.inhabited import make_bill
from tests.console.test_every_page import somebody


@pytest.fixture
def bills(founded):
    """A bill like the others of the console's tests, and one that differs in everything."""
    organization = founded.organization
    job = BillJob.objects.create(organization=organization)
    make_bill(factories.make_account(organization, name="Aurora"))
    other = make_bill(
        factories.make_account(organization, name="Borealis"),
        bill_date=date(2026, 7, 31), status="APPROVED", is_locked=True, currency="EUR",
        billing_frequency="WEEKLY", external_invoice_date=date(2026, 8, 2), bill_job=job,
        total="1234567.500000000000000000",
    )  # fmt: skip
    factories.make_currency(organization, code="EUR")
    return {"other": other, "job": job}


def names(console, **query):
    """Return the accounts of the listed bills."""
    return [row.account_name for row in console.get(Bill, **query).context["cl"].result_list]


def test_bills_are_narrowed_by_everything_a_biller_asks_for(console, bills):
    other = bills["other"]
    queries = [
        {"account__id__exact": other.account_id},
        {"job": bills["job"].pk},
        {"currency": "EUR"},
        {"billing_frequency__exact": "WEEKLY"},
        {"is_locked__exact": "1"},
        {"status__exact": "APPROVED"},
        {"bill_date_from": "2026-07-01", "bill_date_to": "2026-07-31"},
        {"external_invoice_date_from": "2026-08-01"},
    ]

    assert names(console) == ["Borealis", "Aurora"]
    for query in queries:
        assert names(console, **query) == ["Borealis"], query


def test_bills_are_found_by_the_month_their_period_ends_in(console, founded):
    def of(name, first, end, bill_date):
        account = factories.make_account(founded.organization, name=name)
        make_bill(account, start_date=first, end_date=end, bill_date=bill_date)

    of("September", date(2026, 9, 1), date(2026, 10, 1), date(2026, 10, 1))
    of("October", date(2026, 10, 1), date(2026, 11, 1), date(2026, 11, 1))
    of("Across", date(2026, 9, 15), date(2026, 10, 15), date(2026, 10, 15))

    assert names(console, month="2026-10") == ["October", "Across"]


def test_the_filter_of_accounts_searches_and_names_only_what_one_may_see(console, founded):
    only = make_bill(factories.make_account(founded.organization, name="Only"))
    elsewhere = make_bill(factories.make_account(factories.make_organization(), name="Foreign"))

    page = console.text(console.get(Bill, account__id__exact=only.account_id))
    foreign = console.text(console.get(Bill, account__id__exact=elsewhere.account_id))
    offered = console.client.get(
        reverse("admin:autocomplete"),
        {"term": "onl", "app_label": "billing", "model_name": "bill", "field_name": "account"},
    ).json()["results"]

    assert "Only" in page and "Foreign" not in foreign
    assert [one["id"] for one in offered] == [str(only.account_id)]


def test_a_filter_that_means_nothing_finds_nothing(console, bills):
    for query in ({"month": "2026-13"}, {"month": "soon"}, {"job": "none"}):
        assert names(console, **query) == [], query


def test_a_bill_is_found_by_its_account_where_there_is_only_one(console, founded):
    only = make_bill(factories.make_account(founded.organization, name="Only"))
    elsewhere = make_bill(factories.make_account(factories.make_organization()))

    assert names(console, account__id__exact=only.account_id) == ["Only"]
    assert names(console, account__id__exact=elsewhere.account_id) == []


def test_months_are_offered_from_the_coming_one_back_for_a_year(console, founded, time_machine):
    time_machine.move_to("2026-12-15T12:00:00Z")
    console = Console(founded.admin)

    (offered,) = [
        spec.lookup_choices
        for spec in console.get(Bill).context["cl"].filter_specs
        if isinstance(spec, MonthFilter)
    ]

    assert offered[0] == ("2027-01", "January 2027")
    assert offered[1] == ("2026-12", "December 2026")
    assert (len(offered), offered[-1]) == (13, ("2026-01", "January 2026"))


def test_what_bills_are_narrowed_by_has_an_index(db):
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, Bill._meta.db_table).values()
    starts = {tuple(each["columns"][:2]) for each in found if each["index"]}

    for column in (
        "currency", "billing_frequency", "is_locked", "status", "bill_date", "end_date",
        "external_invoice_date",
    ):  # fmt: skip
        assert ("organization_id", column) in starts, column
    assert {"account_id", "bill_job_id"} <= {columns[0] for columns in starts}


def test_chosen_bills_are_downloaded_with_bare_numbers(founded, bills):
    console = Console(make_person(founded, "ReadOnly"))

    answer = console.client.post(
        address(Bill, "changelist"),
        {"action": "download_selected", "_selected_action": [bills["other"].pk]},
    )

    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    other = bills["other"]
    assert row == {
        "id": str(other.pk), "Account": "Borealis", "Account code": other.account_code,
        "Reference": f"INV-{str(other.pk)[-4:]}", "First day": "2026-05-01",
        "Last day": "2026-05-31", "Bill date": "2026-07-31", "Due date": "", "State": "locked",
        "Total": "1234567.5", "Currency": "EUR",
    }  # fmt: skip


def test_the_csv_of_the_list_has_the_same_columns(console, bills):
    answer = console.get(Bill, export="csv", currency="EUR")

    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["Total"], row["Currency"]) == ("1234567.5", "EUR")


def test_bills_one_may_not_read_are_not_downloaded(founded, bills):
    hidden = bills["other"]
    items = [f"billing:bill/item/{hidden.pk}"]
    console, _ = somebody(founded, [
        {"effect": "allow", "action": ["*:retrieve"], "resource": ["*"]},
        {"effect": "deny", "action": ["*:retrieve"], "resource": items},
    ])  # fmt: skip

    answer = console.client.post(
        address(Bill, "changelist"),
        {"action": "download_selected", "_selected_action": [hidden.pk]},
    )

    assert hidden.account_name not in b"".join(answer).decode()
