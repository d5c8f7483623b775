"""A real worker of threads, a real broker: from the commit to the receiver, and after losses."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
from django.conf import settings as django_settings
from django.db import connection

from integrations import tasks, waking
from integrations.models import Delivery
from organizations.kernel import clock
from tests.factories import make_organization
from tests.integrations.receiving import make_destination, make_event, receiving

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.kill]
ROOT = Path(__file__).resolve().parent.parent.parent


def database_url() -> str:
    """Return the address of the database of this test, for programs that are started."""
    its = connection.settings_dict
    url = f"postgresql://{its['USER']}:{its['PASSWORD']}@{its['HOST']}:{its['PORT']}"
    return f"{url}/{its['NAME']}"


class Sender:
    """The worker that sends webhooks, on the database of this test."""

    def __init__(self, **more: str) -> None:
        environ = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "WEBHOOK_ALLOW_PRIVATE_TARGETS": "1",
            "PYTHONWARNINGS": "ignore",
            **more,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "celery", "--app=config", "worker", "--pool=threads",
             "--concurrency=8", "--queues=deliveries", "--hostname=sender-test@%h",
             "--without-gossip", "--without-mingle", "--loglevel=WARNING"],
            cwd=ROOT, env=environ,
        )  # fmt: skip

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()


def wait_until(condition, seconds=30.0, *, sweeping=False):
    """Wait; ``sweeping`` does every five seconds what beat does, of which there is none here."""
    begun, sweeps = time.monotonic(), 0
    while not condition():
        waited = time.monotonic() - begun
        assert waited < seconds, "it did not happen in time"
        if sweeping and waited > 5 * (sweeps + 1):
            sweeps += 1
            tasks.sweep_deliveries()
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def _empty_broker():
    redis.Redis.from_url(django_settings.BROKER_URL).flushdb()
    yield
    redis.Redis.from_url(django_settings.BROKER_URL).flushdb()


@pytest.fixture
def sender():
    running = Sender()
    yield running
    running.kill()


def test_a_commit_reaches_the_receiver_within_five_seconds(sender):
    organization = make_organization()
    with receiving() as receiver:
        make_destination(organization, receiver.url)
        make_event(organization, at=clock.now())
        wait_until(lambda: len(receiver.requests) == 1)  # the worker is up now

        started = time.monotonic()
        for _ in range(100):
            make_event(organization, at=clock.now())
        wait_until(lambda: len(receiver.requests) >= 2)
        first = time.monotonic() - started
        # What finds no room at one moment is handed out again by beat's sweep, if by nobody else.
        wait_until(lambda: Delivery.objects.filter(status="COMPLETE").count() == 101, sweeping=True)

    assert first < 5
    assert len(receiver.requests) == 101
    assert receiver.most_at_once <= 4


def test_what_the_broker_forgot_and_a_killed_worker_held_arrives_all_the_same(sender):
    organization = make_organization()
    with receiving() as receiver:
        receiver.answers((200, {}, b"", 5.0))
        make_destination(organization, receiver.url)
        for _ in range(3):
            make_event(organization, at=clock.now())
        wait_until(lambda: len(receiver.requests) == 3)
        sender.kill()
        redis.Redis.from_url(django_settings.BROKER_URL).flushdb()
        receiver.answers(200)
        assert Delivery.objects.filter(status="STARTED").count() == 3

        # Beat's sweep, once the leases have passed; a new worker is there by then.
        Delivery.objects.update(claimed_until=clock.now())
        again = Sender()
        try:
            tasks.sweep_deliveries()
            wait_until(lambda: Delivery.objects.filter(status="COMPLETE").count() == 3)
        finally:
            again.kill()

    ids = [request.headers["webhook-id"] for request in receiver.requests]
    assert sorted(ids) == sorted(ids[:3] * 2)
    bodies = {(r.headers["webhook-id"], r.body) for r in receiver.requests}
    assert len(bodies) == 3


def test_a_commit_does_not_wait_for_a_broker_that_is_down(monkeypatch):
    organization = make_organization()
    called = []

    def no_broker(*_arguments, **_options):
        called.append(True)
        time.sleep(2)
        raise ConnectionError("no broker")

    monkeypatch.setattr(waking.current_app._get_current_object(), "send_task", no_broker)

    started = time.monotonic()
    make_event(organization)
    took = time.monotonic() - started

    assert took < 0.5
    wait_until(lambda: called)
