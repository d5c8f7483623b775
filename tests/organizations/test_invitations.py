"""Invitations: sending over the API, following the link, using it up (A3)."""

import re
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from django.core import mail
from django.test import Client

from organizations import grants, invitations
from organizations.kernel import clock, ids
from organizations.kernel.errors import DomainError
from organizations.models import (
    AuditEntry,
    Invitation,
    Membership,
    PolicyAttachment,
    User,
)
from tests.clients import ApiClient
from tests.factories import make_founded
from tests.organizations.people_made import make_member, make_policy, system

pytestmark = pytest.mark.django_db
ANN = {"email": "ann@example.com", "firstName": "Ann", "lastName": "Lee"}
NEW_ACCOUNT = {
    "first_name": "Anna",
    "last_name": "Lee",
    "password": "correct-horse-battery",
    "repeated": "correct-horse-battery",
}


@pytest.fixture
def invite(api, eager_tasks, django_capture_on_commit_callbacks):
    """Return a function that sends an invitation and returns answer and path of the link."""

    def send(**changed):
        before = len(mail.outbox)
        with django_capture_on_commit_callbacks(execute=True):
            answer = api.post("invitations", {**ANN, **changed})
        assert answer.status == 200, answer
        assert len(mail.outbox) == before + 1
        return answer.json, link()

    return send


def link():
    """Return the path of the link in the latest mail."""
    return re.search(r"https?://[^/\s]+(/invitations/\S+/)", mail.outbox[-1].body)[1]


def test_an_invitation_is_answered_mailed_and_listed(api, founded, organization, invite):
    policy = make_policy(organization)

    answer, path = invite(
        contactNumber="123",
        m3terUser=False,
        permissionPolicyIds=[str(policy.pk)],
        dtEndAccess="2031-05-01T00:00:00.000Z",
        dtExpiry="2031-01-01T00:00:00.000Z",
    )

    varying = {"id", "dtCreated", "dtLastModified"}
    assert {key: value for key, value in answer.items() if key not in varying} == {
        **ANN,
        "version": 1,
        "contactNumber": "123",
        "permissionPolicyIds": [str(policy.pk)],
        "dtEndAccess": "2031-05-01T00:00:00.000Z",
        "dtExpiry": "2031-01-01T00:00:00.000Z",
        "invitingPrincipalId": str(founded.service_user.pk),
        "accepted": False,
        "createdBy": str(founded.service_user.pk),
        "lastModifiedBy": str(founded.service_user.pk),
    }
    assert api.get("invitations").json == {"data": [answer], "nextToken": None}
    assert api.get(f"invitations/{answer['id']}").json == answer
    assert mail.outbox[0].to == ["ann@example.com"]
    token = path.split("/")[2]
    assert len(token) == 43  # 256 bits
    stored = bytes(Invitation.objects.get().token_hash)
    assert len(stored) == 32
    assert token.encode() not in stored
    assert token not in str(list(AuditEntry.objects.values()))


def test_it_expires_after_30_days_unless_said_otherwise(invite):
    before = clock.now()

    answer, _ = invite()

    expires = datetime.fromisoformat(answer["dtExpiry"])
    assert before + timedelta(days=30) <= expires + timedelta(milliseconds=1)
    assert expires <= clock.now() + timedelta(days=30)
    assert answer["dtEndAccess"] is None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"email": "no address"}, "email"),
        ({"email": None}, "email"),
        ({"firstName": ""}, "firstName"),
        ({"lastName": "x" * 101}, "lastName"),
        ({"contactNumber": "1" * 51}, "contactNumber"),
        ({"m3terUser": "yes"}, "m3terUser"),
        ({"dtExpiry": "2026-01-01T00:00:00Z"}, "dtExpiry"),
        ({"dtEndAccess": "2026-01-01T00:00:00Z"}, "dtEndAccess"),
        ({"permissionPolicyIds": [str(ids.new_id())]}, "permissionPolicyIds"),
        ({"permissionPolicyIds": "x"}, "permissionPolicyIds"),
    ],
)
def test_a_refused_invitation_is_neither_stored_nor_sent(
    api, eager_tasks, django_capture_on_commit_callbacks, changed, field
):
    with django_capture_on_commit_callbacks(execute=True):
        answer = api.post("invitations", {**ANN, **changed})

    assert answer.status == 400
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert (Invitation.objects.count(), mail.outbox) == (0, [])


def test_a_policy_of_another_organization_is_unknown(api):
    theirs = make_policy(make_founded().organization)

    answer = api.post("invitations", {**ANN, "permissionPolicyIds": [str(theirs.pk)]})

    assert answer.status == 400
    assert Invitation.objects.count() == 0


def test_a_member_cannot_be_invited_whatever_the_case_of_the_address(api, organization):
    make_member(organization, email="Ann@Example.com")

    answer = api.post("invitations", ANN)

    assert answer.status == 400
    assert Invitation.objects.count() == 0


