"""What is kept of a service user's policies holds until one changes, and not a moment longer."""

import pytest
from django.db import connection, transaction

from organizations import access, attachments, standings
from organizations.kernel import changes, principals
from organizations.models import PermissionPolicy, PrincipalType
from tests import factories

OTHER = [{"effect": "deny", "action": ["config:delete"], "resource": ["config:meter"]}]

pytestmark = pytest.mark.django_db(transaction=True)
READ = ("config:retrieve", "config:meter")
DENY = [{"effect": "deny", "action": ["config:retrieve"], "resource": ["config:meter"]}]


@pytest.fixture
def founded():
    standings._known.clear()
    return factories.make_founded()


@pytest.fixture
def robot(founded):
    """The administrator's service user, as a principal, and the system that changes policies."""
    user = founded.service_user
    return principals.Principal(user.pk, "SERVICE_USER", founded.organization.pk)


@pytest.fixture
def denial(founded):
    by = principals.system(founded.organization.pk)
    policy = PermissionPolicy(organization=founded.organization, name="No meters", statements=DENY)
    return changes.create(policy, by=by), by


def may_read(robot):
    return access.allowed(robot, *READ)


def test_nothing_but_the_revision_is_read_again(robot, django_assert_num_queries):
    first = standings.standing(robot)

    with django_assert_num_queries(1) as asked:
        again = standings.standing(robot)

    assert again is first
    assert "catalog_revision" in asked.captured_queries[0]["sql"]


def test_a_policy_counts_at_once_and_until_it_is_taken_away(robot, denial):
    policy, by = denial
    told = [may_read(robot)]

    attachments.attach(policy, PrincipalType.SERVICEUSER, robot.id, by=by)
    told.append(may_read(robot))
    with changes.editing(policy, by=by) as edited:
        edited.statements = OTHER
    told.append(may_read(robot))
    with changes.editing(policy, by=by) as edited:
        edited.statements = DENY
    told.append(may_read(robot))
    attachments.detach(policy, PrincipalType.SERVICEUSER, robot.id, by=by)
    told.append(may_read(robot))

    assert told == [True, False, True, False, True]


def test_what_is_rolled_back_leaves_nothing_behind(robot, denial):
    policy, by = denial
    assert may_read(robot)

    with transaction.atomic():
        attachments.attach(policy, PrincipalType.SERVICEUSER, robot.id, by=by)
        assert not may_read(robot)
        transaction.set_rollback(True)

    assert not connection.in_atomic_block
    assert may_read(robot)


def test_people_are_asked_for_each_time(founded, django_assert_num_queries):
    person = principals.Principal(founded.admin.pk, "USER", founded.organization.pk)
    standings.standing(person)

    with django_assert_num_queries(1) as asked:
        standings.standing(person)

    assert "catalog_revision" not in asked.captured_queries[0]["sql"]
