"""Settings, people, invitations, policies and groups."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core import mail
from m3ter import (
    BadRequestError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
)

from organizations.founding import Founded
from tests.factories import number
from tests.official_client.driving import as_arguments, committed
from tests.organizations.people_made import make_member

pytestmark = pytest.mark.django_db

READ_METERS = {"effect": "ALLOW", "action": ["CONFIG_RETRIEVE"], "resource": ["config:meter"]}
FIELD = {"category": "MEASURE", "code": "tokens", "name": "Tokens", "unit": "tokens"}
IN_2031 = datetime(2031, 1, 1, tzinfo=UTC)
SET_BY_SERVER = {"dtCreated", "dtLastModified", "createdBy", "lastModifiedBy", "id", "version"}


def join(founded: Founded, **person: Any) -> str:
    """Make one more member of the organization; returns the person's id."""
    made = committed(lambda: make_member(founded.organization, **person))
    return str(made.user_id)


def make_policy(client: Any) -> Any:
    """Make a policy that allows to read meters."""
    return client.permission_policies.create(
        name=f"Policy {number()}", permission_policy=[READ_METERS]
    )


def test_a_token_is_asked_for_with_key_and_secret_and_lasts_five_hours(client, founded):
    pair = base64.b64encode(f"{founded.access_key_id}:{founded.api_secret}".encode()).decode()

    answer = client.authentication.get_bearer_token(
        grant_type="client_credentials", extra_headers={"Authorization": f"Basic {pair}"}
    )

    assert (answer.expires_in, answer.token_type) == (18000, "Bearer")
    assert 20 < len(answer.access_token) < 4096


def test_the_settings_are_read_and_replaced(client):
    before = client.organization_config.retrieve()
    body = {
        name: value
        for name, value in before.to_dict(mode="json").items()
        if name not in SET_BY_SERVER and value is not None
    }
    changes = {
        "timezone": "Europe/Paris",
        "currency_conversions": [{"from": "EUR", "to": "USD", "multiplier": 1.12}],
        "credit_application_order": ["BALANCE", "PREPAYMENT"],
    }

    after = client.organization_config.update(**{**as_arguments(body), **changes}, version=1)

    assert (before.version, after.version) == (1, 2)
    assert (before.timezone, after.timezone) == ("UTC", "Europe/Paris")
    (rate,) = after.currency_conversions
    assert (rate.from_, rate.to, rate.multiplier) == ("EUR", "USD", 1.12)
    assert after.credit_application_order == ["BALANCE", "PREPAYMENT"]
    assert client.organization_config.retrieve().to_dict() == after.to_dict()
    with pytest.raises(ConflictError):
        client.organization_config.update(**as_arguments(body), version=1)


def test_custom_fields_are_read_and_replaced_and_what_is_left_out_is_emptied(client):
    first = client.custom_fields.update(
        version=client.custom_fields.retrieve().version,
        account={"region": "EMEA", "seats": 12},
        plan_template={"discount": 0.125},
    )

    second = client.custom_fields.update(version=first.version, account={"seats": 13})

    assert (first.account, first.plan_template) == (
        {"region": "EMEA", "seats": 12},
        {"discount": 0.125},
    )
    assert (second.account, second.plan_template, second.version) == ({"seats": 13}, {}, 3)
    assert client.custom_fields.retrieve().to_dict() == second.to_dict()
    with pytest.raises(ConflictError):
        client.custom_fields.update(version=first.version)


def test_who_am_i(client, founded):
    me = client.users.me()

    assert me.user is None
    assert me.service_user.id == str(founded.service_user.pk)
    assert me.organization.organization_name == founded.organization.name


def test_people_are_listed_read_and_given_statements_and_an_end(client, founded):
    person = join(founded)

    listed = list(client.users.list(page_size=1))
    updated = client.users.update(
        person, version=1, permission_policy=[READ_METERS], dt_end_access=IN_2031
    )

    assert [one.id for one in listed] == [person, str(founded.admin.pk)]
    assert (updated.version, updated.dt_end_access) == (2, IN_2031)
    assert [one.to_dict() for one in updated.permission_policy] == [READ_METERS]
    assert client.users.retrieve(person).to_dict() == updated.to_dict()
    assert [one.id for one in client.users.list(ids=[person])] == [person]
    with pytest.raises(ConflictError):
        client.users.update(person, version=1)
    cleared = client.users.update(person, version=2)
    assert (cleared.permission_policy, cleared.dt_end_access) == ([], None)


def test_a_temporary_password_is_sent_again_and_one_of_ones_own_is_not(client, founded):
    person = join(founded)
    fresh = join(founded, must_change_password=True)

    client.users.resend_password(fresh)

    (sent,) = mail.outbox
    assert sent.subject == "Your temporary password for Billwright"
    with pytest.raises(BadRequestError):
        client.users.resend_password(person)


def test_somebody_is_invited(client):
    policy = make_policy(client)
    emails = [f"invited{number()}@example.com" for _ in range(3)]

    made = [
        client.users.invitations.create(
            email=email,
            first_name="Ann",
            last_name="Lee",
            dt_end_access=IN_2031,
            permission_policy_ids=[policy.id],
        )
        for email in emails
    ]

    assert [one.email for one in client.users.invitations.list(page_size=2)] == emails[::-1]
    assert client.users.invitations.retrieve(made[0].id).to_dict() == made[0].to_dict()
    assert (made[0].accepted, made[0].dt_end_access) == (False, IN_2031)
    assert made[0].permission_policy_ids == [policy.id]
    assert made[0].inviting_principal_id == client.users.me().service_user.id
    with pytest.raises(BadRequestError):
        client.users.invitations.create(email=emails[0], first_name="Ann", last_name="")


