"""People, service users and their keys, webhook destinations: pages that hand out secrets."""

import re

import pytest
from django.db import connection
from django.urls import reverse

from integrations import targets
from integrations.models import Delivery, WebhookDestination
from organizations import people, tokens
from organizations.models import (
    AccessKey,
    Alert,
    AuditEntry,
    Membership,
    PermissionPolicy,
    PolicyAttachment,
    ServiceUser,
    User,
)
from tests.console.clients import Console, address, errors_of, make_person
from tests.console.inhabited import inhabit


def policy(founded, name):
    """Return one of the organization's policies."""
    return PermissionPolicy.objects.get(organization=founded.organization, name=name)


def member(founded, person):
    """Return a person's membership."""
    return Membership.objects.get(organization=founded.organization, user=person)


def shown_once(page):
    """Return what stands beside the copy buttons of the page of a new key."""
    return re.findall(r'data-copy="([^"]+)"', page)


def test_a_new_person_has_a_password_that_must_be_replaced_and_the_policies_chosen(
    console, founded
):
    answer = console.client.post(
        address(Membership, "add"),
        {
            "email": "ada@example.com", "policies": [policy(founded, "ReadOnly").pk],
            "access_ends_at_0": "", "access_ends_at_1": "",
        },
        follow=True,
    )  # fmt: skip

    ada = User.objects.get(email="ada@example.com")
    said = [str(message) for message in answer.context["messages"]]
    assert said[0] == "A temporary password is mailed to ada@example.com."
    assert (ada.must_change_password, ada.temporary_password_expires_at is None) == (True, False)
    attached = PolicyAttachment.objects.get(principal_id=ada.pk)
    assert attached.policy.name == "ReadOnly"


def test_somebody_who_exists_is_joined_and_keeps_their_password(console, founded):
    ada = User.objects.create_user("ada@example.com", "her-own-secret")

    console.post(Membership, "add", email="ADA@example.com")

    assert member(founded, ada).access_ends_at is None
    ada.refresh_from_db()
    assert ada.check_password("her-own-secret")


def test_policies_of_a_person_are_ticked_and_unticked(console, founded):
    person = make_person(founded, "ReadOnly")
    row = member(founded, person)

    console.post(Membership, "change", row, policies=[policy(founded, "Administrator").pk])

    names = PolicyAttachment.objects.filter(principal_id=person.pk).values_list(
        "policy__name", flat=True
    )
    assert list(names) == ["Administrator"]


def test_deactivating_locks_out_at_once_and_reactivating_lets_in_again(console, founded):
    person = make_person(founded, "ReadOnly")
    row = member(founded, person)
    page = address(Membership, "changelist")

    console.client.post(
        page, {"action": "deactivate", "confirmed": "yes", "_selected_action": [row.pk]}
    )
    locked_out = Console(person).client.get("/admin/")["Location"]
    console.client.post(page, {"action": "reactivate", "_selected_action": [row.pk]})

    assert locked_out == reverse("admin:login")
    assert Console(person).client.get("/admin/").status_code == 200


def test_nobody_deactivates_themselves(console, founded):
    row = member(founded, founded.admin)

    console.client.post(
        address(Membership, "changelist"),
        {"action": "deactivate", "confirmed": "yes", "_selected_action": [row.pk]},
    )

    row.refresh_from_db()
    assert row.access_ends_at is None


def test_the_last_administrator_is_not_taken_away(console, founded):
    people.set_policies(founded.service_user, [], by=_principal(founded))

    answer = console.post(Membership, "change", member(founded, founded.admin), policies=[])

    assert "without anybody who holds the Administrator policy" in errors_of(answer)["__all__"][0]
    assert PolicyAttachment.objects.filter(principal_id=founded.admin.pk).count() == 1


def _principal(founded):
    from organizations.kernel import principals

    return principals.system(founded.organization.pk)


def test_a_generated_key_is_shown_once_and_works(console, founded):
    robot = ServiceUser.objects.create(organization=founded.organization, name="Robot")
    page = reverse("admin:organizations_serviceuser_generate_key", args=[robot.pk])

    asked = console.client.get(page)
    none_yet = AccessKey.objects.filter(service_user=robot).count()
    answer = console.client.post(page)

    organization_id, key_id, secret = shown_once(console.text(answer))
    assert none_yet == 0
    assert shown_once(console.text(asked)) == []
    assert organization_id == str(founded.organization.pk)
    assert tokens.verify(tokens.issue(key_id, secret)).principal_id == robot.pk
    assert "no-store" in answer["Cache-Control"]
    assert AuditEntry.objects.get(entity_id=key_id).action == "created"
    assert secret not in console.text(console.get(ServiceUser, "change", robot))


def test_a_key_made_inactive_gives_no_token(console, founded):
    console.post(ServiceUser, "change", founded.service_user, switch_key=str(founded.access_key_id))

    with pytest.raises(tokens.InvalidClient):
        tokens.issue(str(founded.access_key_id), founded.api_secret)


def test_a_key_of_another_service_user_is_not_switched_here(console, founded):
    robot = ServiceUser.objects.create(organization=founded.organization, name="Robot")

    console.post(ServiceUser, "change", robot, switch_key=str(founded.access_key_id))

    assert AccessKey.objects.get(pk=founded.access_key_id).status == "ACTIVE"


