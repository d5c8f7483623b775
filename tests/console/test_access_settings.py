"""Users, service users, groups, invitations and support access: the jobs of C13."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils.html import strip_tags

from organizations import invitations, people, resource_groups, support
from organizations.kernel import clock, principals
from organizations.models import (
    AccessKey,
    AuditEntry,
    Invitation,
    Membership,
    OrganizationConfig,
    PermissionPolicy,
    PolicyAttachment,
    ResourceGroup,
    ResourceGroupItem,
    ServiceUser,
    SupportAccess,
    User,
)
from tests import factories
from tests.console.clients import Console, address, attach, errors_of, make_person

NO_END = {"access_ends_at_0": "", "access_ends_at_1": ""}


def policy(founded, name):
    """Return one of the organization's policies."""
    return PermissionPolicy.objects.get(organization=founded.organization, name=name)


def make_group(founded, kind="orguser", **fields):
    """Make a group of a type."""
    return ResourceGroup.objects.create(
        organization=founded.organization, type=kind, **{"name": "Finance", **fields}
    )


def member(founded, person):
    """Return a person's place in the organization."""
    return Membership.objects.get(organization=founded.organization, user=person)


def held(principal_id):
    """Return the names of the policies attached to a principal."""
    rows = PolicyAttachment.objects.filter(principal_id=principal_id)
    return sorted(rows.values_list("policy__name", flat=True))


# Users -----------------------------------------------------------------------------------------


def test_a_person_is_put_into_groups_and_taken_out_on_their_page(console, founded):
    person = make_person(founded, "ReadOnly")
    one, other = make_group(founded), make_group(founded, name="Metering")
    row, read_only = member(founded, person), policy(founded, "ReadOnly").pk

    console.post(Membership, "change", row, policies=[read_only], groups=[one.pk], **NO_END)
    row.refresh_from_db()
    console.post(Membership, "change", row, policies=[read_only], groups=[other.pk], **NO_END)

    inside = ResourceGroupItem.objects.filter(target_id=person.pk).values_list("group", flat=True)
    assert list(inside) == [other.pk]
    assert held(person.pk) == ["ReadOnly"]


def test_the_list_of_users_sums_up_policies_and_groups(console, founded):
    person = make_person(founded, "ReadOnly")
    attach(founded, person, policy(founded, "Billing operations"))
    by = principals.system(founded.organization.pk)
    resource_groups.add(make_group(founded), "ITEM", person.pk, by=by)

    rows = console.get(Membership).context["cl"].result_list

    (found,) = [row for row in rows if row.user_id == person.pk]
    assert found.policy_list == ["Billing operations", "ReadOnly"]
    assert found.group_list == ["Finance"]


def test_users_are_filtered_by_status(console, founded):
    gone = make_person(founded, None)
    Membership.objects.filter(user=gone).update(access_ends_at=clock.now())

    def shown(status):
        rows = console.get(Membership, status=status).context["cl"].result_list
        return {row.user_id for row in rows}

    assert (shown("inactive"), shown("active")) == ({gone.pk}, {founded.admin.pk})


def test_a_new_person_gets_the_temporary_password_by_mail_and_nobody_else_sees_it(
    console, founded, eager_tasks, django_capture_on_commit_callbacks
):
    sent = {"email": "ceo@beta.example", "policies": [], "groups": [], **NO_END}
    with django_capture_on_commit_callbacks(execute=True):
        answer = console.post(Membership, "add", None, **sent)
    page = console.client.get(answer["Location"]).content.decode()

    person = User.objects.get(email="ceo@beta.example")
    [letter] = mail.outbox
    [password] = [word for word in letter.body.split() if person.check_password(word)]
    assert (letter.to, person.must_change_password) == ([person.email], True)
    assert "is mailed to ceo@beta.example" in page
    assert password not in page


def test_the_end_of_access_is_typed_in_the_organizations_timezone(console, founded):
    rows = OrganizationConfig.objects.filter(organization=founded.organization)
    rows.update(timezone="Pacific/Auckland")
    row = member(founded, make_person(founded, None))

    page = console.get(Membership, "change", row)
    told = page.context["adminform"].form.fields["access_ends_at"].help_text
    console.post(Membership, "change", row, policies=[], groups=[],
                 access_ends_at_0="2030-01-01", access_ends_at_1="00:00:00")  # fmt: skip

    row.refresh_from_db()
    assert "Pacific/Auckland" in told and "UTC" not in told
    assert row.access_ends_at == datetime(2029, 12, 31, 11, tzinfo=UTC)


def test_somebody_who_has_an_account_joins_with_the_password_they_have(
    console, founded, eager_tasks, django_capture_on_commit_callbacks
):
    person = factories.make_founded(admin_password="their-own-password").admin
    sent = {"email": person.email, "policies": [], "groups": [], **NO_END}

    with django_capture_on_commit_callbacks(execute=True):
        console.post(Membership, "add", None, **sent)

    person.refresh_from_db()
    assert member(founded, person) and person.check_password("their-own-password")
    assert mail.outbox == []


