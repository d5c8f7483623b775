"""Two changes at once of what one principal is granted: neither misses the other."""

import threading
from contextvars import copy_context

import pytest
from django.db import connection, transaction
from guardian.models import GroupObjectPermission

from organizations import access, attachments
from organizations.kernel.principals import Principal
from organizations.models import PrincipalType
from tests.organizations.people_made import system
from tests.organizations.test_grants import READ, allow, make_policy, make_robot

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_policies_that_grant_the_same_are_detached_at_once_and_nothing_is_left(organization):
    robot, principal = make_robot(organization)
    by = system(organization)
    first, second = (make_policy(organization, allow("config:product")) for _ in range(2))
    for policy in (first, second):
        attachments.attach(policy, PrincipalType.SERVICEUSER, robot.pk, by=by)
    detached, waiting = threading.Event(), threading.Event()
    raised = []

    def detach_second():
        try:
            detached.wait(timeout=10)
            waiting.set()
            attachments.detach(second, PrincipalType.SERVICEUSER, robot.pk, by=by)
        except Exception as error:
            raised.append(error)
        finally:
            connection.close()

    # The scope of the test goes along into the thread.
    thread = threading.Thread(target=copy_context().run, args=(detach_second,))
    thread.start()
    with transaction.atomic():
        attachments.detach(first, PrincipalType.SERVICEUSER, robot.pk, by=by)
        detached.set()
        assert waiting.wait(timeout=10)
        thread.join(timeout=0.5)  # it waits for the hidden group until this commits
        was_waiting = thread.is_alive()
    thread.join(timeout=10)

    left = GroupObjectPermission.objects.filter(group__name__endswith=str(robot.pk))
    assert (was_waiting, raised, left.count()) == (True, [], 0)
    assert not access.allowed(Principal(principal.id, "SERVICE_USER", organization.pk), READ,
                              "config:product")  # fmt: skip
