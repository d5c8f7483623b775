"""A dead or slow receiver slows nobody else, and no receiver is overrun."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from integrations import claims, delivery, dispatch
from integrations.models import Delivery, WebhookDestination
from organizations.kernel import isolation
from tests.factories import make_organization
from tests.integrations.receiving import (
    NOON,
    deliver_all,
    make_destination,
    make_event,
    receiving,
)

pytestmark = pytest.mark.django_db(transaction=True)
SLOW_SECONDS = 1.5


def test_a_dead_receiver_delays_no_other_and_gets_at_most_four_at_once():
    organization = make_organization()
    with receiving() as dead, receiving() as healthy:
        dead.answers((200, {}, b"", SLOW_SECONDS))
        slow_one = make_destination(organization, dead.url)
        quick_one = make_destination(organization, healthy.url)
        for _ in range(30):
            make_event(organization)
        dispatch.dispatch(NOON)
        Delivery.objects.filter(
            pk__in=Delivery.objects.filter(destination=slow_one).values("pk")[8:]
        ).delete()
        finished = deliver_all(NOON, threads=8)

    # 8 slow deliveries, 4 at once, take two turns; 30 quick ones are through by then, also on a
    # machine that is busy with something else.
    assert finished[slow_one.pk] >= 2 * SLOW_SECONDS
    assert finished[quick_one.pk] < 2 * SLOW_SECONDS
    assert (len(dead.requests), len(healthy.requests)) == (8, 30)
    assert dead.most_at_once == 4
    assert healthy.most_at_once <= 4
    assert set(Delivery.objects.values_list("status", flat=True)) == {"COMPLETE"}


def test_two_sweeps_and_every_message_twice_still_send_at_most_four_at_once():
    organization = make_organization()
    with receiving() as slow:
        slow.answers((200, {}, b"", 0.3))
        make_destination(organization, slow.url)
        for _ in range(12):
            make_event(organization)
        dispatch.dispatch(NOON)
        everything = list(Delivery.objects.values_list("pk", flat=True)) * 2

        @isolation.everywhere()
        def work(identity):
            try:
                return delivery.deliver(identity, NOON)
            finally:
                connection.close()

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(work, everything))

    assert slow.most_at_once == 4
    ids = [request.headers["webhook-id"] for request in slow.requests]
    assert len(ids) == len(set(ids)) >= 4


def test_a_failing_destination_holds_one_sender_until_it_works_again():
    organization = make_organization()
    failing = make_destination(organization, "http://127.0.0.1:9/", failing_since=NOON)
    healthy = make_destination(organization, "http://127.0.0.1:9/")
    for _ in range(6):
        make_event(organization)
    dispatch.dispatch(NOON)

    handed_out = claims.hand_out(NOON)

    rows = Delivery.objects.in_bulk(handed_out)
    order = [rows[identity].destination_id for identity in handed_out]
    assert order == [healthy.pk] * 4 + [failing.pk]
    WebhookDestination.objects.update(failing_since=None)
    assert len(claims.hand_out(NOON, destination_id=failing.pk)) == 3


def test_all_failing_destinations_together_hold_eight_senders():
    organization = make_organization()
    for _ in range(12):
        make_destination(organization, "http://127.0.0.1:9/", failing_since=NOON)
    make_event(organization)
    dispatch.dispatch(NOON)

    assert len(claims.hand_out(NOON)) == 8
    assert claims.hand_out(NOON) == []
    assert len(claims.hand_out(NOON + timedelta(seconds=61))) == 8


def test_destinations_take_turns_whoever_has_waited_longest():
    organization = make_organization()
    first = make_destination(organization, "http://127.0.0.1:9/")
    for _ in range(6):
        make_event(organization)
    dispatch.dispatch(NOON - timedelta(minutes=1))
    second = make_destination(organization, "http://127.0.0.1:9/")
    for _ in range(2):
        make_event(organization)
    dispatch.dispatch(NOON)

    handed_out = claims.hand_out(NOON)

    rows = Delivery.objects.in_bulk(handed_out)
    order = [rows[identity].destination_id for identity in handed_out]
    assert order == [first.pk, second.pk, first.pk, second.pk, first.pk, first.pk]


def test_handing_out_to_many_destinations_takes_a_fixed_number_of_statements(
    django_assert_num_queries,
):
    organization = make_organization()
    for _ in range(50):
        make_destination(organization, "http://127.0.0.1:9/")
    make_event(organization)
    dispatch.dispatch(NOON)

    with django_assert_num_queries(3):
        handed_out = claims.hand_out(NOON)

    assert len(handed_out) == 50
