"""Service users and their keys over the API: our own addition (A4)."""

import base64

import pytest
from django.test import Client

from organizations import tokens
from organizations.kernel import exact_json
from organizations.models import (
    AccessKey,
    AuditEntry,
    Membership,
    PolicyAttachment,
    ServiceUser,
)
from tests.clients import ApiClient
from tests.factories import make_founded

pytestmark = pytest.mark.django_db


def ask_for_token(key_id, secret):
    """Return the answer of the token endpoint as (status, body)."""
    basic = base64.b64encode(f"{key_id}:{secret}".encode()).decode()
    response = Client().post(
        "/oauth/token",
        exact_json.dumps({"grant_type": "client_credentials"}),
        content_type="application/json",
        headers={"Authorization": f"Basic {basic}"},
    )
    return response.status_code, exact_json.loads(response.content)


def made(api, name="Nightly upload"):
    """Make a service user and a key, and return both answers."""
    user = api.post("serviceusers", {"name": name}).json
    key = api.post(f"serviceusers/{user['id']}/accesskeys").json
    return user, key


def test_a_service_user_is_made_read_renamed_listed_and_deleted(api, founded):
    created = api.post("serviceusers", {"name": "Upload"})
    assert created.status == 200
    assert {key: created.json[key] for key in ("name", "version", "createdBy")} == {
        "name": "Upload",
        "version": 1,
        "createdBy": str(founded.service_user.pk),
    }
    path = f"serviceusers/{created.json['id']}"

    renamed = api.put(path, {"name": "Usage upload", "version": 1}).json
    assert (renamed["name"], renamed["version"]) == ("Usage upload", 2)
    assert api.get(path).json == renamed
    assert [row["id"] for row in api.get("serviceusers").json["data"]] == [
        created.json["id"],
        str(founded.service_user.pk),
    ]

    assert api.delete(path).json == renamed
    assert api.get(path).status == 404


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x" * 201}, {"name": 7}])
def test_a_service_user_without_a_proper_name_is_refused(api, body):
    before = ServiceUser.objects.count()

    answer = api.post("serviceusers", body)

    assert answer.status == 400
    assert [error["field"] for error in answer.json["errors"]] == ["name"]
    assert ServiceUser.objects.count() == before


def test_a_new_key_shows_its_secret_once_and_obtains_tokens(api, organization):
    user, key = made(api)

    assert key["accessKeyId"] == key["id"]
    assert key["organizationId"] == str(organization.pk)
    assert (key["status"], key["dtLastUsed"], key["version"]) == ("ACTIVE", None, 1)
    assert len(key["apiSecret"]) == 43  # 32 random bytes in base64 without padding
    status, token = ask_for_token(key["accessKeyId"], key["apiSecret"])
    assert (status, token["token_type"], token["expires_in"]) == (200, "Bearer", 18000)

    listed = api.get(f"serviceusers/{user['id']}/accesskeys").json["data"]
    assert [row["accessKeyId"] for row in listed] == [key["accessKeyId"]]
    assert "apiSecret" not in listed[0]
    assert listed[0]["dtLastUsed"] is not None
    assert key["apiSecret"] not in str(list(AuditEntry.objects.values()))


def test_making_a_key_answers_what_may_not_be_cached(api):
    user = api.post("serviceusers", {"name": "Upload"}).json

    answer = api.post(f"serviceusers/{user['id']}/accesskeys")

    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("nested", [True, False])
def test_an_inactive_key_is_dead_and_can_be_switched_on_again(
    api, founded, nested, django_capture_on_commit_callbacks
):
    user, key = made(api)
    _, token = ask_for_token(key["accessKeyId"], key["apiSecret"])
    client = ApiClient(founded, token=token["access_token"])
    path = (
        f"serviceusers/{user['id']}/accesskeys/{key['id']}" if nested else f"accesskeys/{key['id']}"
    )
    assert client.get("users/me").status == 200

    with django_capture_on_commit_callbacks(execute=True):
        off = api.put(path, {"status": "INACTIVE", "version": 1})

    assert (off.status, off.json["status"], off.json["version"]) == (200, "INACTIVE", 2)
    assert client.get("users/me").status == 403
    assert ask_for_token(key["accessKeyId"], key["apiSecret"])[0] == 401

    with django_capture_on_commit_callbacks(execute=True):
        api.put(path, {"status": "ACTIVE", "version": 2})

    assert client.get("users/me").status == 200


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"status": "INACTIVE"}, 400, "version"),
        ({"status": "OFF", "version": 1}, 400, "status"),
        ({"version": 1}, 400, "status"),
        ({"status": "INACTIVE", "version": 9}, 409, None),
    ],
)
def test_a_refused_switch_changes_nothing(api, body, status, field):
    _, key = made(api)

    answer = api.put(f"accesskeys/{key['id']}", body)

    assert answer.status == status
    assert [error["field"] for error in answer.json.get("errors", [])] == ([field] if field else [])
    stored = AccessKey.objects.get(pk=key["id"])
    assert (stored.status, stored.version) == ("ACTIVE", 1)


