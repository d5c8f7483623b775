"""One delivery from the first attempt to its end, against a real receiver."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from django.core import mail

from integrations import claims, delivery, disabling, retries, sending
from integrations.models import Delivery, DeliveryAttempt, WebhookDestination
from organizations.models import Alert, Event
from tests.integrations.receiving import (
    NOON,
    attempt_when_due,
    make_delivery,
    make_destination,
)
from tests.organizations.people_made import make_member

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_jitter(monkeypatch):
    monkeypatch.setattr(delivery.random, "uniform", lambda _low, _high: 0.0)


@pytest.fixture
def destination(organization, receiver):
    return make_destination(organization, receiver.url)


def verify(received, secret):
    """Check a signature as a receiver would, from the published description alone."""
    signed = (
        received.headers["webhook-id"] + "." + received.headers["webhook-timestamp"] + "."
    ).encode() + received.body
    expected = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    return f"v1,{expected}" in received.headers["webhook-signature"].split(" ")


def error_events():
    return list(
        Event.objects.filter(name__startswith="integration.").values_list("name", "payload")
    )


def test_a_delivery_arrives_signed_and_whole(destination, receiver):
    row = make_delivery(destination)

    attempt_when_due(row)

    (received,) = receiver.requests
    event = Event.objects.get(pk=row.event_id)
    notification = Event.objects.get(cause_id=event.pk)
    assert json.loads(received.body) == {
        "type": "notification.triggered",
        "id": str(notification.pk),
        "timestamp": "2026-01-15T12:00:00.000Z",
        "organizationId": str(destination.organization_id),
        "notification": {
            "id": str(row.rule_id),
            "code": "everything",
            "name": "Every event",
            "description": "Fires on every event; made for webhook destinations that receive all.",
        },
        "event": {
            "id": str(event.pk),
            "eventName": "configuration.product.created",
            "eventTime": "2026-01-15T12:00:00.000Z",
            "m3terEvent": {"eventData": {"newDto": {"id": "p-1", "name": "Inference"}}},
        },
    }
    assert b", " not in received.body and b'": ' not in received.body
    assert verify(received, b"my-api-secret") and not verify(received, b"another")
    assert received.headers["webhook-id"] == str(row.pk)
    assert received.headers["webhook-timestamp"] == "1768478400"  # 2026-01-15T12:00:00Z
    assert received.headers["x-api-key"] == "key-1"
    assert received.headers["content-type"] == "application/json; charset=utf-8"
    assert (row.status, row.attempts_made, row.next_attempt_at) == ("COMPLETE", 1, None)
    assert (row.finished_at, row.error, row.claimed_until) == (row.finished_at, "", None)


def test_failures_are_tried_again_with_the_same_id_and_bytes_until_it_works(destination, receiver):
    receiver.answers(500, 503, 404, 200)
    row = make_delivery(destination)
    waits = []

    while row.finished_at is None:
        before = row.next_attempt_at
        attempt_when_due(row)
        log = row.attempts.order_by("-number").first()
        if row.next_attempt_at:
            ended = before + timedelta(milliseconds=log.duration_ms)
            waits.append((row.next_attempt_at - ended).total_seconds())

    assert waits == [5, 300, 1800]
    assert row.status == "COMPLETE"
    assert {(r.headers["webhook-id"], r.body) for r in receiver.requests} == {
        (str(row.pk), bytes(row.body))
    }
    assert len({r.headers["webhook-timestamp"] for r in receiver.requests}) == 4
    assert all(verify(received, b"my-api-secret") for received in receiver.requests)
    logged = row.attempts.order_by("number").values_list("number", "status_code")
    assert list(logged) == [(1, 500), (2, 503), (3, 404), (4, 200)]


def test_the_tenth_failure_is_the_last_and_is_told_once(destination, receiver):
    receiver.answers(500)
    row = make_delivery(destination)

    while row.finished_at is None:
        attempt_when_due(row)

    assert (row.status, row.attempts_made, len(receiver.requests)) == ("ERROR", 10, 10)
    ((name, payload),) = error_events()
    assert name == "integration.perform.error"
    told = payload["eventData"]["newDto"]
    assert told["message"] == (
        f"configuration.product.created could not be delivered to {destination.name}: "
        "The receiver answered 500."
    )
    assert told["integrationRunId"] == str(row.pk)
    assert told["entityId"] == str(row.event_id)
    assert told["destinationId"] == str(destination.pk)
    assert claims.hand_out(NOON + timedelta(days=20)) == []


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_retried_and_reported_as_such(destination, receiver, status):
    receiver.answers(status)
    row = make_delivery(destination)
    Delivery.objects.filter(pk=row.pk).update(attempts_made=retries.ATTEMPTS - 1)

    attempt_when_due(row)

    assert [name for name, _ in error_events()] == ["integration.authentication.error"]


def test_a_failing_delivery_of_an_integration_event_tells_nobody(destination, receiver):
    receiver.answers(500)
    row = make_delivery(destination, name="integration.perform.error")
    Delivery.objects.filter(pk=row.pk).update(attempts_made=retries.ATTEMPTS - 1)

    attempt_when_due(row)

    assert row.status == "ERROR"
    assert Event.objects.filter(name__startswith="integration.").count() == 1  # the one it is about


def test_a_redirect_is_a_failure_and_is_not_followed(destination, receiver):
    elsewhere = receiver.url.replace("/hook", "/elsewhere")
    receiver.answers((301, {"Location": elsewhere}, b"", 0.0))
    row = make_delivery(destination)

    attempt_when_due(row)

    assert [received.path for received in receiver.requests] == ["/hook"]
    assert (row.status, row.error) == ("AWAITING_RETRY", "The receiver answered 301.")


def test_an_answer_that_takes_too_long_is_a_failure(destination, receiver, monkeypatch):
    monkeypatch.setattr(sending, "REQUEST_SECONDS", 0.3)
    post = sending.post
    monkeypatch.setattr(sending, "post", lambda *a: post(*a, limit_seconds=0.3))
    receiver.answers((200, {}, b"", 5.0))
    row = make_delivery(destination)

    attempt_when_due(row)

    assert (row.status, row.error) == ("AWAITING_RETRY", "No answer within 0.3 seconds.")
    log = row.attempts.get()
    assert log.status_code is None and 250 <= log.duration_ms < 2000


def test_a_receiver_that_is_not_there_is_a_failure(organization):
    row = make_delivery(make_destination(organization, "http://127.0.0.1:9/hook"))

    attempt_when_due(row)

    assert (row.status, row.attempts.get().status_code) == ("AWAITING_RETRY", None)
    assert row.error == "The connection failed or was closed."


def test_the_head_of_the_answer_is_kept_up_to_4_kib(destination, receiver):
    receiver.answers((200, {}, b"no\x00thing\xff" + b"x" * 100_000, 0.0))
    row = make_delivery(destination)

    attempt_when_due(row)

    head = row.attempts.get().response_head
    assert head == "no\ufffdthing\ufffd" + "x" * (4096 - 9)
    assert row.status == "COMPLETE"


def test_retry_after_is_obeyed_and_429_pauses_other_deliveries_for_a_minute(destination, receiver):
    receiver.answers((429, {"Retry-After": "40"}, b"", 0.0), 200)
    first, second = make_delivery(destination), make_delivery(destination)

    attempt_when_due(first)

    ended = NOON + timedelta(milliseconds=first.attempts.get().duration_ms)
    assert first.status == "RATE_LIMIT_RETRY"
    assert first.next_attempt_at == ended + timedelta(seconds=40)
    assert claims.hand_out(NOON + timedelta(seconds=30)) == []
    assert claims.begin(second.pk, NOON + timedelta(seconds=30)) is None
    # The one that was told when to come back comes then; the other waits out the pause.
    at = NOON + timedelta(seconds=45)
    assert claims.hand_out(at) == [first.pk]
    assert delivery.deliver(first.pk, at) == destination.pk
    assert delivery.deliver(second.pk, at + timedelta(seconds=1)) == destination.pk


def test_a_pause_ends_after_a_minute_by_itself(destination, receiver):
    receiver.answers(502, 200)
    first, second = make_delivery(destination), make_delivery(destination)
    attempt_when_due(first)
    Delivery.objects.filter(pk=first.pk).update(next_attempt_at=NOON + timedelta(hours=1))

    assert claims.hand_out(NOON + timedelta(seconds=59)) == []
    assert claims.hand_out(NOON + timedelta(seconds=62)) == [second.pk]


def test_410_makes_the_destination_inactive_at_once(destination, receiver):
    receiver.answers(410)
    row, waiting = make_delivery(destination), make_delivery(destination)

    attempt_when_due(row)

    destination.refresh_from_db()
    waiting.refresh_from_db()
    assert (destination.is_active, destination.version) == (False, 2)
    assert (row.status, waiting.status) == ("DISABLED", "DISABLED")
    assert [name for name, _ in error_events()] == ["integration.disabled.error"]
    assert Alert.objects.get().resource_id == destination.pk
    assert len(receiver.requests) == 1


def test_five_days_of_nothing_but_failures_disable_a_destination(destination, receiver):
    receiver.answers(500)
    rows = [make_delivery(destination) for _ in range(5)]

    def fail(row, after):
        Delivery.objects.filter(pk=row.pk).update(next_attempt_at=NOON + after)
        attempt_when_due(row)
        destination.refresh_from_db()

    fail(rows[0], timedelta(0))
    fail(rows[1], timedelta(hours=11))
    assert destination.disable_clock_at is None
    fail(rows[2], timedelta(hours=13))  # 13 hours after the first, within 24
    assert destination.disable_clock_at == NOON + timedelta(hours=13)
    fail(rows[3], timedelta(days=5, hours=12))  # half an hour short of five days of the clock
    assert destination.is_active
    fail(rows[4], timedelta(days=5, hours=13))

    assert not destination.is_active
    assert destination.disabled_reason == disabling.ONLY_FAILURES
    assert [name for name, _ in error_events()] == ["integration.disabled.error"]
    assert set(Delivery.objects.values_list("status", flat=True)) == {"DISABLED"}


def test_failures_days_apart_do_not_start_the_clock_and_a_success_stops_it(destination, receiver):
    receiver.answers(500)
    rows = [make_delivery(destination) for _ in range(4)]
    for days, row in enumerate(rows[:3]):
        Delivery.objects.filter(pk=row.pk).update(next_attempt_at=NOON + timedelta(days=2 * days))
        attempt_when_due(row)
    destination.refresh_from_db()
    assert (destination.disable_clock_at, destination.failing_since is None) == (None, False)
    WebhookDestination.objects.update(disable_clock_at=NOON)
    receiver.answers(200)

    attempt_when_due(rows[3])

    destination.refresh_from_db()
    assert (destination.failing_since, destination.disable_clock_at) == (None, None)


def test_a_worker_that_dies_after_sending_sends_the_same_again(destination, receiver):
    row = make_delivery(destination)
    assignment = claims.begin(row.pk, NOON)
    sending.post(assignment.url, assignment.body, delivery._headers(assignment))
    # Here the worker is killed: nothing is recorded.

    assert claims.hand_out(NOON + timedelta(seconds=59)) == []
    assert delivery.deliver(row.pk, NOON + timedelta(seconds=59)) is None
    at = NOON + timedelta(seconds=61)
    assert claims.hand_out(at) == [row.pk]
    assert delivery.deliver(row.pk, at) == destination.pk

    row.refresh_from_db()
    first, second = receiver.requests
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert (row.status, row.attempts_made) == ("COMPLETE", 1)


def test_what_the_broker_lost_is_handed_out_again_and_a_late_message_does_nothing(
    destination, receiver
):
    row = make_delivery(destination)
    assert claims.hand_out(NOON) == [row.pk]  # and the broker loses it

    assert claims.hand_out(NOON + timedelta(seconds=59)) == []
    assert claims.hand_out(NOON + timedelta(seconds=61)) == [row.pk]
    assert delivery.deliver(row.pk, NOON + timedelta(seconds=62)) == destination.pk
    assert delivery.deliver(row.pk, NOON + timedelta(seconds=62)) is None  # the lost one, late

    assert len(receiver.requests) == 1


def test_a_late_failure_does_not_undo_the_success_of_another_worker(destination, receiver):
    row = make_delivery(destination)
    slow = claims.begin(row.pk, NOON)
    assert delivery.deliver(row.pk, NOON + timedelta(seconds=61)) == destination.pk

    delivery.record(slow, sending.Answer(20_000, error="late"), NOON + timedelta(seconds=70))

    row.refresh_from_db()
    assert (row.status, row.error, row.next_attempt_at) == ("COMPLETE", "", None)
    assert DeliveryAttempt.objects.filter(delivery=row).count() == 2


def test_a_destination_deleted_while_sending_leaves_nothing_behind(destination, receiver):
    row = make_delivery(destination)
    assignment = claims.begin(row.pk, NOON)
    destination.delete()

    delivery.record(assignment, sending.Answer(5, 200), NOON)

    assert (Delivery.objects.count(), DeliveryAttempt.objects.count()) == (0, 0)


def test_secrets_are_in_no_log_and_no_text_of_the_values_passed_around(
    destination, receiver, caplog
):
    receiver.answers(500)
    row = make_delivery(destination)
    with caplog.at_level("DEBUG"):
        assignment = claims.begin(row.pk, NOON)
        answer = sending.post(assignment.url, assignment.body, delivery._headers(assignment))
        delivery.record(assignment, answer, NOON)

    assert "my-api-secret" not in caplog.text + repr(assignment) + repr(answer) + repr(destination)


def test_headers_go_under_the_names_the_receiver_expects(destination, receiver):
    destination.header_names = {"webhook-signature": "X-Vendor-Signature"}
    destination.save()

    attempt_when_due(make_delivery(destination))

    (received,) = receiver.requests
    assert "webhook-signature" not in received.headers
    received.headers["webhook-signature"] = received.headers["x-vendor-signature"]
    assert verify(received, b"my-api-secret")


def test_a_secret_is_sealed_and_one_that_cannot_be_read_sends_nothing(
    destination, receiver, settings
):
    row = make_delivery(destination)
    assert "my-api-secret" not in destination.sealed_secret
    settings.SECRET_KEY = "changed " * 8

    attempt_when_due(row)

    assert receiver.requests == []
    assert (row.status, row.attempts_made) == ("AWAITING_RETRY", 1)
    assert row.error == delivery.UNREADABLE
    assert row.attempts.get().status_code is None


def test_administrators_are_told_by_mail_when_a_destination_is_made_inactive(
    founded, destination, receiver, eager_tasks, django_capture_on_commit_callbacks
):
    receiver.answers(410)
    reader = make_member(founded.organization)

    with django_capture_on_commit_callbacks(execute=True):
        attempt_when_due(make_delivery(destination))

    (sent,) = mail.outbox
    assert (sent.to, reader.user.email != founded.admin.email) == ([founded.admin.email], True)
    assert sent.subject == f"Webhook destination {destination.name} was made inactive"
    assert disabling.GONE in sent.body
    assert f"/admin/integrations/webhookdestination/{destination.pk}/change/" in sent.body
