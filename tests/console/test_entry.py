"""Who is let into the console, and into which organization."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from catalog.models import Product
from organizations.kernel import changes, principals
from organizations.models import Membership, OrganizationStatus, User
from tests import factories
from tests.console.clients import Console, make_person

LOGIN = "/admin/login/"


def log_in(email, password, client=None):
    """Send the login form."""
    return (client or Client()).post(LOGIN, {"username": email, "password": password})


def test_the_front_door_leads_to_the_console(client):
    response = client.get("/")

    assert (response.status_code, response["Location"]) == (302, "/admin/")


def test_people_log_in_with_their_e_mail_whatever_its_case(founded):
    response = log_in(founded.admin.email.upper(), "a-long-secret")

    assert (response.status_code, response["Location"]) == (302, "/admin/")


def test_a_wrong_password_is_refused_and_after_ten_of_them_the_right_one_too(founded):
    cache.clear()
    for _attempt in range(10):
        assert log_in(founded.admin.email, "wrong").status_code == 200

    response = log_in(founded.admin.email, "a-long-secret")

    assert "Too many failed attempts" in response.content.decode()
    assert log_in("somebody@else.example", "wrong").status_code == 200
    cache.clear()


def test_somebody_whose_access_has_ended_cannot_log_in(founded):
    person = make_person(founded, "Administrator")
    Membership.objects.filter(user=person).update(access_ends_at=datetime.now(UTC))

    response = log_in(person.email, "a-long-secret")

    assert "Your access has ended" in response.content.decode()


def test_an_open_login_ends_at_the_next_request_after_the_end_of_access(founded):
    person = make_person(founded, "Administrator")
    console = Console(person)
    assert console.get(Product).status_code == 200

    Membership.objects.filter(user=person).update(
        access_ends_at=datetime.now(UTC) - timedelta(seconds=1)
    )

    response = console.get(Product)
    assert (response.status_code, response["Location"]) == (302, LOGIN)
    assert "_auth_user_id" not in console.client.session


def test_an_end_of_access_in_the_future_changes_nothing_yet(founded):
    person = make_person(founded, "Administrator")
    later = datetime.now(UTC) + timedelta(minutes=5)
    Membership.objects.filter(user=person).update(access_ends_at=later)

    assert Console(person).get(Product).status_code == 200


def test_a_temporary_password_has_to_be_replaced_before_anything_else(founded):
    person = make_person(founded, "Administrator", must_change_password=True)
    console = Console(person)
    change = reverse("admin:password_change")

    assert console.get(Product)["Location"] == change
    console.client.post(
        change,
        {
            "old_password": "a-long-secret",
            "new_password1": "an-own-secret-1",
            "new_password2": "an-own-secret-1",
        },
    )

    assert console.get(Product).status_code == 200
    person.refresh_from_db()
    assert (person.must_change_password, person.check_password("an-own-secret-1")) == (False, True)


def test_an_outdated_temporary_password_does_not_open_the_door(founded):
    ended = datetime.now(UTC) - timedelta(days=1)
    person = make_person(
        founded, "Administrator", must_change_password=True, temporary_password_expires_at=ended
    )

    response = log_in(person.email, "a-long-secret")

    assert "temporary password has expired" in response.content.decode()


@pytest.fixture
def two(founded):
    """A person in two organizations that have one product each."""
    other = factories.make_founded(admin_email=founded.admin.email)
    factories.make_product(founded.organization, name="Product of the first")
    factories.make_product(other.organization, name="Product of the second")
    return founded.organization, other.organization


def test_a_member_of_two_organizations_sees_one_and_switches_to_the_other(founded, two):
    console = Console(founded.admin)
    other = two[1]

    before = console.text(console.get(Product))
    console.client.post(reverse("admin:switch_organization", args=[other.pk]))
    after = console.text(console.get(Product))

    assert ("Product of the first" in before, "Product of the second" in before) == (True, False)
    assert ("Product of the first" in after, "Product of the second" in after) == (False, True)


def test_nobody_switches_to_an_organization_that_is_not_theirs(founded):
    stranger = factories.make_founded()
    factories.make_product(stranger.organization, name="Product of a stranger")
    console = Console(founded.admin)

    console.client.post(reverse("admin:switch_organization", args=[stranger.organization.pk]))

    assert "Product of a stranger" not in console.text(console.get(Product))
    assert console.client.session.get("organization") is None


def test_switching_by_a_link_is_refused(founded, two):
    response = Console(founded.admin).client.get(
        reverse("admin:switch_organization", args=[two[1].pk])
    )

    assert response.status_code == 405


def test_an_operator_sees_every_active_organization(founded):
    archived = factories.make_founded().organization
    archived.status = OrganizationStatus.ARCHIVED
    archived.save()
    operator = User.objects.create_superuser("operator@example.com", "a-long-secret")

    response = Console(operator).get(Product)

    names = {organization.name for organization in response.wsgi_request.organizations}
    assert founded.organization.name in names
    assert archived.name not in names


def test_what_a_person_does_is_told_to_the_audit_trail_with_name_and_address(console, founded):
    from organizations.models import AuditEntry

    console.post(Product, "add", name="Vectors", code="vectors", custom_fields="[]")

    product = Product.objects.get(code="vectors")
    entry = AuditEntry.objects.get(entity_id=product.pk)
    assert (entry.principal_id, entry.principal_kind) == (founded.admin.pk, "USER")
    assert (entry.source_address, entry.action) == ("127.0.0.1", "created")
    assert len(entry.request_id) == 32
    assert product.created_by == founded.admin.pk


def test_a_service_users_changes_show_its_name(console, founded):
    from organizations.models import AuditEntry

    product = Product(organization=founded.organization, name="Images", code="images")
    changes.create(product, by=principals.Principal(
        founded.service_user.pk, "SERVICE_USER", founded.organization.pk
    ))  # fmt: skip

    page = console.text(console.get(AuditEntry, q=str(product.pk)))

    assert founded.service_user.name in page


def test_a_form_of_one_organization_saves_nothing_in_another(founded, two):
    ours, theirs = two
    console = Console(founded.admin)
    assert f'data-organization="{ours.pk}"' in console.text(console.get(Product))
    console.client.post(reverse("admin:switch_organization", args=[theirs.pk]))

    answer = console.post(
        Product, "add", name="Meant for the first", code="x", custom_fields="[]",
        _organization=str(ours.pk),
    )  # fmt: skip
    right = console.post(
        Product, "add", name="Meant for the second", code="y", custom_fields="[]",
        _organization=str(theirs.pk),
    )  # fmt: skip
    back = console.client.post(
        reverse("admin:switch_organization", args=[ours.pk]), {"_organization": str(theirs.pk)}
    )

    assert (answer.status_code, right.status_code, back.status_code) == (409, 302, 302)
    left = console.client.post(reverse("admin:logout"), {"_organization": str(theirs.pk)})
    assert left.status_code == 200 and "_auth_user_id" not in console.client.session
    assert ours.name in console.text(answer)
    assert not Product.objects.filter(name="Meant for the first").exists()
    assert Product.objects.get(name="Meant for the second").organization == theirs
