"""From recorded events to delivery rows."""

import json
import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from integrations import bodies, destinations, dispatch, resending, retention
from integrations.models import Delivery, DeliveryAttempt
from organizations.kernel import isolation, principals
from organizations.models import AuditEntry, Event
from tests.factories import make_organization
from tests.integrations.receiving import NOON, make_delivery, make_destination, make_event

URL = "http://127.0.0.1:9/hook"


@pytest.mark.django_db
def test_every_connected_destination_of_the_organization_gets_the_event(organization):
    first = make_destination(organization, URL)
    second = make_destination(organization, URL)
    inactive = make_destination(organization, URL, is_active=False)
    make_destination(make_organization(), URL)
    event = make_event(organization)

    dispatch.dispatch(NOON)
    dispatch.dispatch(NOON)

    rows = Delivery.objects.filter(event_id=event.pk)
    statuses = dict(rows.values_list("destination_id", "status"))
    assert statuses == {first.pk: "WAITING", second.pk: "WAITING", inactive.pk: "DISABLED"}
    assert rows.count() == 3
    assert len({bytes(row.body) for row in rows}) == 1
    assert Event.objects.filter(cause_id=event.pk).count() == 1
    assert Event.objects.get(pk=event.pk).dispatched_at == NOON


@pytest.mark.django_db
def test_what_happened_before_a_destination_was_made_is_not_sent_to_it(organization):
    old = make_event(organization, at=NOON - timedelta(seconds=1))
    make_destination(organization, URL, created_at=NOON)
    Event.objects.filter(pk=old.pk).update(dispatched_at=None)
    new = make_event(organization, at=NOON)

    dispatch.dispatch(NOON)

    assert list(Delivery.objects.values_list("event_id", flat=True)) == [new.pk]
    assert not Event.objects.filter(dispatched_at__isnull=True).exists()


@pytest.mark.django_db
def test_events_nobody_listens_to_are_passed_over_without_reading_them(
    organization, django_assert_num_queries
):
    for _ in range(5):
        make_event(organization)

    # One statement marks them all; the second finds that nothing is left.
    with django_assert_num_queries(4):
        assert dispatch.dispatch(NOON) == 0

    assert not Event.objects.filter(dispatched_at__isnull=True).exists()


@pytest.mark.django_db
def test_a_batch_takes_the_same_number_of_statements_whatever_its_size(
    organization, django_assert_num_queries
):
    make_destination(organization, URL)
    make_destination(organization, URL)
    for _ in range(40):
        make_event(organization)

    # Pass over; savepoint, read, scheduled events, rules, notifications, activity, connections,
    # configurations of systems, insert, mark, release; and the first of them once more, to see that
    # nothing is left.
    with django_assert_num_queries(15):
        assert dispatch.dispatch(NOON) == 80


@pytest.mark.django_db(transaction=True)
def test_two_dispatchers_at_once_make_each_delivery_once():
    organization = make_organization()
    for _ in range(3):
        make_destination(organization, URL)
    for _ in range(1200):
        Event.objects.create(organization=organization, name="n", created_at=NOON)
    together = threading.Barrier(2)

    @isolation.everywhere()
    def run():
        together.wait()
        try:
            dispatch.dispatch(NOON)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Delivery.objects.count() == 3600
    assert Delivery.objects.values("event_id", "destination_id").distinct().count() == 3600


@pytest.mark.django_db
def test_a_delivery_that_is_there_already_is_left_alone(organization):
    destination = make_destination(organization, URL)
    row = make_delivery(destination)
    Delivery.objects.filter(pk=row.pk).update(status="COMPLETE", next_attempt_at=None)
    Event.objects.filter(pk=row.event_id).update(dispatched_at=None)  # as after a crash

    dispatch.dispatch(NOON + timedelta(hours=1))

    assert Delivery.objects.get(event_id=row.event_id).status == "COMPLETE"


@pytest.mark.django_db
def test_numbers_reach_the_receiver_exactly(organization):
    amount = Decimal("12345678901234567890.123456789012345678")
    event = make_event(organization, payload={"eventData": {"newDto": {"amount": amount}}})

    body = bodies.of_event(Event.objects.get(pk=event.pk))

    assert b'"amount":12345678901234567890.123456789012345678' in body


@pytest.mark.django_db
def test_a_body_that_is_too_large_loses_its_arrays_first_and_then_everything(organization):
    long = [{"text": "x" * 1000}] * 300
    with_arrays = {"eventData": {"newDto": {"id": "b-1", "lines": long, "more": {"tags": long}}}}
    with_text = {"eventData": {"newDto": {"id": "b-1", "memo": "x" * 300_000}}}

    first = json.loads(bodies.of_event(make_event(organization, payload=with_arrays)))
    second = json.loads(bodies.of_event(make_event(organization, payload=with_text)))

    assert first["truncated"] is True
    assert first["event"]["m3terEvent"] == {"eventData": {"newDto": {"id": "b-1", "more": {}}}}
    assert (second["truncated"], second["event"]["m3terEvent"]) == (True, {"eventData": {}})


