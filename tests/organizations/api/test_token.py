"""``POST /oauth/token`` (A4.8, A4.9)."""

import base64
import time

import pytest
import time_machine

from organizations import attempts, tokens
from organizations.installation import standing
from organizations.kernel import principals
from organizations.models import AccessKey, AuditEntry
from tests.clients import ApiClient


def ask(client, key, secret, body=b'{"grant_type": "client_credentials"}', kind="application/json"):
    credentials = base64.b64encode(f"{key}:{secret}".encode()).decode()
    return client.post(
        "/oauth/token", body, content_type=kind, headers={"Authorization": f"Basic {credentials}"}
    )


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"grant_type": "client_credentials", "scope": "x"}', "application/json"),
        (b"grant_type=client_credentials", "application/x-www-form-urlencoded"),
    ],
)
def test_a_key_and_its_secret_get_a_bearer_token_that_works(client, founded, body, kind):
    answer = ask(client, founded.access_key_id, founded.api_secret, body, kind)

    assert answer.status_code == 200
    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["expires_in"] == 18000
    assert answer["Cache-Control"] == "no-store"
    assert ApiClient(founded, answer.json()["access_token"]).get("products").status == 200


@pytest.mark.parametrize("which", ["secret", "key", "garbage", "none"])
def test_wrong_credentials_are_a_401_that_does_not_say_what_is_wrong(client, founded, which):
    key, secret = founded.access_key_id, founded.api_secret
    if which == "none":
        answer = client.post(
            "/oauth/token", b'{"grant_type": "client_credentials"}', content_type="application/json"
        )
    else:
        answer = ask(
            client,
            {"key": "00000000-0000-4000-8000-000000000000", "garbage": "x"}.get(which, key),
            {"secret": "wrong"}.get(which, secret),
        )

    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"
    assert answer.json()["message"] == "The access key or its secret is not valid."


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"grant_type": "password"}'])
def test_another_grant_type_is_a_400(client, founded, body):
    answer = ask(client, founded.access_key_id, founded.api_secret, body)

    assert answer.status_code == 400
    assert answer.json()["error"] == "unsupported_grant_type"


def test_an_inactive_key_gets_no_token_and_its_tokens_die(client, founded):
    api = ApiClient(founded)
    assert api.get("products").status == 200

    AccessKey.objects.filter(pk=founded.access_key_id).update(status="INACTIVE")

    assert ask(client, founded.access_key_id, founded.api_secret).status_code == 401
    tokens.forget_keys()
    assert api.get("products").status == 403


def test_a_key_of_an_archived_organization_gets_no_token_until_it_is_active_again(client, founded):
    """A1.5: at once both ways, however often a client has asked in vain meanwhile."""
    key, secret = founded.access_key_id, founded.api_secret
    organization_id = founded.organization.pk

    standing.archive(organization_id, by=principals.system(organization_id))
    refused = [ask(client, key, secret) for _ in range(attempts.TOKEN.limits["key"] + 1)]
    standing.activate(organization_id, by=principals.system(organization_id))
    answer = ask(client, key, secret)

    assert {each.status_code for each in refused} == {401}
    assert refused[0].json()["error"] == "invalid_client"
    assert refused[0].json()["message"] == "The access key or its secret is not valid."
    assert answer.status_code == 200
    assert ApiClient(founded, answer.json()["access_token"]).get("products").status == 200


def test_guesses_at_a_key_of_an_archived_organization_are_counted(client, founded):
    organization_id = founded.organization.pk
    standing.archive(organization_id, by=principals.system(organization_id))

    for _ in range(attempts.TOKEN.limits["key"]):
        ask(client, founded.access_key_id, "a guess")
    standing.activate(organization_id, by=principals.system(organization_id))

    assert ask(client, founded.access_key_id, founded.api_secret).status_code == 401


def test_a_token_ends_after_its_lifetime_and_30_seconds_of_leeway(founded):
    with time_machine.travel(time.time(), tick=False) as clock:
        api = ApiClient(founded)

        clock.shift(18_000 + 29)
        assert api.get("products").status == 200

        clock.shift(2)
        assert api.get("products").status == 403


def test_the_secret_is_nowhere_in_the_database(founded):
    row = AccessKey.objects.get(pk=founded.access_key_id)

    assert founded.api_secret.encode() not in bytes(row.secret_hash)
    assert len(bytes(row.secret_hash)) == 32


def test_a_new_token_never_cancels_an_older_one(client, founded):
    first, second = (
        ask(client, founded.access_key_id, founded.api_secret).json()["access_token"]
        for _ in range(2)
    )

    assert [ApiClient(founded, token).get("products").status for token in (first, second)] == [
        200, 200,
    ]  # fmt: skip
    assert len(second) < 4096


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/token/", "//oauth/token"])
def test_slashes_too_many_are_neither_needed_nor_redirected(client, founded, path):
    pair = base64.b64encode(f"{founded.access_key_id}:{founded.api_secret}".encode()).decode()

    answer = client.generic(
        "POST",
        "/oauth/token",
        b'{"grant_type": "client_credentials"}',
        content_type="application/json",
        headers={"Authorization": f"Basic {pair}"},
        PATH_INFO=path,
    )

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_a_token_is_asked_for_by_post_only(client, method):
    answer = client.generic(method, "/oauth/token")

    assert (answer.status_code, answer["Content-Type"]) == (405, "application/json")


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"x" * 4097, "application/json", 413),
        (b"grant_type=client_credentials", "text/plain", 415),
        (b"<a/>", "application/xml", 415),
    ],
)
def test_a_body_that_is_too_large_or_of_another_type_is_not_read(
    client, founded, body, kind, status
):
    answer = ask(client, founded.access_key_id, founded.api_secret, body, kind)

    assert (answer.status_code, answer.json()["status"]) == (status, status)


def test_guessing_at_a_key_leaves_one_entry_when_it_locks_it(client, founded):
    for _ in range(25):
        ask(client, founded.access_key_id, "wrong")
    ask(client, "00000000-0000-4000-8000-000000000000", "invented")

    (entry,) = AuditEntry.objects.filter(action="token locked")
    assert entry.organization == founded.organization
    assert str(entry.entity_id) == str(entry.access_key_id) == str(founded.access_key_id)
    assert entry.principal_id == founded.service_user.pk
    assert (entry.source_address, entry.is_allowed) == ("127.0.0.1", False)
    assert entry.request_id
