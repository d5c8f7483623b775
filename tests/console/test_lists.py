"""Lists: search, filters, CSV, pages, and a number of queries that does not grow."""

import csv
import io
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.models import Account, BillConfig, BillJob
from catalog.models import Aggregation, Counter, Plan, PlanGroup, Pricing, Product
from organizations.models import (
    AuditEntry,
    CustomFieldDefaults,
    Organization,
    OrganizationConfig,
    SignInSettings,
    StoredFile,
    SupportAccess,
    User,
)
from tests import factories
from tests.console.inhabited import inhabit, make_bill

PAGES = sorted(admin.site._registry, key=lambda model: model._meta.label)
# One row each, so there is no list.
SINGLE = {
    BillConfig,
    Organization,
    OrganizationConfig,
    CustomFieldDefaults,
    SignInSettings,
    SupportAccess,
}
# Sessions, person, organizations, statements, count, rows; no page needs many more.
MOST_QUERIES = 14
# The audit trail looks up the names of each kind of row that its entries are about.
MORE_QUERIES = {AuditEntry: 18}


def names_of(answer):
    """Return the names of the listed rows, in their order."""
    return [row.name for row in answer.context["cl"].result_list]


def csv_of(answer):
    """Return the rows of a CSV answer."""
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_rows_are_found_by_part_of_the_name_by_code_and_by_id(console, founded):
    vectors = factories.make_product(founded.organization, name="Vectors", code="vx-1")
    factories.make_product(founded.organization, name="Images", code="im-1")

    for wanted in ("ector", "VX-1", str(vectors.pk), f" {str(vectors.pk).upper()} "):
        assert names_of(console.get(Product, q=wanted)) == ["Vectors"], wanted
    assert names_of(console.get(Product, q=str(founded.organization.pk))) == []


def test_the_newest_row_comes_first(console, founded):
    for name in ("First", "Second", "Third"):
        factories.make_product(founded.organization, name=name)

    assert names_of(console.get(Product)) == ["Third", "Second", "First"]


def test_the_csv_holds_the_visible_list_with_its_filters(console, founded):
    factories.make_product(founded.organization, name="Vectors", code="vectors")
    factories.make_product(founded.organization, name="Images", code="images")

    answer = console.get(Product, q="images", export="csv")

    rows = csv_of(answer)
    product = Product.objects.get(code="images")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert rows[0] == ["id", "Name", "Code", "Meters", "Plan templates", "Modified at"]
    assert [row[:5] for row in rows[1:]] == [[str(product.pk), "Images", "images", "0", "0"]]


def test_a_name_that_looks_like_a_formula_is_text_in_the_csv(console, founded):
    factories.make_product(founded.organization, name='=HYPERLINK("http://x")', code="vectors")

    rows = csv_of(console.get(Product, export="csv"))

    assert rows[1][1] == '\'=HYPERLINK("http://x")'


def test_the_csv_needs_the_same_permission_as_the_list(founded):
    from tests.console.clients import Console, make_person

    assert Console(make_person(founded, None)).get(Product, export="csv").status_code == 403


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_every_list_with_rows_becomes_a_csv(console, founded, model):
    inhabit(founded)

    answer = console.get(model, export="csv")

    if model in SINGLE:
        assert answer.status_code == 302
        return
    assert len(csv_of(answer)) >= 2


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_a_page_needs_as_many_queries_with_thirty_rows_as_with_one(console, founded, model):
    rows = inhabit(founded)
    console.get(model)
    with CaptureQueriesContext(connection) as few:
        console.get(model)

    multiply(rows, model, 30)
    with CaptureQueriesContext(connection) as many:
        console.get(model)

    assert len(many) == len(few)
    assert len(few) <= MORE_QUERIES.get(model, MOST_QUERIES)


def make_different(row, number):
    """Change what is unique among rows of this kind: what they refer to, or their day."""
    kind = type(row).__name__
    if kind == "CounterAdjustment":
        row.date += timedelta(days=1)
    if kind == "CounterPricing":
        row.counter = Counter.objects.create(
            organization=row.organization, name=f"Seats {number}", unit="seats"
        )
    if kind == "PlanGroupLink":
        row.plan_group = PlanGroup.objects.create(
            organization=row.organization, name=f"Suite {number}", currency="USD"
        )
    if kind == "MeasurementUpload":
        file = StoredFile.objects.get(pk=row.file_id)
        file.pk, file._state.adding = uuid4(), True
        file.path = f"{file.path}-{number}"
        file.save(force_insert=True)
        row.file = file
    if kind == "LateUsage":
        row.number += 1
    if kind == "LateUsageRule":
        row.product = factories.make_product(row.organization, name=f"Product {number}")
    if kind == "ExternalMapping":
        row.external_id = f"cus_{number}"
    if kind == "IntegrationConfiguration":
        row.entity_id = uuid4()


