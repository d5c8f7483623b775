"""GET /health names what is missing, and answers in time whatever hangs."""

import socket
import time
from collections.abc import Iterator

import pytest
import redis
from django.conf import LazySettings
from django.test import Client

from config import heartbeat


@pytest.fixture
def worker_at_work(settings: LazySettings) -> Iterator[None]:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.set(heartbeat.KEY, "1", ex=60)
        yield
        client.delete(heartbeat.KEY)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where connections are taken and nothing is ever answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_all_parts_at_work_answer_200_without_a_login(client: Client, worker_at_work: None) -> None:
    answer = client.get("/health")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "broker": "ok", "worker": "ok"}


def test_without_a_worker_it_answers_503(client: Client) -> None:
    answer = client.get("/health")

    assert answer.status_code == 503
    assert answer.json() == {
        "status": "failing",
        "database": "ok",
        "broker": "ok",
        "worker": "none at work",
    }


def test_a_database_that_is_away_is_named_and_its_address_is_not(
    client: Client, settings: LazySettings, worker_at_work: None
) -> None:
    settings.DATABASE_URL = "postgresql://someone:secret@127.0.0.1:1/none"

    answer = client.get("/health")

    assert answer.status_code == 503
    assert answer.json() == {
        "status": "failing",
        "database": "unreachable",
        "broker": "ok",
        "worker": "ok",
    }


def test_a_broker_that_is_away_is_named(
    client: Client, settings: LazySettings, worker_at_work: None
) -> None:
    settings.BROKER_URL = "redis://127.0.0.1:1/0"

    answer = client.get("/health")

    assert answer.status_code == 503
    assert answer.json() == {
        "status": "failing",
        "database": "ok",
        "broker": "unreachable",
        "worker": "ok",
    }


def test_servers_that_hang_are_not_waited_for(
    client: Client, settings: LazySettings, silent_port: int
) -> None:
    settings.DATABASE_URL = f"postgresql://someone@127.0.0.1:{silent_port}/none"
    settings.BROKER_URL = f"redis://127.0.0.1:{silent_port}/0"
    settings.REDIS_URL = f"redis://127.0.0.1:{silent_port}"

    begun = time.monotonic()
    answer = client.get("/health")

    assert time.monotonic() - begun < 2
    assert answer.status_code == 503
    assert answer.json()["database"] == "no answer"
    assert answer.json()["broker"] == answer.json()["worker"] == "unreachable"