@pytest.mark.django_db
def test_a_test_event_is_sent_without_being_an_event(organization):
    destination = make_destination(organization, URL)
    by = principals.system(organization.pk)
    events_before = Event.objects.count()

    row = dispatch.send_test(destination, by=by, at=NOON)

    assert (row.event_name, row.status, row.next_attempt_at) == ("webhook.test", "WAITING", NOON)
    assert json.loads(row.body)["type"] == "webhook.test"
    assert Event.objects.count() == events_before
    assert AuditEntry.objects.filter(action="sendTest", entity_id=destination.pk).count() == 1


@pytest.mark.django_db
def test_nothing_is_sent_to_an_inactive_destination_by_hand_either(organization):
    destination = make_destination(organization, URL)
    row = make_delivery(destination)
    by = principals.system(organization.pk)
    destinations.activate(destination, active=False, by=by, at=NOON)
    destination.refresh_from_db()

    with pytest.raises(dispatch.DestinationInactive):
        dispatch.send_test(destination, by=by, at=NOON)
    with pytest.raises(dispatch.DestinationInactive):
        resending.send_again(row, by=by, at=NOON)
    with pytest.raises(dispatch.DestinationInactive):
        resending.send_again_failed(destination, since=NOON, by=by, at=NOON)

    row.refresh_from_db()
    assert (row.status, row.next_attempt_at) == ("DISABLED", None)
    assert Delivery.objects.count() == 1


@pytest.mark.django_db
def test_sending_again_begins_a_new_round_of_attempts_under_the_same_id(organization):
    row = make_delivery(make_destination(organization, URL))
    Delivery.objects.filter(pk=row.pk).update(
        status="ERROR", attempts_made=10, next_attempt_at=None, finished_at=NOON, error="no"
    )
    later = NOON + timedelta(days=1)

    again = resending.send_again(row, by=principals.system(organization.pk), at=later)

    assert (again.pk, again.status, again.next_attempt_at) == (row.pk, "WAITING", later)
    assert (again.attempts_made, again.attempts_in_round) == (10, 0)
    assert (again.finished_at, again.error) == (None, "")


@pytest.mark.django_db
def test_what_is_being_sent_cannot_be_sent_again_at_the_same_time(organization):
    row = make_delivery(make_destination(organization, URL))
    lease = NOON + timedelta(seconds=60)
    Delivery.objects.filter(pk=row.pk).update(status="STARTED", claimed_until=lease)

    with pytest.raises(resending.BeingSent):
        resending.send_again(row, by=principals.system(organization.pk), at=NOON)

    row.refresh_from_db()
    assert (row.status, row.claimed_until) == ("STARTED", lease)


@pytest.mark.django_db
def test_all_failed_since_a_time_are_sent_again_and_nothing_else(organization):
    destination = make_destination(organization, URL)
    rows = [make_delivery(destination) for _ in range(5)]
    states = ["ERROR", "DISABLED", "COMPLETE", "ERROR", "AWAITING_RETRY"]
    for row, status in zip(rows, states, strict=True):
        Delivery.objects.filter(pk=row.pk).update(status=status, next_attempt_at=None)
    Delivery.objects.filter(pk=rows[3].pk).update(created_at=NOON - timedelta(seconds=1))
    later = NOON + timedelta(days=1)

    count = resending.send_again_failed(
        destination, since=NOON, by=principals.system(organization.pk), at=later
    )

    due = Delivery.objects.filter(next_attempt_at=later).values_list("pk", flat=True)
    assert (count, set(due)) == (2, {rows[0].pk, rows[1].pk})


@pytest.mark.django_db
def test_deliveries_and_attempts_are_kept_for_28_days(organization):
    destination = make_destination(organization, URL)
    old, young = make_delivery(destination), make_delivery(destination)
    for row in (old, young):
        DeliveryAttempt.objects.create(delivery=row, number=1, started_at=NOON, duration_ms=1)
    Delivery.objects.filter(pk=old.pk).update(created_at=NOON - timedelta(seconds=1))

    assert retention.delete_old(NOON + timedelta(days=28)) == 1

    assert list(Delivery.objects.values_list("pk", flat=True)) == [young.pk]
    assert list(DeliveryAttempt.objects.values_list("delivery_id", flat=True)) == [young.pk]


def test_what_a_batch_made_is_handed_out_while_more_events_come(
    organization, receiver, monkeypatch
):
    monkeypatch.setattr(dispatch, "BATCH", 1)
    make_destination(organization, receiver.url)
    for _ in range(3):
        make_event(organization)
    there = []

    dispatch.dispatch(NOON, after_batch=lambda: there.append(Delivery.objects.count()))

    assert there == [1, 2, 3]
