"""Operators found, archive and activate organizations in the console; nobody else (A1.4, A1.5)."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from catalog.models import Product
from organizations import tokens
from organizations.kernel import ids
from organizations.models import (
    AccessKey,
    AuditEntry,
    Membership,
    Organization,
    OrganizationStatus,
    User,
)
from organizations.signin import sessions
from tests import factories
from tests.clients import ApiClient
from tests.console.clients import Console, make_person

pytestmark = pytest.mark.django_db
LIST = "/admin/installation/organizations/"
NEW = f"{LIST}new/"


def place_of(organization):
    """Return the page of one organization."""
    return f"{LIST}{organization.pk}/"


@pytest.fixture
def operator(db):
    """Somebody who runs the installation and belongs to no organization."""
    return Console(User.objects.create_superuser("operator@example.com", "a-long-secret"))


@pytest.fixture
def answers():
    """A filled form of founding."""
    return {
        "id": str(ids.new_id()),
        "name": "Acme & Söhne",
        "type": "SANDBOX",
        "admin_email": "ann@example.com",
    }


def shown_once(response):
    """Return what the page shows once, by name."""
    text = response.content.decode()
    pairs = re.findall(r"<dt[^>]*>(.*?)</dt>\s*<dd[^>]*><code[^>]*>(.*?)</code>", text)
    return dict(pairs)


def test_an_operator_founds_an_organization_and_gets_what_is_shown_once(operator, answers):
    assert operator.client.get(NEW).status_code == 200

    response = operator.client.post(NEW, answers)

    shown = shown_once(response)
    organization = Organization.objects.get(pk=answers["id"])
    admin = User.objects.get(email="ann@example.com")
    assert (organization.name, organization.type) == ("Acme & Söhne", "SANDBOX")
    assert organization.created_by == operator.user.pk
    assert shown["Organization id"] == answers["id"]
    assert admin.check_password(shown["Temporary password"]) and admin.must_change_password
    assert tokens.issue(shown["Access key id"], shown["API secret"])
    assert "no-store" in response["Cache-Control"]


def test_the_trail_of_the_new_organization_begins_with_who_founded_it(operator, answers):
    operator.client.post(NEW, answers)

    entries = AuditEntry.objects.filter(organization_id=answers["id"])
    first = entries.order_by("pk").first()
    assert (first.action, first.difference["organizationName"]) == (
        "created",
        [None, "Acme & Söhne"],
    )
    assert set(entries.values_list("principal_id", flat=True)) == {operator.user.pk}
    assert first.source_address == "127.0.0.1"


def test_a_form_sent_twice_founds_one_organization(operator, answers):
    operator.client.post(NEW, answers)

    again = operator.client.post(NEW, answers)

    assert "This organization was founded already." in again.content.decode()
    assert Organization.objects.filter(name=answers["name"]).count() == 1
    assert AccessKey.objects.filter(organization_id=answers["id"]).count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", " "), ("name", "x" * 201), ("admin_email", "nobody"), ("type", "TOY"), ("id", "7")],
)
def test_wrong_answers_are_named_and_found_nothing(operator, answers, field, value):
    response = operator.client.post(NEW, {**answers, field: value})

    assert field in response.context["form"].errors
    assert Organization.objects.count() == 0


def test_somebody_with_an_account_is_joined_and_keeps_the_password(operator, answers):
    person = User.objects.create_user("Ann@example.com", "first-secret")

    shown = shown_once(operator.client.post(NEW, answers))

    assert "Temporary password" not in shown
    assert Membership.objects.get(user=person).organization_id == ids.parse(answers["id"])
    person.refresh_from_db()
    assert person.check_password("first-secret")


def test_an_archived_organization_answers_403_also_to_tokens_given_before(operator, founded):
    api = ApiClient(founded)
    assert api.get("products").status == 200

    operator.client.post(
        f"{place_of(founded.organization)}archive/", {"_version": 1, "confirmed": "yes"}
    )

    founded.organization.refresh_from_db()
    assert founded.organization.status == OrganizationStatus.ARCHIVED
    assert api.get("products").status == 403
    assert api.get("bills").status == 403
    entry = AuditEntry.objects.filter(organization=founded.organization).latest("pk")
    assert entry.difference["status"] == ["ACTIVE", "ARCHIVED"]
    assert entry.principal_id == operator.user.pk


def test_its_people_cannot_enter_until_it_is_active_again(operator, founded):
    person = make_person(founded, "Administrator")
    place = place_of(founded.organization)

    operator.client.post(f"{place}archive/", {"_version": 1, "confirmed": "yes"})
    shut = Console(person).get(Product)
    operator.client.post(f"{place}activate/", {"_version": 2})

    assert (shut.status_code, shut["Location"]) == (302, "/admin/login/")
    assert Console(person).get(Product).status_code == 200
    assert ApiClient(founded).get("products").status == 200


def test_archiving_without_the_tick_does_nothing(operator, founded):
    place = place_of(founded.organization)
    assert 'name="confirmed"' in operator.client.get(place).content.decode()

    refused = operator.client.post(f"{place}archive/", {"_version": 1}, follow=True)

    assert "Nothing was done" in str(next(iter(refused.context["messages"])))
    founded.organization.refresh_from_db()
    assert founded.organization.status == "ACTIVE"


def test_a_page_that_was_read_before_a_change_changes_nothing(operator, founded):
    place = place_of(founded.organization)
    operator.client.post(f"{place}archive/", {"_version": 1, "confirmed": "yes"}, follow=True)

    for deed, version, words in (
        ("activate", 1, "was changed by somebody else"),
        ("archive", 2, "is archived already"),
    ):
        sent = {"_version": version, "confirmed": "yes"}
        refused = operator.client.post(f"{place}{deed}/", sent, follow=True)
        assert words in str(next(iter(refused.context["messages"])))

    founded.organization.refresh_from_db()
    assert (founded.organization.status, founded.organization.version) == ("ARCHIVED", 2)


def test_the_list_searches_by_name_and_id_and_narrows_by_status(operator, founded):
    other = factories.make_founded(name="Zebra").organization
    operator.client.post(f"{place_of(other)}archive/", {"_version": 1, "confirmed": "yes"})

    def names(**query):
        return [row.name for row in operator.client.get(LIST, query).context["rows"]]

    ours = founded.organization.name
    assert names() == [ours, "Zebra"]
    assert names(q="ebr") == names(q=str(other.pk).upper()) == names(status="ARCHIVED") == ["Zebra"]
    assert names(status="ACTIVE") == [ours]
    assert names(status="TOY") == [ours, "Zebra"]
    assert names(q="%") == []


def test_the_list_counts_people_and_keys_in_a_fixed_number_of_queries(
    operator, founded, django_assert_num_queries
):
    make_person(founded, None)
    row = operator.client.get(LIST).context["rows"][0]
    assert (row.people, row.working_keys) == (2, 1)

    for _ in range(5):
        factories.make_founded()
    with django_assert_num_queries(5):
        assert len(operator.client.get(LIST).context["rows"]) == 6


def test_an_operator_without_any_organization_is_led_to_the_list(operator):
    login = Client().post("/admin/login/", {
        "username": "operator@example.com", "password": "a-long-secret",
    })  # fmt: skip
    dashboard = operator.client.get("/admin/")

    assert (login.status_code, login["Location"]) == (302, "/admin/")
    assert (dashboard.status_code, dashboard["Location"]) == (302, LIST)
    assert "There is no organization yet" in operator.client.get(LIST).content.decode()


def test_the_pages_stand_outside_of_every_organization(operator, founded):
    response = operator.client.get(place_of(founded.organization))

    assert response.wsgi_request.organization is None
    assert reverse("admin:catalog_product_changelist") not in response.content.decode()
    assert not AuditEntry.objects.filter(
        organization=founded.organization, principal_id=operator.user.pk
    ).exists()


def addresses(organization):
    """Yield every address of these pages with the verbs that do something."""
    place = place_of(organization)
    return [("get", LIST), ("get", NEW), ("post", NEW), ("get", place),
            ("post", f"{place}archive/"), ("post", f"{place}activate/")]  # fmt: skip


@pytest.mark.parametrize("role", ["administrator", "support", "through a provider", "nobody"])
def test_nobody_else_comes_in_and_nothing_is_changed(founded, answers, role):
    person = make_person(founded, "Administrator")
    browser = Console(person).client
    if role == "support":
        User.objects.filter(pk=person.pk).update(is_support=True)
    if role == "through a provider":
        User.objects.filter(pk=person.pk).update(is_superuser=True)
        session = browser.session
        mark = {"issuer": "https://login.example.com", "client_id": "x", "key": None}
        now = founded.organization.created_at.timestamp() + 60
        session[sessions.KEY] = {
            **mark,
            "opened_at": now,
            "seen_at": now,
            "key": None,
            "id": str(ids.new_id()),
        }
        session.save()
    if role == "nobody":
        browser = Client()
    before = list(Organization.objects.values())

    found = {
        (verb, path): getattr(browser, verb)(path, answers if verb == "post" else None).status_code
        for verb, path in addresses(founded.organization)
    }

    assert set(found.values()) == ({302} if role == "nobody" else {403})
    assert list(Organization.objects.values()) == before


def test_a_missing_organization_is_a_404_and_a_deed_is_no_link(operator):
    nowhere = f"{LIST}{ids.new_id()}/"

    assert operator.client.get(nowhere).status_code == 404
    assert operator.client.post(f"{nowhere}archive/", {"confirmed": "yes"}).status_code == 404
    assert operator.client.get(f"{nowhere}archive/").status_code == 405
