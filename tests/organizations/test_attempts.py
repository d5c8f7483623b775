"""Guessing passwords and secrets is locked out; changing a password ends other sessions."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import Client
from django.urls import reverse

from organizations import attempts
from organizations.kernel import exact_json, ids
from organizations.models import AccessKey, AuditEntry
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


@pytest.mark.parametrize("blank", [{"password": ""}, {"username": ""}, {}])
def test_sending_the_form_half_empty_does_not_forget_the_failures(organization, blank):
    email = make_member(organization).user.email
    for _ in range(9):
        log_in(email, "wrong")
    Client().post(reverse("admin:login"), {"username": email, **blank}, REMOTE_ADDR="10.0.0.1")
    log_in(email, "wrong")

    assert not log_in(email, PASSWORD)


def test_of_many_guesses_at_once_no_more_than_the_limit_are_looked_at():
    gate, looked_at = threading.Barrier(20), []

    def guess():
        gate.wait(10)
        if attempts.LOGIN.begin(email="ann@example.com", address="10.0.0.1"):
            looked_at.append(1)

    with ThreadPoolExecutor(20) as pool:
        for future in [pool.submit(guess) for _ in range(20)]:
            future.result(30)

    assert 1 <= len(looked_at) <= 10
    for _ in range(10 - len(looked_at)):
        assert attempts.LOGIN.begin(email="ann@example.com")
    assert not attempts.LOGIN.begin(email="ann@example.com")
    assert attempts.LOGIN.begin(email="bob@example.com", address="10.0.0.1")


def test_guessing_at_the_old_password_of_an_open_session_is_limited(organization):
    member = make_member(organization)
    browser = Client()
    assert log_in(member.user.email, PASSWORD, client=browser)

    def change(old):
        wanted = "another-long-password"
        return browser.post(
            reverse("admin:password_change"),
            {"old_password": old, "new_password1": wanted, "new_password2": wanted},
        )

    answers = [change(f"guess {number}") for number in range(10)]
    locked = change(PASSWORD)

    assert {answer.status_code for answer in answers} == {200}
    assert "Too many failed attempts" in locked.content.decode()
    member.user.refresh_from_db()
    assert member.user.check_password(PASSWORD)


def test_after_fifty_failures_of_an_address_each_person_may_fail_twice_there(organization):
    email, other = (make_member(organization).user.email for _ in range(2))
    for number in range(60):
        log_in(f"guess{number}@example.com", "wrong")

    assert log_in(email, PASSWORD)
    assert not log_in(other, "wrong")
    assert not log_in(other, "wrong")
    assert not log_in(other, PASSWORD)
    assert log_in(other, PASSWORD, address="10.0.0.2")


def test_failures_and_lockouts_leave_an_entry_a_minute(organization):
    member = make_member(organization)
    for _ in range(12):
        log_in(member.user.email, "wrong", address="10.0.0.7")

    entries = AuditEntry.objects.filter(entity_id=member.user_id, is_allowed=False).order_by("pk")
    assert [entry.action for entry in entries] == ["sign-in failed", "sign-in locked"]
    assert {entry.source_address for entry in entries} == {"10.0.0.7"}
    assert all(entry.request_id for entry in entries)


def test_invented_keys_lock_nobody_behind_the_same_address(founded):
    for number in range(210):
        basic = base64.b64encode(f"{ids.new_id()}:wrong{number}".encode()).decode()
        Client().post(
            "/oauth/token",
            b'{"grant_type":"client_credentials"}',
            content_type="application/json",
            headers={"Authorization": f"Basic {basic}"},
            REMOTE_ADDR="10.0.0.1",
        )

    assert ask_for_token(founded, founded.api_secret) == 200


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