def test_a_temporary_password_is_mailed_again_and_refused_to_who_has_their_own(
    console, founded, eager_tasks, django_capture_on_commit_callbacks
):
    new = make_person(founded, None, must_change_password=True)
    old = make_person(founded, None)
    rows = [member(founded, new).pk, member(founded, old).pk]

    with django_capture_on_commit_callbacks(execute=True):
        answer = console.client.post(
            address(Membership, "changelist"),
            {"action": "resend_password", "_selected_action": rows},
            follow=True,
        )

    said = sorted(str(message) for message in answer.context["messages"])
    assert [one.to for one in mail.outbox] == [[new.email]]
    assert said == [
        "1 person: done.",
        f"{old.email}: {old.email} has replaced the temporary password already.",
    ]


def test_policies_one_may_not_change_are_kept_as_they_are(founded):
    boss = make_person(founded, "Administrator")
    fence = [
        {
            "effect": "deny",
            "action": ["config:update"],
            "resource": [f"config:permissionPolicy/item/{policy(founded, 'Administrator').pk}"],
        }
    ]
    attach(founded, boss, PermissionPolicy.objects.create(
        organization=founded.organization, name="Fence", statements=fence
    ))  # fmt: skip
    person = make_person(founded, "Administrator")
    row, read_only = member(founded, person), policy(founded, "ReadOnly").pk

    page = Console(boss).get(Membership, "change", row)
    Console(boss).post(Membership, "change", row, policies=[read_only], **NO_END)

    offered = page.context["adminform"].form.fields["policies"].queryset
    assert "Administrator" not in {one.name for one in offered}
    assert held(person.pk) == ["Administrator", "ReadOnly"]


def test_who_may_only_read_sees_what_a_user_holds(founded):
    person = make_person(founded, "Billing operations")
    reader = Console(make_person(founded, "ReadOnly"))

    page = reader.text(reader.get(Membership, "change", member(founded, person)))

    assert "Billing operations" in page
    assert 'name="policies"' not in page


def test_two_organizations_never_share_the_choices_of_a_form(console, founded):
    other = factories.make_founded()
    theirs = Console(other.admin)

    mine = console.get(Membership, "change", member(founded, founded.admin))
    theirs.get(Membership, "change", member(other, other.admin))

    offered = mine.context["adminform"].form.fields["policies"].queryset
    assert {row.organization_id for row in offered} == {founded.organization.pk}


# Service users ---------------------------------------------------------------------------------


def test_a_service_user_is_made_with_policies_and_its_first_key(console, founded):
    answer = console.post(
        ServiceUser, "add", name="Robot", with_key="on",
        policies=[policy(founded, "Ingest only").pk],
    )  # fmt: skip

    robot = ServiceUser.objects.get(name="Robot")
    key, page = AccessKey.objects.get(service_user=robot), console.text(answer)
    assert held(robot.pk) == ["Ingest only"]
    for text in (str(founded.organization.pk), str(key.pk), "oauth/token", "urllib.request"):
        assert text in page
    assert "no-store" in answer["Cache-Control"]


def test_a_service_user_is_made_without_a_key_when_asked(console, founded):
    answer = console.post(ServiceUser, "add", name="Robot")

    assert answer.status_code == 302
    assert not AccessKey.objects.filter(service_user__name="Robot").exists()


def test_the_snippets_of_a_new_key_hold_what_works(console, founded):
    from organizations import tokens

    answer = console.post(ServiceUser, "add", name="Robot", with_key="on")

    secret = dict(answer.context["shown_once"])["API secret"]
    key = AccessKey.objects.get(service_user__name="Robot")
    for _name, text in answer.context["snippets"]:
        assert f"{key.pk}:{secret}" in text
    assert tokens.verify(tokens.issue(str(key.pk), secret)).organization_id == (
        founded.organization.pk
    )
    assert compile(dict(answer.context["snippets"])["Python"], "snippet", "exec")


def test_an_inactive_key_is_deleted(console, founded):
    robot = ServiceUser.objects.create(organization=founded.organization, name="Robot")
    console.client.post(reverse("admin:organizations_serviceuser_generate_key", args=[robot.pk]))
    key = AccessKey.objects.get(service_user=robot)

    console.post(ServiceUser, "change", robot, delete_key=str(key.pk))

    assert not AccessKey.objects.filter(pk=key.pk).exists()
    assert AuditEntry.objects.filter(entity_id=key.pk, action="deleted").count() == 1


def test_deleting_a_service_user_tells_about_its_keys(console, founded):
    asked = console.get(ServiceUser, "delete", founded.service_user)

    assert asked.context["going_with"] == ["1 access key stops working at once."]


# Invitations -----------------------------------------------------------------------------------


@pytest.fixture
def invited(console, founded, eager_tasks, django_capture_on_commit_callbacks):
    """An open invitation of Grace, made on the page."""
    with django_capture_on_commit_callbacks(execute=True):
        console.post(
            Invitation, "add", email="grace@example.com", first_name="Grace", last_name="Moreau",
            policies=[policy(founded, "ReadOnly").pk], **NO_END,
        )  # fmt: skip
    return Invitation.objects.get(email="grace@example.com")