def test_a_reader_neither_generates_nor_switches_keys(founded):
    reader = Console(make_person(founded, "ReadOnly"))
    robot = founded.service_user

    generate = reader.client.post(
        reverse("admin:organizations_serviceuser_generate_key", args=[robot.pk])
    )
    reader.post(ServiceUser, "change", robot, switch_key=str(founded.access_key_id))

    assert generate.status_code == 403
    assert AccessKey.objects.get(service_user=robot).status == "ACTIVE"


def test_managed_policies_are_read_only(console, founded):
    row = policy(founded, "Administrator")

    assert console.get(PermissionPolicy, "change", row).status_code == 200
    assert console.post(PermissionPolicy, "change", row, name="Mine").status_code == 403


@pytest.fixture
def destination_fields(settings):
    """What the form of a destination sends."""
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = True
    return {
        "name": "Ledger", "code": "ledger", "description": "Our ledger",
        "url": "http://127.0.0.1:9/hook", "is_active": "on", "api_key": "key-1", "secret": "",
        "credentials_name": "",
    }  # fmt: skip


def test_the_secret_of_a_destination_is_made_shown_once_and_kept(console, destination_fields):
    answer = console.client.post(
        address(WebhookDestination, "add"), destination_fields, follow=True
    )
    row = WebhookDestination.objects.get()
    first = row.secret
    console.post(WebhookDestination, "change", row, **{**destination_fields, "name": "Books"})

    row.refresh_from_db()
    assert any(first in str(message) for message in answer.context["messages"])
    assert (row.name, row.secret, row.version) == ("Books", first, 2)
    assert first not in console.text(console.get(WebhookDestination, "change", row))


def test_an_address_that_is_no_target_is_refused_at_its_field(console, destination_fields):
    answer = console.post(
        WebhookDestination, "add", **{**destination_fields, "url": "ftp://example.com"}
    )

    assert list(errors_of(answer)) == ["url"]
    assert not WebhookDestination.objects.exists()


def test_a_short_secret_is_warned_about_and_a_long_one_is_not(console, destination_fields):
    short = {**destination_fields, "secret": "short"}
    long = {**destination_fields, "code": "other", "secret": "x" * 24}

    warned, silent = (
        console.client.post(address(WebhookDestination, "add"), fields, follow=True)
        for fields in (short, long)
    )

    assert ["shorter than 24 bytes" in str(one) for one in warned.context["messages"]] == [
        True, False,
    ]  # fmt: skip
    assert not any("shorter" in str(one) for one in silent.context["messages"])
    assert WebhookDestination.objects.count() == 2


def test_other_names_of_headers_are_kept_and_wrong_ones_refused(console, destination_fields):
    rows = '[{"header": "webhook-id", "name": "%s"}]'
    named = {**destination_fields, "header_names": rows % "X-Vendor-Id"}

    console.client.post(address(WebhookDestination, "add"), named)
    row = WebhookDestination.objects.get()
    refused = console.post(
        WebhookDestination, "change", row, **{**named, "header_names": rows % "Host"}
    )

    assert row.header_names == {"webhook-id": "X-Vendor-Id"}
    assert list(errors_of(refused)) == ["header_names"]
    row.refresh_from_db()
    assert row.header_names == {"webhook-id": "X-Vendor-Id"}
    assert "X-Vendor-Id" in console.text(console.get(WebhookDestination, "change", row))


@pytest.mark.django_db(transaction=True)
def test_the_host_is_asked_for_before_the_transaction(console, destination_fields, monkeypatch):
    in_transaction = []

    def resolve(target):
        in_transaction.append(connection.in_atomic_block)
        return ["203.0.113.7"]

    monkeypatch.setattr(targets, "resolve", resolve)
    console.client.post(address(WebhookDestination, "add"), destination_fields)
    row = WebhookDestination.objects.get()
    console.post(WebhookDestination, "change", row, **{**destination_fields, "name": "Books"})

    row.refresh_from_db()
    assert (row.name, in_transaction) == ("Books", [False, False])


def test_a_failed_delivery_is_sent_again(console, founded):
    delivery = inhabit(founded)[Delivery]

    console.client.post(
        address(Delivery, "changelist"), {"action": "send_again", "_selected_action": [delivery.pk]}
    )

    delivery.refresh_from_db()
    assert delivery.status == "WAITING"
    assert delivery.next_attempt_at is not None
    assert AuditEntry.objects.filter(action="sendAgain").count() == 1


def test_alerts_are_marked_together(console, founded):
    alert = inhabit(founded)[Alert]

    console.client.post(
        address(Alert, "changelist"), {"action": "mark_resolved", "_selected_action": [alert.pk]}
    )

    alert.refresh_from_db()
    assert alert.status == "RESOLVED"


def test_a_reloaded_page_of_a_new_key_makes_no_second_one(console, founded):
    page = reverse("admin:organizations_serviceuser_generate_key", args=[founded.service_user.pk])
    sent = {"key_id": str(console.client.get(page).context["key_id"])}

    first = console.client.post(page, sent)
    second = console.client.post(page, sent, follow=True)

    assert "API secret" in first.content.decode()
    assert "API secret" not in second.content.decode()
    assert "made already" in second.content.decode()
    assert founded.service_user.access_keys.count() == 2
