"""People of an organization over the API (A2)."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from organizations import grants, people
from organizations.kernel import clock, ids, principals
from organizations.models import (
    AuditEntry,
    Membership,
    PermissionPolicy,
    PolicyAttachment,
    ResourceGroup,
    ResourceGroupItem,
    TargetType,
    User,
)
from tests.factories import make_founded
from tests.organizations.people_made import READ_METERS, attach, make_member, make_policy

pytestmark = pytest.mark.django_db
ALL = [{"effect": "allow", "action": ["*"], "resource": ["*"]}]
WORLD_END = "2031-05-01T12:00:00.000Z"


def test_a_member_is_listed_under_the_id_of_the_person(api, founded, organization):
    member = make_member(organization, first_name="Ann", last_name="Lee", contact_number="123")

    listed = api.get("users").json["data"]

    assert [row["id"] for row in listed] == [str(member.user_id), str(founded.admin.pk)]
    assert {key: value for key, value in listed[0].items() if not key.startswith("dt")} == {
        "id": str(member.user_id),
        "version": 1,
        "firstName": "Ann",
        "lastName": "Lee",
        "contactNumber": "123",
        "email": member.user.email,
        "organizations": [str(organization.pk)],
        "firstAcceptedTermsAndConditions": None,
        "lastAcceptedTermsAndConditions": None,
        "supportUser": False,
        "permissionPolicy": [],
        "createdBy": None,
        "lastModifiedBy": None,
    }
    assert listed[0]["dtEndAccess"] is None
    assert api.get(f"users/{member.user_id}").json == listed[0]


def test_the_list_is_paged_and_narrowed_by_ids(api, organization):
    first, second = make_member(organization), make_member(organization)

    page = api.get("users", pageSize=1).json
    following = api.get("users", pageSize=1, nextToken=page["nextToken"]).json
    named = api.get("users", ids=f"{first.user_id},{ids.new_id()}").json

    assert [row["id"] for row in page["data"]] == [str(second.user_id)]
    assert [row["id"] for row in following["data"]] == [str(first.user_id)]
    assert [row["id"] for row in named["data"]] == [str(first.user_id)]
    assert [api.get("users", pageSize=size).status for size in (200, 201, 0)] == [200, 400, 400]


def test_a_person_of_another_organization_is_not_there(api):
    theirs = make_founded()

    for path in ("", "/permissions", "/usergroups"):
        assert api.get(f"users/{theirs.admin.pk}{path}").status == 404
    assert api.put(f"users/{theirs.admin.pk}", {"version": 1}).status == 404
    assert api.put(f"users/{theirs.admin.pk}/password/resend").status == 404
    assert api.get(f"users/{ids.new_id()}").status == 404
    assert api.get("users/none").status == 404


def test_a_put_replaces_statements_and_end_and_nothing_else(api, organization):
    member = make_member(organization, first_name="Ann")
    body = {
        "version": 1,
        "permissionPolicy": [READ_METERS],
        "dtEndAccess": WORLD_END,
        "firstName": "Eve",
        "email": "eve@example.com",
    }

    answer = api.put(f"users/{member.user_id}", body)

    assert answer.status == 200
    assert (
        answer.json["version"],
        answer.json["permissionPolicy"],
        answer.json["dtEndAccess"],
    ) == (
        2,
        [READ_METERS],
        WORLD_END,
    )
    assert (answer.json["firstName"], answer.json["email"]) == ("Ann", member.user.email)
    emptied = api.put(f"users/{member.user_id}", {"version": 2}).json
    assert (emptied["version"], emptied["permissionPolicy"], emptied["dtEndAccess"]) == (
        3,
        [],
        None,
    )


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"dtEndAccess": WORLD_END}, 400, "version"),
        ({"version": 2, "dtEndAccess": WORLD_END}, 409, None),
        ({"version": 1, "dtEndAccess": "soon"}, 400, "dtEndAccess"),
        ({"version": 1, "dtEndAccess": 7}, 400, "dtEndAccess"),
        ({"version": 1, "permissionPolicy": "all"}, 400, "permissionPolicy"),
        (
            {"version": 1, "permissionPolicy": [{**READ_METERS, "action": ["config:fly"]}]},
            400,
            "permissionPolicy[0].action[0]",
        ),
        (
            {"version": 1, "permissionPolicy": [{**READ_METERS, "effect": "maybe"}]},
            400,
            "permissionPolicy[0].effect",
        ),
    ],
)
def test_a_refused_put_changes_nothing(api, organization, body, status, field):
    member = make_member(organization)
    audited = AuditEntry.objects.count()

    answer = api.put(f"users/{member.user_id}", body)

    assert answer.status == status
    assert [error["field"] for error in answer.json.get("errors", [])] == ([field] if field else [])
    stored = Membership.objects.get(pk=member.pk)
    assert (stored.version, stored.statements, stored.access_ends_at) == (1, [], None)
    assert AuditEntry.objects.count() == audited


def keep_the_key_without_administrator(founded):
    """Let the key of the tests do everything by another policy."""
    everything = make_policy(founded.organization, "Everything")
    PermissionPolicy.objects.filter(pk=everything.pk).update(statements=ALL)
    PolicyAttachment.objects.filter(principal_id=founded.service_user.pk).update(policy=everything)
    grants.rederive(founded.organization.pk)


def test_the_last_administrator_cannot_be_locked_out(api, founded, organization):
    keep_the_key_without_administrator(founded)
    ended = (clock.now() - timedelta(seconds=1)).isoformat()

    answer = api.put(f"users/{founded.admin.pk}", {"version": 1, "dtEndAccess": ended})

    assert answer.status == 400
    assert "Administrator" in answer.json["message"]
    assert Membership.objects.get(user=founded.admin).access_ends_at is None


def test_the_only_administrator_without_an_end_is_given_none(api, founded, organization):
    """A2.10: neither by a later end, nor by taking the policy from whoever has no end."""
    keep_the_key_without_administrator(founded)
    administrator = PermissionPolicy.objects.get(organization=organization, name="Administrator")
    other = make_member(organization)
    people.set_policies(other, [administrator], by=principals.system(organization.pk))

    first = api.put(f"users/{other.user_id}", {"version": 1, "dtEndAccess": WORLD_END})
    second = api.put(f"users/{founded.admin.pk}", {"version": 1, "dtEndAccess": WORLD_END})
    with pytest.raises(people.LastAdministrator):
        people.set_policies(
            Membership.objects.get(user=founded.admin), [], by=principals.system(organization.pk)
        )

    assert (first.status, second.status) == (200, 400)
    assert [error["field"] for error in second.json["errors"]] == ["dtEndAccess"]
    assert "whose access does not end" in second.json["message"]
    assert Membership.objects.get(user=founded.admin).access_ends_at is None
    # Whoever is no administrator may have an end all the same.
    guest = make_member(organization)
    assert api.put(f"users/{guest.user_id}", {"version": 1, "dtEndAccess": WORLD_END}).status == 200


def test_with_an_administrator_left_a_person_can_be_deactivated_and_reactivated(api, founded):
    ended = "2026-01-01T00:00:00.000Z"

    off = api.put(f"users/{founded.admin.pk}", {"version": 1, "dtEndAccess": ended})
    on = api.put(f"users/{founded.admin.pk}", {"version": 2})

    assert (off.status, off.json["dtEndAccess"]) == (200, ended)
    assert (on.status, on.json["dtEndAccess"]) == (200, None)


def test_permissions_are_a_page_of_the_attached_policies(api, organization):
    member, other = make_member(organization), make_member(organization)
    older, newer = make_policy(organization, "Older"), make_policy(organization, "Newer")
    for policy in (older, newer):
        attach(policy, member)
    attach(older, other)

    page = api.get(f"users/{member.user_id}/permissions").json
    first = api.get(f"users/{member.user_id}/permissions", pageSize=1).json

    assert [row["name"] for row in page["data"]] == ["Newer", "Older"]
    assert page["data"][0]["permissionPolicy"] == [READ_METERS]
    assert page["data"][0]["managedPolicy"] is False
    assert page["nextToken"] is None
    assert first["nextToken"] is not None
    assert api.get(f"users/{member.user_id}/permissions", pageSize=201).status == 400


def make_group(organization, name, *, person=None, group=None):
    """Make a user group that holds a person or a group."""
    made = ResourceGroup.objects.create(organization=organization, type="orguser", name=name)
    ResourceGroupItem.objects.create(
        organization=organization,
        group=made,
        target_type=TargetType.ITEM if person else TargetType.GROUP,
        target_id=person or group.pk,
        target_created_at=timezone.now() if person else None,
    )
    return made


def test_user_groups_are_a_page_of_direct_or_of_all_groups(api, organization):
    member = make_member(organization)
    path = f"users/{member.user_id}/usergroups"
    assert api.get(path).json == {"data": [], "nextToken": None}

    direct = make_group(organization, "Billing", person=member.user_id)
    make_group(organization, "Everybody", group=direct)
    make_group(organization, "Others", person=make_member(organization).user_id)

    assert [row["name"] for row in api.get(path).json["data"]] == ["Billing"]
    assert [row["name"] for row in api.get(path, inherited="false").json["data"]] == ["Billing"]
    inherited = api.get(path, inherited="true").json["data"]
    assert [row["name"] for row in inherited] == ["Everybody", "Billing"]
    assert [api.get(path, **wrong).status for wrong in ({"inherited": "x"}, {"pageSize": 201})] == [
        400,
        400,
    ]


def test_a_temporary_password_is_mailed_again_and_the_one_before_stops_working(
    api, organization, eager_tasks, django_capture_on_commit_callbacks
):
    member = make_member(organization, password="first", must_change_password=True)

    with django_capture_on_commit_callbacks(execute=True):
        answer = api.put(f"users/{member.user_id}/password/resend")

    assert (answer.status, answer.raw) == (200, b"")
    assert [sent.to for sent in mail.outbox] == [[member.user.email]]
    password = re.search(r"\n    (\S+)\n", mail.outbox[0].body)[1]
    person = User.objects.get(pk=member.user_id)
    assert person.check_password(password)
    assert not person.check_password("first")
    days_left = person.temporary_password_expires_at - clock.now()
    assert timedelta(days=29, hours=23) < days_left <= timedelta(days=30)
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.entity_id) == ("password resent", member.user_id)
    assert password not in str(entry.difference)


def test_a_password_of_ones_own_is_not_replaced(
    api, organization, eager_tasks, django_capture_on_commit_callbacks
):
    member = make_member(organization)
    audited = AuditEntry.objects.count()

    with django_capture_on_commit_callbacks(execute=True):
        answer = api.put(f"users/{member.user_id}/password/resend")

    assert answer.status == 400
    assert mail.outbox == []
    assert User.objects.get(pk=member.user_id).check_password("a-long-password")
    assert AuditEntry.objects.count() == audited
