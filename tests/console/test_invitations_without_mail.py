"""An installation that sends no mail: links are handed over, and nobody stands before nothing."""

import re

import pytest
from django.core import mail

from organizations import invitations
from organizations.models import Invitation, PermissionPolicy
from tests.console.clients import Console, address, make_person

WHO = {"email": "grace@example.com", "first_name": "Grace", "last_name": "Hopper"}
EMPTY = {"contact_number": "", "access_ends_at_0": "", "access_ends_at_1": "",
         "expires_at_0": "", "expires_at_1": ""}  # fmt: skip
LINK = re.compile(r"/invitations/([\w-]+)/")


@pytest.fixture
def no_mail(settings):
    """Send mails to the log, as without EMAIL_URL."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"


def invite(console, *policies):
    """Fill in the page and return the page that follows."""
    fields = {**WHO, **EMPTY, "policies": [str(policy.pk) for policy in policies]}
    return console.client.post(address(Invitation, "add"), fields, follow=True)


def test_the_link_is_shown_once_and_opens_the_invitation(
    no_mail, console, founded, eager_tasks, django_capture_on_commit_callbacks
):
    policy = PermissionPolicy.objects.get(organization=founded.organization, name="ReadOnly")

    with django_capture_on_commit_callbacks(execute=True):
        page = console.text(invite(console, policy))

    assert "No mail is set up" in page
    assert "will see nothing" not in page
    assert invitations.find(LINK.search(page)[1]).email == "grace@example.com"
    assert not LINK.search(console.text(console.get(Invitation)))


def test_a_link_sent_again_replaces_the_first(no_mail, console):
    first = LINK.search(console.text(invite(console)))[1]
    row = Invitation.objects.get()

    page = console.text(
        console.client.post(
            address(Invitation, "changelist"),
            {"action": "send_again", "_selected_action": [row.pk]},
            follow=True,
        )
    )

    assert invitations.find(LINK.search(page)[1]).pk == row.pk
    with pytest.raises(invitations.NotOpen):
        invitations.find(first)


def test_an_invitation_without_a_policy_says_that_nothing_will_be_seen(console):
    page = console.text(invite(console))

    assert "grace@example.com gets no permission policy and will see nothing" in page
    assert not LINK.search(page)
    assert mail.outbox == []  # sent by a task once committed


def test_who_has_no_policy_is_told_so_on_the_first_page(founded):
    nobody = Console(make_person(founded, None))
    reader = Console(make_person(founded, "ReadOnly", email="reader@example.com"))

    text = nobody.text(nobody.client.get("/admin/"))

    assert "You have no permissions in" in text
    assert "Getting started" not in text
    assert "You have no permissions in" not in reader.text(reader.client.get("/admin/"))
