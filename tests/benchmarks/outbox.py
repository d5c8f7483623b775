"""Events: a rule's first attempt within 5 s, a page within 50 ms, deletion that nobody waits for.

``SCALE=5`` is ten million events.
"""

import json
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.test import override_settings

from integrations import claims, connections, delivery, dispatch
from integrations.models import Delivery
from notifications.models import NotificationConfiguration
from organizations.kernel import clock, events, isolation, principals
from organizations.models import Event, Organization
from tests.benchmarks import Ratio, scaled
from tests.factories import make_founded
from tests.integrations.receiving import Receiver, make_destination, receiving

RULES = 1000
A_SECOND = 200
LASTING_SECONDS = 15
WITHIN_SECONDS = 5.0
EVENTS = 2_000_000
WITHIN_MS = 50.0
WAITS_AT_MOST_MS = 1000.0
NAMES = [f"configuration.{noun}.updated" for noun in (
    "product", "meter", "aggregation", "plan", "plantemplate", "pricing", "counter", "plangroup",
    "compoundaggregation", "currency",
)]  # fmt: skip
FILL = """
INSERT INTO organizations_event
    (id, organization_id, name, created_at, payload, resource_id, dispatched_at)
SELECT gen_random_uuid(), %(organization)s, (%(names)s::text[])[1 + n %% 10],
    %(until)s - n * (%(days)s * interval '1 day' / %(count)s),
    %(payload)s, gen_random_uuid(), now()
FROM generate_series(0, %(count)s - 1) n
"""


def run() -> Iterator[Ratio]:
    """Yield both ways rules may be about events, then pages, then deletion."""
    with override_settings(WEBHOOK_ALLOW_PRIVATE_TARGETS=True):
        for words, names in (("spread over ten types", NAMES), ("all about one type", NAMES[:1])):
            yield _first_attempt(words, names)
    organization = make_founded().organization
    count = scaled(EVENTS, least=20_000)
    _fill(organization, count, until=clock.now(), days=27)
    yield from _pages(organization, count)
    yield from _deletion(organization)


# Rules -------------------------------------------------------------------------------------------


def _first_attempt(words: str, names: list[str]) -> Ratio:
    """Record 200 events a second, and dispatch and send as dispatcher and sender do meanwhile."""
    organization = make_founded().organization
    Event.objects.filter(dispatched_at__isnull=True).update(dispatched_at=clock.now())
    with receiving() as receiver:
        destination = make_destination(organization, receiver.url)
        NotificationConfiguration.objects.filter(organization=organization).delete()
        _rules(organization, destination, names)
        stop = threading.Event()
        threads = [
            threading.Thread(target=_record, args=(organization, names, stop)),
            threading.Thread(target=_dispatch, args=(stop,)),
        ]
        arrivals: list[float] = []
        _watch(receiver, arrivals)
        for thread in threads:
            thread.start()
        threads[0].join()
        _wait_for_the_rest(organization)
        stop.set()
        threads[1].join()
    worst = max(arrivals)
    return Ratio(
        f"{WITHIN_SECONDS:g} s / longest way to the first attempt, {RULES} rules {words}",
        WITHIN_SECONDS / worst,
        at_least=1,
        detail=f"{len(arrivals)} attempts, median {statistics.median(arrivals):.2f} s, "
        f"longest {worst:.2f} s, at {A_SECOND} events/s for {LASTING_SECONDS} s",
    )


def _rules(organization: Organization, destination: Any, names: list[str]) -> None:
    """Make rules of which one fires for every fiftieth event, and none of the others does."""
    by = principals.system(organization.pk)
    rows = NotificationConfiguration.objects.bulk_create(
        NotificationConfiguration(
            organization=organization, name=f"Rule {n}", description="-", code=f"rule-{n}",
            event_name=names[n % len(names)], is_active=True,
            active_since=clock.now() - timedelta(hours=1),
            calculation=f"new.version == {n} AND old.version != new.version",
        )
        for n in range(RULES)
    )  # fmt: skip
    for row in rows[: len(names)]:
        connections.connect(row, destination, by=by)


def _record(organization: Organization, names: list[str], stop: threading.Event) -> None:
    """Record events in transactions of their own; every fiftieth makes the first rule fire."""
    with isolation.everywhere():
        begun = time.perf_counter()
        for number in range(A_SECOND * LASTING_SECONDS):
            late = begun + number / A_SECOND - time.perf_counter()
            if late > 0:
                time.sleep(late)
            is_fired = number % 50 == 0
            new = {"name": "Inference", "version": 0 if is_fired else RULES + number}
            data = events.data(organization.pk, new=new, old={"name": "Inference", "version": -1})
            # The rule that may fire is about the first type.
            name = names[0] if is_fired else names[number % len(names)]
            events.record(organization.pk, name, data)
        connection.close()


