"""What a person may see and do follows from their policies, on every page."""

import pytest
from django.contrib import admin
from django.urls import reverse

from billing.models import Bill
from catalog.models import Meter, Plan, Product
from organizations import grants
from organizations.models import PermissionPolicy
from tests import factories
from tests.console.clients import Console, address, attach, make_person
from tests.console.inhabited import inhabit

PAGES = sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.fixture
def rows(founded):
    """One row a page."""
    return inhabit(founded)


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_without_any_policy_every_page_is_refused(founded, rows, model):
    console = Console(make_person(founded, None))

    assert console.get(model).status_code == 403
    assert console.get(model, "change", rows[model]).status_code == 403


def test_without_any_policy_the_navigation_is_empty_and_the_dashboard_still_opens(founded, rows):
    console = Console(make_person(founded, None))

    answer = console.client.get(reverse("admin:index"))

    assert answer.status_code == 200
    titles = [
        item["title"] for group in answer.context["sidebar_navigation"] for item in group["items"]
    ]
    assert titles == ["Dashboard"]
    assert answer.context["figures"] == []


def test_somebody_who_may_only_read_sees_products_and_cannot_save_one(founded, rows):
    console = Console(make_person(founded, "ReadOnly"))
    product = rows[Product]

    assert console.get(Product, "change", product).status_code == 200
    assert console.get(Product, "add").status_code == 403
    assert console.post(Product, "change", product, name="New", code="new").status_code == 403
    assert console.post(Product, "delete", product, post="yes").status_code == 403
    product.refresh_from_db()
    assert (product.name, product.version) == ("Zanzibar product", 1)


def test_somebody_who_may_only_read_cannot_approve_a_bill(founded, rows):
    console = Console(make_person(founded, "ReadOnly"))
    bill = rows[Bill]

    page = console.text(console.get(Bill, "change", bill))
    button = console.post(Bill, "change", bill, do="approve")
    console.client.post(
        address(Bill, "changelist"),
        {"action": "approve_selected", "confirmed": "yes", "_selected_action": [bill.pk]},
    )

    assert 'value="approve"' not in page
    assert button.status_code == 403
    bill.refresh_from_db()
    assert bill.status == "PENDING"


def test_a_biller_may_approve_bills_and_sees_nothing_of_the_catalogue(founded, rows):
    console = Console(make_person(founded, "Billing operations"))
    bill = rows[Bill]

    console.post(Bill, "change", bill, do="approve")

    bill.refresh_from_db()
    assert bill.status == "APPROVED"
    assert console.get(Product).status_code == 403
    answer = console.client.get(reverse("admin:index"))
    titles = [
        item["title"] for group in answer.context["sidebar_navigation"] for item in group["items"]
    ]
    assert titles == [
        "Dashboard", "Accounts", "Bills", "Month end", "Bill jobs", "Rehearsals", "Statements",
        "Late usage", "Late usage rules", "Lock date",
    ]  # fmt: skip


def test_a_deny_on_meters_beats_administrator_and_nothing_else_is_lost(founded, rows):
    person = make_person(founded, "Administrator")
    policy = PermissionPolicy.objects.create(
        organization=founded.organization,
        name="No meters",
        statements=[{"effect": "deny", "action": ["config:*"], "resource": ["config:meter/*"]}],
    )
    attach(founded, person, policy)
    console = Console(person)

    assert console.get(Meter).status_code == 403
    assert console.get(Meter, "change", rows[Meter]).status_code == 403
    assert console.get(Product).status_code == 200
    assert console.get(Plan, "change", rows[Plan]).status_code == 200


def test_a_deny_on_one_plan_closes_that_plan_only(founded, rows):
    person = make_person(founded, "Administrator")
    other = factories.make_plan(rows[Plan].plan_template, name="Other")
    policy = PermissionPolicy.objects.create(
        organization=founded.organization,
        name="Not this plan",
        statements=[
            {
                "effect": "deny",
                "action": ["config:retrieve", "config:update"],
                "resource": [f"config:plan/item/{rows[Plan].pk}"],
            }
        ],
    )
    attach(founded, person, policy)
    console = Console(person)

    assert console.get(Plan, "change", rows[Plan]).status_code == 403
    assert console.get(Plan, "change", other).status_code == 200


def test_a_policy_taken_away_counts_at_the_next_request(founded, rows):
    person = make_person(founded, "ReadOnly")
    console = Console(person)
    assert console.get(Product).status_code == 200

    PermissionPolicy.objects.get(
        organization=founded.organization, name="ReadOnly"
    ).attachments.filter(principal_id=person.pk).delete()
    grants.rederive(founded.organization.pk)

    assert console.get(Product).status_code == 403


def test_what_reads_in_the_console_reads_over_the_api_and_the_reverse(founded, rows):
    from organizations import access
    from organizations.kernel.principals import Principal

    for policy in ("Administrator", "ReadOnly", "Billing operations", "Ingest only", None):
        person = make_person(founded, policy)
        principal = Principal(person.pk, "USER", founded.organization.pk)
        console = Console(person)
        for model in (Product, Meter, Plan, Bill):
            resource = admin.site._registry[model].resource_name()
            decided = access.allowed(principal, "config:retrieve", resource)
            status = console.get(model).status_code
            assert (status == 200) == decided, (policy, model)
