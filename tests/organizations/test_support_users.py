"""Support users: inside an open window, with its statements, and not a moment longer (A7.4)."""

from datetime import timedelta

import pytest

from organizations import access
from organizations.kernel import changes, clock, principals
from organizations.kernel.console import entry
from organizations.kernel.principals import Principal
from organizations.models import PrincipalType, SupportAccess, User
from tests.factories import make_attachment
from tests.organizations.people_made import READ_METERS, make_policy

pytestmark = pytest.mark.django_db


@pytest.fixture
def helper():
    """A support user who is a member of nothing."""
    return User.objects.create_user("help@example.com", "a-long-password", is_support=True)


def open_window(organization, **until):
    """Let support users in, to read meters."""
    row = SupportAccess(
        id=organization.pk,
        organization=organization,
        ends_at=clock.now() + timedelta(**until),
        statements=[READ_METERS],
    )
    return changes.create(row, by=principals.system(organization.pk))


def may(organization, person, action="config:retrieve", resource="config:meter"):
    """Return whether the person may do something there."""
    principal = Principal(person.pk, "USER", organization.pk)
    return access.allowed(principal, action, resource)


def test_without_a_window_nobody_is_let_in(organization, helper):
    assert entry.organizations_of(helper) == []
    assert not may(organization, helper)


def test_an_open_window_lets_in_with_its_statements(organization, helper):
    open_window(organization, hours=1)

    assert entry.organizations_of(helper) == [organization]
    assert may(organization, helper)
    assert not may(organization, helper, action="config:update")
    assert not may(organization, helper, resource="config:product")


def test_policies_of_support_users_count_while_the_window_is_open(organization, helper):
    make_attachment(make_policy(organization), PrincipalType.SUPPORTUSERS, organization.pk)
    assert not may(organization, helper)

    SupportAccess.objects.create(
        id=organization.pk,
        organization=organization,
        ends_at=clock.now() + timedelta(hours=1),
    )

    assert may(organization, helper)


def test_a_window_that_has_ended_is_shut(organization, helper):
    open_window(organization, seconds=-1)

    assert entry.organizations_of(helper) == []
    assert not may(organization, helper)


def test_a_window_is_for_support_users_only(organization):
    other = User.objects.create_user("other@example.com", "a-long-password")
    open_window(organization, hours=1)

    assert entry.organizations_of(other) == []
    assert not may(organization, other)
