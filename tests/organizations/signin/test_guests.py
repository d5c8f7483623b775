"""Support users and operators in the console: each request of theirs is audited (A7.4)."""

from datetime import timedelta

import pytest
import time_machine

from organizations import support
from organizations.kernel import clock, principals
from organizations.kernel.errors import FieldRefused
from organizations.kernel.periods import parse_timezone
from organizations.models import (
    AuditEntry,
    OrganizationConfig,
    PermissionPolicy,
    SupportAccess,
    User,
)
from tests.organizations.people_made import READ_METERS, attach, make_member
from tests.organizations.signin.browsers import log_in, logged_in, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def helper():
    """A support user who is a member of nothing."""
    return User.objects.create_user("help@example.com", "a-long-password", is_support=True)


def requests_of(person):
    """Return what the trail says the person asked for as a guest."""
    entries = AuditEntry.objects.filter(principal_id=person.pk, resource="config:support")
    return [(entry.action, entry.difference["request"][1]) for entry in entries.order_by("id")]


def grant(organization, ends_at):
    """Let support users in until then."""
    return support.grant(
        organization.pk, ends_at=ends_at, statements=[READ_METERS], version=None,
        by=principals.system(organization.pk),
    )  # fmt: skip


def test_a_support_user_works_until_midnight_of_the_organization_and_each_request_is_told(
    organization, helper
):
    OrganizationConfig.objects.filter(organization=organization).update(timezone="Asia/Tokyo")
    zone = parse_timezone("Asia/Tokyo")
    now = clock.now()
    midnight = (now.astimezone(zone) + timedelta(days=1)).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    assert place_of_refusal(helper)
    with pytest.raises(FieldRefused):
        grant(organization, midnight - timedelta(seconds=1))
    grant(organization, midnight)

    with time_machine.travel(midnight - timedelta(minutes=5), tick=False) as moved:
        browser = logged_in(helper)
        meters = browser.get("/admin/catalog/meter/")
        products = browser.get("/admin/catalog/product/")
        moved.shift(timedelta(minutes=5))
        after = browser.get("/admin/catalog/meter/")

    assert (meters.status_code, products.status_code) == (200, 403)
    assert place(after) == "/admin/login/"
    assert requests_of(helper) == [
        ("support request", "GET /admin/catalog/meter/"),
        ("support request", "GET /admin/catalog/product/"),
    ]


def place_of_refusal(person):
    """Return whether the login refuses somebody without any organization."""
    answer = log_in(person.email)
    return answer.status_code == 200 and "Your access has ended" in answer.content.decode()


def test_a_member_who_is_a_support_user_too_is_no_guest(organization):
    member = make_member(organization, is_support=True)
    SupportAccess.objects.create(
        id=organization.pk, organization=organization, ends_at=clock.now() + timedelta(hours=1)
    )

    logged_in(member.user).get("/admin/")

    assert requests_of(member.user) == []


def test_an_operator_who_is_a_member_is_told_of_unless_policies_allow_everything(organization):
    operator = make_member(organization, is_superuser=True)
    browser = logged_in(operator.user)

    browser.get("/admin/catalog/product/")
    told = requests_of(operator.user)
    administrator = PermissionPolicy.objects.get(organization=organization, name="Administrator")
    attach(administrator, operator)
    browser.get("/admin/catalog/meter/")

    assert told == [("operator request", "GET /admin/catalog/product/")]
    assert requests_of(operator.user) == told


def test_what_an_operator_asks_for_is_told_too(organization):
    operator = User.objects.create_superuser("operator@example.com", "a-long-password")

    logged_in(operator).get("/admin/catalog/product/?q=x")

    assert requests_of(operator) == [("operator request", "GET /admin/catalog/product/")]