@pytest.mark.parametrize(
    ("word", "principal_type"),
    [("user", "USER"), ("user_group", "USERGROUP"), ("service_user", "SERVICEUSER")],
)
def test_a_policy_is_attached_once_and_taken_away(client, lenient, founded, word, principal_type):
    policy = make_policy(client)
    person = join(founded)
    group = client.resource_groups.create("user", name="Finance")
    principal = {"user": person, "user_group": group.id}.get(word, str(founded.service_user.pk))
    add = getattr(client.permission_policies, f"add_to_{word}")
    remove = getattr(client.permission_policies, f"remove_from_{word}")

    attached = add(policy.id, principal_id=principal)
    again = add(policy.id, principal_id=principal)
    held = [one.id for one in client.resource_groups.list_permissions(group.id, type="user")]
    # The contract shows one policy where there is a page (A2.5).
    personal = [one["id"] for one in lenient.users.get_permissions(person).to_dict()["data"]]
    removed = remove(policy.id, principal_id=principal)

    assert (attached.permission_policy_id, attached.principal_id) == (policy.id, principal)
    assert attached.principal_type == principal_type
    assert attached.to_dict() == again.to_dict() == removed.to_dict()
    assert held == ([policy.id] if word == "user_group" else [])
    assert personal == ([policy.id] if word == "user" else [])
    with pytest.raises(NotFoundError):
        remove(policy.id, principal_id=principal)


def test_a_policy_is_attached_to_all_support_users_and_taken_away(client, founded):
    policy = make_policy(client)

    attached = client.permission_policies.add_to_support_user(policy.id)
    removed = client.permission_policies.remove_from_support_user(policy.id)

    assert attached.to_dict() == removed.to_dict()
    assert (attached.principal_type, attached.principal_id) == (
        "SUPPORTUSERS", str(founded.organization.pk),
    )  # fmt: skip
    with pytest.raises(NotFoundError):
        client.permission_policies.remove_from_support_user(policy.id)


def test_managed_policies_are_there_and_stay(lenient):
    by_name = {one.name: one for one in lenient.permission_policies.list(page_size=1)}

    assert by_name["Administrator"].managed_policy is True
    for name in ("Administrator", "ReadOnly"):
        with pytest.raises(PermissionDeniedError):
            lenient.permission_policies.delete(by_name[name].id)


def test_groups_hold_rows_and_groups(client):
    groups = client.resource_groups
    meters = [
        client.meters.create(name="M", code=f"meter {number()}", data_fields=[FIELD],
                             derived_fields=[])
        for _ in range(3)
    ]  # fmt: skip
    outer = groups.create("meter", name="Outer")
    inner = groups.create("meter", name="Inner")

    for meter in meters:
        outer = groups.add_resource(
            outer.id, type="meter", target_id=meter.id, target_type="ITEM", version=outer.version
        )
    outer = groups.add_resource(outer.id, type="meter", target_id=inner.id, target_type="GROUP")

    assert outer.version == 5
    contents = contents_of(groups, outer.id)
    assert contents == [("GROUP", inner.id), *[("ITEM", meter.id) for meter in meters[::-1]]]
    with pytest.raises(ConflictError):
        groups.remove_resource(
            outer.id, type="meter", target_id=inner.id, target_type="GROUP", version=1
        )
    taken = groups.remove_resource(outer.id, type="meter", target_id=inner.id, target_type="GROUP")
    assert (taken.version, contents_of(groups, outer.id)) == (6, contents[1:])
    renamed = groups.update(outer.id, type="meter", name="All meters", version=6)
    assert groups.retrieve(outer.id, type="meter").to_dict() == renamed.to_dict()
    assert [one.id for one in groups.list("meter", page_size=1)] == [inner.id, outer.id]
    assert groups.delete(outer.id, type="meter").name == "All meters"
    with pytest.raises(NotFoundError):
        groups.retrieve(outer.id, type="meter")


def contents_of(groups: Any, group_id: str) -> list[tuple[str, str]]:
    """Return what is in a group, walked in pages of two."""
    found = groups.list_contents(group_id, type="meter", page_size=2)
    return [(item.target_type, item.target_id) for item in found]


def test_the_groups_of_a_person_are_a_page(client, lenient, founded):
    person = join(founded)
    group = client.resource_groups.create("user", name="Finance")

    client.resource_groups.add_resource(group.id, type="user", target_id=person, target_type="ITEM")

    held = lenient.users.get_user_groups(person, page_size=10).to_dict()
    assert ([one["id"] for one in held["data"]], held["nextToken"]) == ([group.id], None)


def test_the_types_of_events_and_their_fields_are_told(client):
    names = client.events.get_types().events
    every = client.events.get_fields().events
    plans = client.events.get_fields(event_name="configuration.plan.updated").events

    assert "billing.bill.created" in names and list(every) == names
    assert plans == {"configuration.plan.updated": every["configuration.plan.updated"]}
    assert plans["configuration.plan.updated"]["new.standingCharge"] == "double"
    with pytest.raises(BadRequestError):
        client.events.get_fields(event_name="configuration.unicorn.created")