def test_a_new_person_makes_an_account_and_is_in_with_policies_and_end(organization, invite):
    policies = [make_policy(organization, "One"), make_policy(organization, "Two")]
    answer, path = invite(
        permissionPolicyIds=[str(policy.pk) for policy in policies],
        dtEndAccess="2031-05-01T00:00:00.000Z",
    )
    browser = Client()

    shown = browser.get(path)
    joined = browser.post(path, NEW_ACCOUNT)

    assert shown.status_code == 200
    assert organization.name in shown.content.decode()
    assert (joined.status_code, joined.headers["Location"]) == (302, "/admin/")
    member = Membership.objects.get(user__email="ann@example.com")
    assert member.organization_id == organization.pk
    assert member.access_ends_at == datetime(2031, 5, 1, tzinfo=UTC)
    assert (member.user.first_name, member.user.must_change_password) == ("Anna", False)
    assert member.user.check_password("correct-horse-battery")
    attached = PolicyAttachment.objects.filter(principal_id=member.user_id)
    assert {row.policy_id for row in attached} == {policy.pk for policy in policies}
    stored = Invitation.objects.get(pk=answer["id"])
    assert (stored.is_accepted, stored.version, stored.token_hash) == (True, 2, None)
    assert browser.session["_auth_user_id"] == str(member.user_id)


def test_a_link_works_once(invite):
    _, path = invite()
    Client().post(path, NEW_ACCOUNT)

    again = Client().post(path, {**NEW_ACCOUNT, "password": "another-long-one"})

    assert again.status_code == 410
    assert Membership.objects.filter(user__email="ann@example.com").count() == 1
    assert User.objects.get(email="ann@example.com").check_password("correct-horse-battery")


def test_an_expired_or_unknown_link_opens_nothing(invite):
    _, path = invite()
    Invitation.objects.update(expires_at=clock.now())

    answers = [
        Client().get(path),
        Client().post(path, NEW_ACCOUNT),
        Client().get("/invitations/x/"),
    ]

    assert [answer.status_code for answer in answers] == [410, 410, 410]
    assert not User.objects.filter(email="ann@example.com").exists()


def test_a_second_invitation_replaces_the_link_of_the_first(invite):
    _, first = invite()
    _, second = invite(email="ANN@example.com")

    assert [Client().get(path).status_code for path in (first, second)] == [410, 200]


@pytest.mark.parametrize(
    "wrong",
    [{"password": "short", "repeated": "short"}, {"repeated": "else"}, {"first_name": ""}],
)
def test_a_poor_password_or_a_missing_name_makes_no_account(invite, wrong):
    _, path = invite()

    answer = Client().post(path, {**NEW_ACCOUNT, **wrong})

    assert answer.status_code == 200
    assert not User.objects.filter(email="ann@example.com").exists()
    assert Invitation.objects.get().is_accepted is False


def test_somebody_with_an_account_proves_it_with_the_password(organization, invite):
    elsewhere = make_member(make_founded().organization, email="ann@example.com")
    _, path = invite()
    browser = Client()

    wrong = browser.post(path, {"password": "not-it"})
    members_before = Membership.objects.filter(organization=organization).count()
    right = browser.post(path, {"password": "a-long-password"})

    assert (wrong.status_code, members_before, right.status_code) == (200, 1, 302)
    assert Membership.objects.filter(organization=organization, user=elsewhere.user).exists()
    assert User.objects.get(pk=elsewhere.user_id).check_password("a-long-password")


def test_guessing_the_password_at_a_link_is_locked_out(organization, invite):
    make_member(make_founded().organization, email="ann@example.com")
    _, path = invite()
    for _ in range(10):
        Client().post(path, {"password": "not-it"})

    answer = Client().post(path, {"password": "a-long-password"})

    assert answer.status_code == 200
    assert "Too many failed attempts" in answer.content.decode()
    assert Membership.objects.filter(organization=organization).count() == 1


def test_somebody_logged_in_with_the_address_only_agrees(organization, invite):
    member = make_member(make_founded().organization, email="ann@example.com")
    _, path = invite()
    browser = Client()
    browser.force_login(member.user, backend="django.contrib.auth.backends.ModelBackend")

    answer = browser.post(path)

    assert answer.status_code == 302
    assert Membership.objects.filter(organization=organization, user=member.user).exists()


def test_of_two_who_accept_at_the_same_moment_the_second_is_told_that_it_is_over(invite):
    _, path = invite()
    form = Client().get(path).context["form"]
    # The other one made the account after this page had looked for it.
    with mock.patch.object(invitations, "person_of", return_value=None):
        make_member(make_founded().organization, email="ann@example.com")
        answer = Client().post(path, NEW_ACCOUNT)

    assert form.fields.keys() == NEW_ACCOUNT.keys()
    assert answer.status_code == 410
    assert "not valid any more" in answer.content.decode()


def test_revoked_is_dead_and_sent_again_is_a_new_link(
    organization, invite, django_capture_on_commit_callbacks
):
    _, first = invite()
    row = invitations.revoke(Invitation.objects.get(), by=system(organization))
    assert Client().get(first).status_code == 410

    with django_capture_on_commit_callbacks(execute=True):
        invitations.send_again(row, by=system(organization))

    assert [Client().get(path).status_code for path in (first, link())] == [410, 200]


def test_an_accepted_invitation_can_be_neither_revoked_nor_sent_again(organization, invite):
    _, path = invite()
    Client().post(path, NEW_ACCOUNT)
    row = Invitation.objects.get()

    for act in (invitations.revoke, invitations.send_again):
        with pytest.raises(DomainError):
            act(row, by=system(organization))

    assert Invitation.objects.get().version == row.version


def test_inviting_needs_create_on_invitations(api, founded, organization):
    policy = make_policy(organization)
    PolicyAttachment.objects.filter(principal_id=founded.service_user.pk).update(policy=policy)
    grants.rederive(organization.pk)

    assert ApiClient(founded).post("invitations", ANN).status == 403
    assert Invitation.objects.count() == 0
