"""Guessing passwords and secrets is locked out; changing a password ends other sessions."""

import base64

import pytest
from django.test import Client
from django.urls import reverse

from organizations.kernel import exact_json
from organizations.models import AccessKey
from tests.organizations.people_made import make_member

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-password"


def log_in(email, password, address="10.0.0.1", client=None):
    """Return whether the login form lets somebody in."""
    client = client or Client()
    answer = client.post(
        reverse("admin:login"), {"username": email, "password": password}, REMOTE_ADDR=address
    )
    return answer.status_code == 302


def ask_for_token(founded, secret, address="10.0.0.1"):
    """Return the status of the token endpoint's answer."""
    basic = base64.b64encode(f"{founded.access_key_id}:{secret}".encode()).decode()
    answer = Client().post(
        "/oauth/token",
        exact_json.dumps({"grant_type": "client_credentials"}),
        content_type="application/json",
        headers={"Authorization": f"Basic {basic}"},
        REMOTE_ADDR=address,
    )
    return answer.status_code


def test_ten_failures_lock_an_address_of_mail_from_everywhere(organization):
    member, other = make_member(organization), make_member(organization)
    for number in range(10):
        assert not log_in(member.user.email, "wrong", address=f"10.0.0.{number}")

    assert not log_in(member.user.email.upper(), PASSWORD, address="10.0.9.9")
    assert log_in(other.user.email, PASSWORD, address="10.0.0.1")


def test_a_success_in_between_starts_the_count_again(organization):
    email = make_member(organization).user.email
    for _ in range(2):
        for _ in range(9):
            assert not log_in(email, "wrong")

        assert log_in(email, PASSWORD)


def test_fifty_failures_lock_an_address_for_every_account(organization):
    email = make_member(organization).user.email
    for number in range(50):
        log_in(f"guess{number}@example.com", "wrong")

    assert not log_in(email, PASSWORD)
    assert log_in(email, PASSWORD, address="10.0.0.2")


def test_a_wrong_secret_is_a_401_however_often_and_locks_only_the_guesser(founded):
    answers = {ask_for_token(founded, f"wrong{number}") for number in range(25)}

    assert answers == {401}
    assert ask_for_token(founded, founded.api_secret) == 401
    assert ask_for_token(founded, founded.api_secret, address="10.0.0.2") == 200


def test_nineteen_wrong_secrets_lock_nothing(founded):
    for number in range(19):
        ask_for_token(founded, f"wrong{number}")

    assert ask_for_token(founded, founded.api_secret) == 200


def test_a_client_with_a_wrong_secret_does_not_lock_the_others_at_its_address(founded, api):
    user = api.post("serviceusers", {"name": "Other"}).json
    other = api.post(f"serviceusers/{user['id']}/accesskeys").json
    for number in range(210):
        ask_for_token(founded, f"wrong{number}")

    basic = base64.b64encode(f"{other['accessKeyId']}:{other['apiSecret']}".encode()).decode()
    answer = Client().post(
        "/oauth/token",
        b'{"grant_type":"client_credentials"}',
        content_type="application/json",
        headers={"Authorization": f"Basic {basic}"},
        REMOTE_ADDR="10.0.0.1",
    )

    assert answer.status_code == 200


def test_tokens_asked_for_with_the_right_secret_are_never_limited(founded):
    assert {ask_for_token(founded, founded.api_secret) for _ in range(60)} == {200}
    assert AccessKey.objects.get(pk=founded.access_key_id).latest_used_at is not None


def test_changing_the_password_ends_the_other_sessions_and_keeps_this_one(organization):
    email = make_member(organization).user.email
    here, there = Client(), Client()
    assert log_in(email, PASSWORD, client=here)
    assert log_in(email, PASSWORD, client=there)

    changed = here.post(
        reverse("admin:password_change"),
        {
            "old_password": PASSWORD,
            "new_password1": "correct-horse-battery",
            "new_password2": "correct-horse-battery",
        },
    )

    assert changed.status_code == 302
    assert here.get(reverse("admin:index")).status_code == 200
    ended = there.get(reverse("admin:index"))
    assert (ended.status_code, reverse("admin:login") in ended.headers["Location"]) == (302, True)
