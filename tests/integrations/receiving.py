"""A receiver of webhooks on loopback, and the rows deliveries start from."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

from django.db import connection

from integrations import claims, connections, delivery, dispatch
from integrations.models import Delivery, IntegrationConfiguration, WebhookDestination
from notifications.models import NotificationConfiguration
from organizations.kernel import events, isolation, principals
from organizations.models import Event, Organization
from tests.factories import number

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
PAYLOAD = {"eventData": {"newDto": {"id": "p-1", "name": "Inference"}}}


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers with each of ``script`` once, then with its last: (status, headers, body, delay)."""

    url: str = ""
    script: list[tuple[int, dict[str, str], bytes, float]] = field(
        default_factory=lambda: [(200, {}, b"", 0.0)]
    )
    requests: list[Received] = field(default_factory=list)
    most_at_once: int = 0
    closing: threading.Event = field(default_factory=threading.Event)
    _at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answers(self, *script: int | tuple[int, dict[str, str], bytes, float]) -> None:
        """Set what is answered from now on; a bare status has neither headers nor body."""
        self.script = [
            (answer, {}, b"", 0.0) if isinstance(answer, int) else answer for answer in script
        ]

    def take(self, request: Received) -> tuple[int, dict[str, str], bytes, float]:
        """Keep the request and return the answer to it."""
        with self._lock:
            self.requests.append(request)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def done(self) -> None:
        """Count the request as answered."""
        with self._lock:
            self._at_once -= 1


@contextmanager
def receiving(context: Any = None) -> Iterator[Receiver]:
    """Run a receiver, over TLS when a context is given."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, extra, content, delay = receiver.take(Received(self.path, headers, body))
            receiver.closing.wait(delay)
            receiver.done()
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            receiver.take(Received("GET " + self.path, {}, b""))
            self.send_error(500)

        def log_message(self, *_arguments: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, *_arguments: Any) -> None:
            pass  # clients that give up are part of the tests

    server = Server(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield receiver
    finally:
        receiver.closing.set()
        server.shutdown()
        server.server_close()


def make_destination(organization: Organization, url: str, **overrides: Any) -> WebhookDestination:
    """Make a destination of every event that was there the day before noon, and is told nothing
    yet."""
    # What founding the organization recorded is of today's real clock.
    Event.objects.filter(organization=organization).update(dispatched_at=NOON)
    fields = {
        "name": f"Destination {number()}",
        "description": "Receives everything",
        "url": url,
        "api_key": "key-1",
        "secret": "my-api-secret",
        "created_at": NOON - timedelta(days=1),
    }
    row = WebhookDestination.objects.create(organization=organization, **{**fields, **overrides})
    connect_with_everything(row)
    return row


def connect_with_everything(row: WebhookDestination) -> None:
    """Have a destination told of every event since it was made."""
    link = connections.connect_with_everything(row, by=principals.system(row.organization_id))
    rule = NotificationConfiguration.objects.filter(pk=link.entity_id)
    rule.update(active_since=NOON - timedelta(days=1))
    IntegrationConfiguration.objects.filter(pk=link.pk).update(created_at=row.created_at)
    # Making them recorded nothing; what founding the organization did is of today's real clock.
    Event.objects.filter(organization_id=row.organization_id, created_at__gt=NOON).update(
        dispatched_at=NOON
    )


def make_event(organization: Organization, **overrides: Any) -> Event:
    """Make an event of noon that nobody has dispatched."""
    fields = {"name": "configuration.product.created", "payload": PAYLOAD, "at": NOON}
    return events.record(organization.pk, **{**fields, **overrides})


def make_delivery(destination: WebhookDestination, **overrides: Any) -> Delivery:
    """Make a delivery of a fresh event, due at noon."""
    event = make_event(destination.organization, **overrides)
    dispatch.dispatch(NOON)
    return Delivery.objects.get(event_id=event.pk, destination=destination)


def attempt_when_due(row: Delivery) -> Delivery:
    """Make the attempt at the very moment it is due; returns the row afterwards."""
    row.refresh_from_db()
    assert row.next_attempt_at is not None
    assert delivery.deliver(row.pk, row.next_attempt_at) == row.destination_id
    row.refresh_from_db()
    return row


def deliver_all(at: datetime, *, threads: int) -> dict[UUID, float]:
    """Work like a worker with ``threads`` threads until nothing is due.

    Returns after how many seconds the last delivery of each destination was recorded.
    """

    @isolation.everywhere()
    def work(identity: UUID) -> UUID | None:
        try:
            return delivery.deliver(identity, at)
        finally:
            connection.close()

    started = time.monotonic()
    finished: dict[UUID, float] = {}
    with ThreadPoolExecutor(threads) as pool:
        running = {pool.submit(work, identity) for identity in claims.hand_out(at)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                if (destination_id := future.result()) is not None:
                    finished[destination_id] = time.monotonic() - started
                    more = claims.hand_out(at, destination_id=destination_id)
                    running |= {pool.submit(work, identity) for identity in more}
    return finished
