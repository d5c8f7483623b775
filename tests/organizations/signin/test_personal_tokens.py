"""Bearer tokens of people: as themselves, with their policies, and dead the moment they should."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from organizations import personal_tokens, tokens
from organizations.kernel import changes, clock, principals
from organizations.kernel.console import show
from organizations.kernel.principals import Principal
from organizations.models import (
    AccessKey,
    AuditEntry,
    Membership,
    OrganizationStatus,
    PersonalToken,
    SupportAccess,
    User,
)  # fmt: skip
from tests.clients import ApiClient
from tests.factories import make_founded, make_meter
from tests.organizations.people_made import READ_METERS, attach, make_member, make_policy
from tests.organizations.signin.browsers import logged_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def member(organization):
    """A member who may read meters."""
    member = make_member(organization, first_name="Ann")
    attach(make_policy(organization), member)
    return member


def client_of(founded, user):
    """Return an API client with a token of the person."""
    by = Principal(user.pk, "USER", founded.organization.pk)
    return ApiClient(founded, personal_tokens.mint(user, by=by))


def test_it_is_the_person_who_calls(founded, member):
    me = client_of(founded, member.user).get("users/me").json

    assert (me["user"]["id"], me["user"]["email"]) == (str(member.user_id), member.user.email)
    assert me["serviceUser"] is None
    assert me["organization"]["orgId"] == str(founded.organization.pk)


def test_the_persons_policies_decide_and_the_audit_trail_names_them(founded, member):
    api = client_of(founded, member.user)
    make_meter(founded.organization, code="gb")

    assert [row["code"] for row in api.get("meters").json["data"]] == ["gb"]
    assert api.get("products").status == 403
    denied = AuditEntry.objects.filter(is_allowed=False).latest("id")
    assert (denied.principal_id, denied.principal_kind) == (member.user_id, "USER")
    assert denied.access_key_id is None


def test_it_is_for_one_organization(founded, member):
    elsewhere = make_founded(admin_email=member.user.email)
    api = client_of(founded, member.user)

    api.organization = elsewhere.organization

    assert api.get("users/me").status == 403


def end_access(member):
    Membership.objects.filter(pk=member.pk).update(access_ends_at=clock.now())


def deactivate(member):
    User.objects.filter(pk=member.user_id).update(is_active=False)


def archive(member):
    organization = member.organization
    organization.status = OrganizationStatus.ARCHIVED
    organization.save()


def leave(member):
    member.delete()


def revoke(member):
    personal_tokens.revoke_all(member.user)


def give_temporary_password(member):
    User.objects.filter(pk=member.user_id).update(must_change_password=True)


@pytest.mark.parametrize(
    "happens", [end_access, deactivate, archive, leave, revoke, give_temporary_password]
)
def test_it_is_dead_with_the_next_call(founded, member, happens):
    api = client_of(founded, member.user)
    assert api.get("users/me").status == 200

    happens(member)

    answer = api.get("users/me")
    assert (answer.status, answer.json["code"]) == (403, "INVALID_TOKEN")


def test_it_dies_at_the_second_access_ends_and_lives_again_when_that_is_lifted(founded, member):
    with time_machine.travel(clock.now(), tick=False) as moved:
        api = client_of(founded, member.user)
        Membership.objects.filter(pk=member.pk).update(
            access_ends_at=clock.now() + timedelta(seconds=1)
        )
        before = api.get("users/me").status
        moved.shift(timedelta(seconds=1))
        after = api.get("users/me").status
        Membership.objects.filter(pk=member.pk).update(access_ends_at=None)

        assert (before, after, api.get("users/me").status) == (200, 403, 200)


def test_it_lives_for_five_hours_and_a_little_leeway(founded, member):
    with time_machine.travel(clock.now(), tick=False) as moved:
        api = client_of(founded, member.user)
        moved.shift(timedelta(hours=5))
        assert api.get("users/me").status == 200
        moved.shift(timedelta(seconds=32))
        assert api.get("users/me").status == 403


def test_a_changed_byte_or_the_form_of_a_key_is_no_token(founded, member):
    api = client_of(founded, member.user)
    row = PersonalToken.objects.get()
    genuine = api.token
    for wrong in (
        genuine[:-2] + ("AA" if genuine[-2:] != "AA" else "BB"),
        genuine[1:],
        "Q" + genuine[1:],
        tokens.token_for_person(row.pk, founded.admin.pk, founded.organization.pk, row.expires_at),
    ):
        api.token = wrong
        assert api.get("users/me").status == 403, wrong


def test_support_users_call_inside_their_window_and_operators_always(founded, organization):
    helper = User.objects.create_user("help@example.com", "a-long-password", is_support=True)
    operator = User.objects.create_superuser("operator@example.com", "a-long-password")
    support, operating = client_of(founded, helper), client_of(founded, operator)
    assert support.get("meters").status == 403
    window = SupportAccess(
        id=organization.pk,
        organization=organization,
        statements=[READ_METERS],
        ends_at=clock.now() + timedelta(hours=1),
    )
    changes.create(window, by=principals.system(organization.pk))

    inside = support.get("meters").status
    SupportAccess.objects.filter(pk=window.pk).update(ends_at=clock.now())

    assert (inside, support.get("meters").status) == (200, 403)
    assert operating.get("products").status == 200


def test_what_guests_call_is_in_the_audit_trail(founded, organization):
    operator = User.objects.create_superuser("operator@example.com", "a-long-password")

    client_of(founded, operator).get("products")

    entry = AuditEntry.objects.filter(action="operator request").get()
    assert entry.principal_id == operator.pk
    assert entry.difference["request"][1].startswith("GET /organizations/")


def test_what_an_operator_calls_beyond_their_membership_is_in_the_audit_trail(
    founded, organization
):
    operator = make_member(organization, is_superuser=True)

    answer = client_of(founded, operator.user).get("products")

    assert answer.status == 200
    assert AuditEntry.objects.get(action="operator request").principal_id == operator.user_id


def test_the_profile_page_mints_one_and_shows_it_once(founded, member):
    browser = logged_in(member.user)

    page = browser.post("/admin/sign-in/profile/token/").content.decode()

    bearer = re.search(r'id="bearer">([\w-]+)<', page)[1]
    assert ApiClient(founded, bearer).get("users/me").json["user"]["id"] == str(member.user_id)
    assert bearer not in browser.get("/admin/sign-in/profile/").content.decode()
    assert AuditEntry.objects.filter(action="token minted", entity_id=member.user_id).count() == 1
    browser.post("/admin/sign-in/profile/tokens/revoke/")
    assert ApiClient(founded, bearer).get("users/me").status == 403


def test_who_may_change_service_users_mints_one_for_a_key(founded):
    browser = Client()
    browser.force_login(founded.admin, "django.contrib.auth.backends.ModelBackend")
    User.objects.filter(pk=founded.admin.pk).update(must_change_password=False)
    address = f"/admin/sign-in/keys/{founded.access_key_id}/token/"
    user_page = browser.get(show.address(founded.service_user)).content.decode()

    asked = browser.get(address)
    page = browser.post(address).content.decode()

    bearer = re.search(r'id="bearer">([\w-]+)<', page)[1]
    assert f'href="{address}"' in user_page
    assert asked.status_code == 200
    me = ApiClient(founded, bearer).get("users/me").json
    assert me["serviceUser"]["id"] == str(founded.service_user.pk)
    assert AuditEntry.objects.filter(action="token minted").get().principal_id == founded.admin.pk


def test_nobody_mints_for_a_key_they_may_not_use(founded, member):
    strange = make_founded()
    administrator = strange.admin
    User.objects.filter(pk=administrator.pk).update(must_change_password=False)
    stranger = Client()
    stranger.force_login(administrator, "django.contrib.auth.backends.ModelBackend")
    inactive = make_founded().access_key_id
    AccessKey.objects.filter(pk=inactive).update(status="INACTIVE")

    for browser in (logged_in(member.user), stranger, Client()):
        for key in (founded.access_key_id, inactive):
            answer = browser.post(f"/admin/sign-in/keys/{key}/token/")
            assert answer.status_code == 302
    assert not AuditEntry.objects.filter(action="token minted").exists()