def _dispatch(stop: threading.Event) -> None:
    """Do what a dispatcher and a sender of four threads do until told to stop."""
    with isolation.everywhere(), ThreadPoolExecutor(4) as pool:

        def hand_out(destination_id: UUID | None = None) -> None:
            for identity in claims.hand_out(clock.now(), destination_id=destination_id):
                pool.submit(send, identity)

        @isolation.everywhere()
        def send(identity: UUID) -> None:
            try:
                if (destination_id := delivery.deliver(identity, clock.now())) is not None:
                    hand_out(destination_id)
            finally:
                connection.close()

        while not stop.is_set():
            dispatch.dispatch(clock.now(), after_batch=hand_out)
            hand_out()
            time.sleep(0.05)
        connection.close()


def _watch(receiver: Receiver, arrivals: list[float]) -> None:
    """Note how old the event is when its first attempt arrives."""
    take, seen = receiver.take, set()

    def noting(request: Any) -> Any:
        if (identity := request.headers["webhook-id"]) not in seen:
            seen.add(identity)
            told = json.loads(request.body)["event"]["eventTime"]
            arrivals.append((clock.now() - datetime.fromisoformat(told)).total_seconds())
        return take(request)

    receiver.take = noting  # type: ignore[method-assign]


def _wait_for_the_rest(organization: Organization) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        waiting = Event.objects.filter(organization=organization, dispatched_at__isnull=True)
        unsent = Delivery.objects.filter(organization=organization, finished_at__isnull=True)
        if not waiting.exists() and not unsent.exists():
            return
        time.sleep(0.1)
    raise RuntimeError("The dispatcher did not keep up.")


# Pages and deletion ------------------------------------------------------------------------------


def _fill(organization: Organization, count: int, *, until: datetime, days: int) -> None:
    payload = events.data(organization.pk, new={"name": "Inference", "note": "x" * 200})
    with connection.cursor() as cursor:
        cursor.execute(FILL, {
            "organization": organization.pk, "names": NAMES, "until": until, "days": days,
            "count": count, "payload": json.dumps(payload),
        })  # fmt: skip
    # What autovacuum does within a minute of such a load.
    with isolation.as_owner(), connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) organizations_event")


def _pages(organization: Organization, count: int) -> Iterator[Ratio]:
    """Measure the newest page, one from the middle, and one of a type, under the policies."""
    rows = events.kept(Event.objects.for_organization(organization)).order_by("-created_at", "-id")
    middle = clock.now() - timedelta(days=13)
    for words, some in (
        ("the newest", rows),
        ("from the middle", rows.filter(created_at__lt=middle)),
        ("of one type", rows.filter(name=NAMES[3])),
    ):
        taken = []
        with isolation.within(organization.pk):
            for _ in range(9):
                begun = time.perf_counter()
                assert len(some[:101]) == 101
                taken.append((time.perf_counter() - begun) * 1000)
        took = statistics.median(taken)
        yield Ratio(f"{WITHIN_MS:g} ms / a page of events, {words}", WITHIN_MS / took, at_least=1,
                    detail=f"{took:.1f} ms of {count:,} events")  # fmt: skip


def _deletion(organization: Organization) -> Iterator[Ratio]:
    """Delete what is too old while somebody records events and looks at them."""
    count = scaled(EVENTS // 10, least=10_000)
    _fill(organization, count, until=clock.now() - timedelta(days=29), days=1)
    waits: list[float] = []
    stop = threading.Event()

    def live() -> None:
        with isolation.everywhere():
            while not stop.is_set():
                begun = time.perf_counter()
                events.record(organization.pk, NAMES[0], events.data(organization.pk, new={}))
                list(Event.objects.for_organization(organization).order_by("-created_at")[:10])
                waits.append((time.perf_counter() - begun) * 1000)
                time.sleep(0.01)
            connection.close()

    thread = threading.Thread(target=live)
    thread.start()
    begun = time.perf_counter()
    deleted = events.delete_old(clock.now())
    took = time.perf_counter() - begun
    stop.set()
    thread.join()
    if deleted < count:
        raise RuntimeError(f"{deleted:,} of {count:,} old events were deleted.")
    worst = max(waits)
    yield Ratio(
        f"{WAITS_AT_MOST_MS:g} ms / longest wait of who records events during deletion",
        WAITS_AT_MOST_MS / worst,
        at_least=1,
        detail=f"{deleted:,} deleted at {deleted / took:,.0f}/s, longest wait {worst:.0f} ms, "
        f"median {statistics.median(waits):.1f} ms",
    )