def states(console):
    """Return the state of each invitation in the list, newest first."""
    changelist = console.get(Invitation).context["cl"]
    shown = [changelist.model_admin.state(row) for row in changelist.result_list]
    return [strip_tags(text) for text in shown]


def test_an_invitation_is_mailed_and_listed_as_open(console, founded, invited):
    assert [one.to for one in mail.outbox] == [["grace@example.com"]]
    assert invited.policy_ids == [str(policy(founded, "ReadOnly").pk)]
    assert states(console) == ["open"]


def test_an_invitation_that_is_revoked_opens_nothing_and_says_so(console, invited):
    token = mail.outbox[0].body.split("/invitations/")[1].split()[0].strip("/")

    console.client.post(
        address(Invitation, "changelist"), {"action": "revoke", "_selected_action": [invited.pk]}
    )

    assert states(console) == ["revoked"]
    with pytest.raises(invitations.NotOpen):
        invitations.find(token)


def test_an_invitation_is_sent_again_with_a_new_link(
    console, invited, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        console.client.post(
            address(Invitation, "changelist"),
            {"action": "send_again", "_selected_action": [invited.pk]},
        )

    assert len(mail.outbox) == 2
    assert mail.outbox[0].body != mail.outbox[1].body


def test_expired_accepted_and_replaced_invitations_are_told_apart(console, founded, invited):
    Invitation.objects.filter(pk=invited.pk).update(expires_at=clock.now() - timedelta(days=1))
    assert states(console) == ["expired"]

    Invitation.objects.filter(pk=invited.pk).update(is_accepted=True)
    assert states(console) == ["accepted"]

    Invitation.objects.filter(pk=invited.pk).update(is_accepted=False, token_hash=None)
    Invitation.objects.create(
        organization=founded.organization,
        email="grace@example.com",
        expires_at=clock.now() + timedelta(days=1),
    )
    assert states(console) == ["open", "replaced"]


def test_somebody_without_an_account_needs_a_name(console):
    answer = console.post(Invitation, "add", email="grace@example.com", **NO_END)
    User.objects.create_user("grace@example.com", "her-own-secret")
    known = console.post(Invitation, "add", email="grace@example.com", **NO_END)

    assert "First and last name" in errors_of(answer)["__all__"][0]
    assert known.status_code == 302


def test_a_sent_invitation_is_read_only(console, invited):
    answer = console.post(Invitation, "change", invited, email="eve@example.com")

    assert answer.status_code == 403
    invited.refresh_from_db()
    assert invited.email == "grace@example.com"


# Support access --------------------------------------------------------------------------------

EVERYTHING = '[{"effect":"allow","action":["all"],"resource":["*"]}]'


@pytest.fixture
def noon(monkeypatch):
    """It is noon of 15 June 2026."""
    at = datetime(2026, 6, 15, 12, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda *_: at)
    return at


def test_support_access_is_granted_until_a_midnight_changed_and_ended_tonight(
    console, founded, noon
):
    started = console.get(SupportAccess)
    console.post(SupportAccess, "add", last_day="2026-06-20", statements=EVERYTHING)
    row = SupportAccess.objects.get()
    granted = row.ends_at
    console.post(SupportAccess, "change", row, last_day="2026-06-18", statements=EVERYTHING)
    row.refresh_from_db()
    changed = row.ends_at
    console.post(SupportAccess, "change", row, end_tonight="1")

    row.refresh_from_db()
    assert started["Location"] == address(SupportAccess, "add")
    assert granted == datetime(2026, 6, 21, tzinfo=UTC)
    assert changed == datetime(2026, 6, 19, tzinfo=UTC)
    assert row.ends_at == datetime(2026, 6, 16, tzinfo=UTC)
    assert AuditEntry.objects.filter(resource="config:support").count() == 3


def test_support_access_does_not_end_before_tonight(console, founded, noon):
    answer = console.post(SupportAccess, "add", last_day="2026-06-14", statements=EVERYTHING)

    assert "tonight" in errors_of(answer)["last_day"][0]
    assert support.access_of(founded.organization.pk) is None


def test_a_reader_cannot_grant_support_access(founded, noon):
    reader = Console(make_person(founded, "ReadOnly"))

    answer = reader.post(SupportAccess, "add", last_day="2026-06-20", statements=EVERYTHING)

    assert answer.status_code == 403
    assert support.access_of(founded.organization.pk) is None


def test_the_end_of_access_of_the_last_administrator_is_refused(console, founded):
    people.set_policies(founded.service_user, [], by=principals.system(founded.organization.pk))
    row = member(founded, founded.admin)

    answer = console.post(
        Membership, "change", row, policies=[policy(founded, "Administrator").pk],
        access_ends_at_0="2020-01-01", access_ends_at_1="00:00",
    )  # fmt: skip

    assert "access_ends_at" in errors_of(answer) or errors_of(answer)["__all__"]
    row.refresh_from_db()
    assert row.access_ends_at is None