def test_deleting_a_key_kills_its_tokens(api, founded, django_capture_on_commit_callbacks):
    _, key = made(api)
    _, token = ask_for_token(key["accessKeyId"], key["apiSecret"])
    client = ApiClient(founded, token=token["access_token"])
    assert client.get("users/me").status == 200

    with django_capture_on_commit_callbacks(execute=True):
        assert api.delete(f"accesskeys/{key['id']}").status == 200

    assert client.get("users/me").status == 403
    assert not AccessKey.objects.filter(pk=key["id"]).exists()


def test_deleting_a_service_user_takes_keys_and_policies_along(
    api, founded, django_capture_on_commit_callbacks
):
    user, key = made(api)
    _, token = ask_for_token(key["accessKeyId"], key["apiSecret"])

    with django_capture_on_commit_callbacks(execute=True):
        answer = api.delete(f"serviceusers/{user['id']}")

    assert (answer.status, answer.json["id"]) == (200, user["id"])
    assert not AccessKey.objects.filter(service_user_id=user["id"]).exists()
    assert not PolicyAttachment.objects.filter(principal_id=user["id"]).exists()
    assert ApiClient(founded, token=token["access_token"]).get("users/me").status == 403


def test_two_keys_of_one_service_user_work_side_by_side(api):
    user, first = made(api)
    second = api.post(f"serviceusers/{user['id']}/accesskeys").json

    assert ask_for_token(first["accessKeyId"], first["apiSecret"])[0] == 200
    assert ask_for_token(second["accessKeyId"], second["apiSecret"])[0] == 200
    assert ask_for_token(first["accessKeyId"], second["apiSecret"])[0] == 401


def test_a_key_answers_below_its_own_service_user_only(api):
    _, key = made(api)
    other, _ = made(api, "Other")

    assert api.get(f"serviceusers/{other['id']}/accesskeys/{key['id']}").status == 404
    assert api.get(f"accesskeys/{key['id']}").status == 200


def test_service_users_and_keys_of_another_organization_are_not_there(api):
    theirs = make_founded()

    assert api.get(f"serviceusers/{theirs.service_user.pk}").status == 404
    assert api.get(f"serviceusers/{theirs.service_user.pk}/accesskeys").status == 404
    assert api.post(f"serviceusers/{theirs.service_user.pk}/accesskeys").status == 404
    assert api.delete(f"accesskeys/{theirs.access_key_id}").status == 404
    assert AccessKey.objects.filter(pk=theirs.access_key_id, status="ACTIVE").exists()


def test_the_last_administrator_key_can_neither_be_switched_off_nor_deleted(api, founded):
    Membership.objects.filter(organization=founded.organization).delete()
    path = f"accesskeys/{founded.access_key_id}"

    answers = [
        api.put(path, {"status": "INACTIVE", "version": 1}),
        api.delete(path),
        api.delete(f"serviceusers/{founded.service_user.pk}"),
    ]

    assert [answer.status for answer in answers] == [400, 400, 400]
    key = AccessKey.objects.get(pk=founded.access_key_id)
    assert (key.status, key.version) == ("ACTIVE", 1)
    assert PolicyAttachment.objects.filter(principal_id=founded.service_user.pk).exists()


def test_a_key_without_any_policy_may_only_ask_who_it_is(api, founded):
    _, key = made(api)
    row = AccessKey.objects.get(pk=key["id"])
    client = ApiClient(founded, token=tokens.token_for(row))

    assert client.get("users/me").json["serviceUser"]["name"] == "Nightly upload"
    for path in ("serviceusers", f"accesskeys/{key['id']}", "products"):
        assert client.get(path).status == 403


def test_a_process_that_saw_a_key_inactive_takes_its_tokens_once_it_is_active_again(api, founded):
    _, key = made(api)
    _, token = ask_for_token(key["accessKeyId"], key["apiSecret"])
    client = ApiClient(founded, token=token["access_token"])
    row = AccessKey.objects.get(pk=key["id"])

    # Another process switches the key: this one is not told.
    AccessKey.objects.filter(pk=row.pk).update(status="INACTIVE")
    tokens.forget_keys()
    refused = client.get("users/me").status
    AccessKey.objects.filter(pk=row.pk).update(status="ACTIVE")

    assert (refused, client.get("users/me").status) == (403, 200)