def multiply(rows, model, times):
    """Copy the row of a model, with fresh values where they must differ."""
    import uuid

    from django.db import models as fields

    if model in SINGLE:
        return
    row = rows[model]
    for number in range(times):
        row.pk = None if isinstance(model._meta.pk, fields.BigAutoField) else uuid.uuid4()
        row._state.adding = True
        for name in ("code", "name"):
            if hasattr(row, name):
                setattr(row, name, f"X{number}")
        if hasattr(row, "start_date") and model in (Pricing,):
            row.aggregation = factories.make_aggregation(rows[Aggregation].meter)
        if model.__name__ == "AccountPlan":
            row.account, row.code = factories.make_account(row.organization), None
        if model.__name__ == "Membership":
            row.user = User.objects.create_user(f"p{number}@example.com")
        if model.__name__ == "Bill":
            make_bill(factories.make_account(row.organization))
            continue
        make_different(row, number)
        if hasattr(row, "event_id"):
            row.event_id = uuid.uuid4()
        row.save(force_insert=True)


def test_pages_are_fifty_rows(console, founded):
    factories.make_product(founded.organization)
    Account.objects.bulk_create(
        Account(
            organization=founded.organization, name=f"A{n}", code=f"a{n}", email_address="a@b.cd"
        )
        for n in range(60)
    )

    assert len(names_of(console.get(Account))) == 50
    assert len(names_of(console.get(Account, p=2))) == 10


def test_an_empty_list_says_what_to_do_next_and_an_empty_search_what_not(console, founded):
    empty = console.text(console.get(Plan))
    searched = console.text(console.get(Plan, q="nothing"))

    assert "A plan is a priced version of a plan template" in empty
    assert "Nothing matches" in searched


def test_filters_offer_names_and_narrow(console, founded):
    product = factories.make_product(founded.organization, name="Vectors")
    factories.make_plan_template(product, name="Of vectors")
    other = factories.make_plan_template(factories.make_product(founded.organization))

    answer = console.get(type(other), product__id__exact=str(product.pk))

    assert names_of(answer) == ["Of vectors"]


def test_a_range_of_days_holds_its_last_day_wholly(console, founded):
    late = datetime(2026, 6, 15, 23, 59, tzinfo=UTC)
    job = BillJob.objects.create(organization=founded.organization)
    BillJob.objects.filter(pk=job.pk).update(created_at=late)

    def found(model, **query):
        return len(console.get(model, **query).context["cl"].result_list)

    assert found(BillJob, created_at_from="2026-06-15", created_at_to="2026-06-15") == 1
    assert found(BillJob, created_at_from="2026-06-16") == 0
    assert found(BillJob, created_at_to="2026-06-14") == 0


def test_the_audit_trail_of_a_row_is_one_click_away(console, founded):
    console.post(Product, "add", name="Vectors", code="vectors", custom_fields="[]")
    product = Product.objects.get()

    page = console.get(Product, "change", product)
    history = console.client.get(page.context["history_url"])

    entries = history.context["cl"].result_list
    assert [(entry.entity_id, entry.action) for entry in entries] == [(product.pk, "created")]
    detail = console.text(console.get(AuditEntry, "change", entries[0]))
    assert "vectors" in detail


def test_the_audit_trail_narrows_by_action_and_by_who(console, founded):
    console.post(Product, "add", name="Vectors", code="vectors", custom_fields="[]")

    def resources(**query):
        rows = console.get(AuditEntry, **query).context["cl"].result_list
        return {entry.resource for entry in rows}

    assert resources(who="USER", action="created") == {"config:product"}
    assert resources(who="USER", action="deleted") == set()
    assert "config:currency" in resources(who="SYSTEM")


def test_a_search_everywhere_without_hits_says_so(console, founded):
    factories.make_product(founded.organization, name="Vectors")

    found = console.text(console.client.get(reverse("admin:search"), {"s": "ector", "extended": 1}))
    nothing = console.text(console.client.get(reverse("admin:search"), {"s": "xyz", "extended": 1}))

    assert "Vectors" in found
    assert 'id="command-results-list"' in nothing
    assert "Nothing is called that." in nothing


def test_the_keyboard_may_pass_the_navigation_by(console):
    page = console.text(console.get(Product))

    assert page.index('href="#content"') < page.index('id="nav-sidebar')
    assert 'id="content"' in page
