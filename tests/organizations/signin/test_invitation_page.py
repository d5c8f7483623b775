"""The invitation page and signing in: the wrong person, a second factor, an organization's
provider."""

import re

import pytest
from django.core import mail
from django.test import Client

from organizations import invitations
from organizations.kernel import clock, principals
from organizations.models import AuditEntry, Invitation, Membership, User
from tests.factories import make_founded
from tests.organizations.people_made import make_member
from tests.organizations.signin.browsers import PASSWORD, ask, code_of, logged_in, place, set_up

pytestmark = pytest.mark.django_db
NEW = {
    "first_name": "Ann",
    "last_name": "Lee",
    "password": "correct-horse-battery",
    "repeated": "correct-horse-battery",
}


@pytest.fixture
def path(organization):
    """The link of an invitation for ann@example.com."""
    invitation = invitations.invite(
        Invitation(organization=organization, email="ann@example.com"),
        by=principals.system(organization.pk),
    )
    invitations.send_mail(str(invitation.pk))
    return re.search(r"https?://[^/\s]+(/invitations/\S+/)", mail.outbox[-1].body)[1]


def members_of(organization):
    """Return the addresses of the people of an organization."""
    rows = Membership.objects.filter(organization=organization)
    return set(rows.values_list("user__email", flat=True))


def test_the_mail_is_text_and_html_with_one_and_the_same_link(path, organization):
    sent = mail.outbox[-1]
    html = sent.alternatives[0]

    assert html.mimetype == "text/html"
    assert path in sent.body
    assert path in html.content
    assert organization.name in html.content


def test_text_of_others_is_escaped_in_the_html_and_plain_in_the_text(founded):
    organization = founded.organization
    organization.name = 'Ben & <b>"Sons"</b>'
    organization.save()
    row = invitations.invite(
        Invitation(organization=organization, email="bob@example.com"),
        by=principals.system(organization.pk),
    )

    invitations.send_mail(str(row.pk))

    assert 'Ben & <b>"Sons"</b>' in mail.outbox[-1].body
    assert "Ben &amp; &lt;b&gt;" in mail.outbox[-1].alternatives[0].content


def test_somebody_else_who_is_logged_in_is_told_and_does_not_join_as_themselves(path, organization):
    other = make_member(make_founded().organization, email="bob@example.com").user
    browser = logged_in(other)

    shown = browser.get(path).content.decode()
    browser.post(path, NEW)

    assert "bob@example.com" in shown
    assert "ann@example.com" in shown
    assert "bob@example.com" not in members_of(organization)
    assert browser.session["_auth_user_id"] == str(User.objects.get(email="ann@example.com").pk)


def test_a_changed_or_foreign_link_opens_nothing(path, organization):
    token = path.split("/")[2]
    for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), token.upper(), token + "%00"):
        answer = Client().post(f"/invitations/{wrong}/", NEW)
        assert answer.status_code == 410
    assert "ann@example.com" not in members_of(organization)


def test_a_second_factor_is_asked_for_here_too(path, organization):
    ann = make_member(make_founded().organization, email="ann@example.com").user
    secret, _ = set_up(ann)
    browser = Client()

    without = browser.post(path, {"password": PASSWORD})
    wrong = browser.post(path, {"password": PASSWORD, "code": "000000"})
    members_before = members_of(organization)
    right = browser.post(path, {"password": PASSWORD, "code": code_of(secret)})

    assert (without.status_code, wrong.status_code) == (200, 200)
    assert "ann@example.com" not in members_before
    assert place(right) == "/admin/"
    assert browser.session["signed_in"]["has_second_factor"] is True


def test_a_wrong_password_does_not_use_up_a_code(path):
    ann = make_member(make_founded().organization, email="ann@example.com").user
    secret, _ = set_up(ann)
    code = code_of(secret)

    Client().post(path, {"password": "wrong", "code": code})

    assert Client().post(path, {"password": PASSWORD, "code": code}).status_code == 302


def test_an_organization_of_a_provider_takes_nobody_by_password(path, organization):
    ask(organization, provider_issuer="https://login.example", provider_client_id="x",
        requires_provider=True)  # fmt: skip
    browser = Client()

    shown = browser.get(path).content.decode()
    refused = browser.post(path, NEW)

    assert "/admin/sign-in/provider/" in shown
    assert 'name="password"' not in shown
    assert refused.status_code == 400
    assert not User.objects.filter(email="ann@example.com").exists()
    assert Invitation.objects.get().is_accepted is False


def test_a_link_followed_twice_at_once_makes_one_member(path, organization):
    invitation = Invitation.objects.get()
    token = path.split("/")[2]
    invitations.accept_as_new(token, first_name="A", last_name="L", password="a-long-password")

    with pytest.raises(invitations.NotOpen):
        invitations.join(invitation, User.objects.get(email="ann@example.com"), token=token)

    assert Membership.objects.filter(organization=organization).count() == 2


def test_acceptance_is_in_the_audit_trail_as_the_persons_deed(path, organization):
    Client().post(path, NEW)

    ann = User.objects.get(email="ann@example.com")
    accepted = AuditEntry.objects.filter(
        resource="config:orgUserInvitation", action="updated"
    ).latest("id")
    assert accepted.principal_id == ann.pk
    assert accepted.at <= clock.now()


def test_acceptance_and_a_wrong_password_carry_address_and_request_id(path, organization):
    joined, member = make_founded(), User.objects.create_user("ann@example.com", PASSWORD)
    Membership.objects.create(organization=joined.organization, user=member)
    browser = Client(REMOTE_ADDR="10.1.2.3")

    browser.post(path, {"password": "wrong"}, headers={"X-Request-Id": "first"})
    browser.post(path, {"password": PASSWORD}, headers={"X-Request-Id": "second"})

    found = AuditEntry.objects.filter(principal_id=member.pk, request_id__in=["first", "second"])
    assert {(entry.request_id, entry.source_address) for entry in found} == {
        ("first", "10.1.2.3"),
        ("second", "10.1.2.3"),
    }
    refused = AuditEntry.objects.get(request_id="first")
    assert (refused.action, refused.organization_id) == (
        "sign-in failed",
        joined.organization.pk,
    )
    assert found.filter(resource="config:orgUserInvitation", request_id="second").exists()
