"""One live server per module, and an organization of its own for every test."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings
from django.test.testcases import QuietWSGIRequestHandler
from pytest_django.live_server_helper import LiveServer

from organizations.founding import Founded
from tests import emptying
from tests.factories import make_founded
from tests.official_client import driving


@pytest.fixture(scope="module")
def address(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """Serve the application; what the module's tests have written is deleted at its end.

    The test server sends head and body apart: with Nagle's algorithm each answer waits 40 ms.
    """
    QuietWSGIRequestHandler.disable_nagle_algorithm = True
    with django_db_blocker.unblock(), override_settings(WEBHOOK_ALLOW_PRIVATE_TARGETS=True):
        server = LiveServer("127.0.0.1")
        yield server.url
        server.stop()
        emptying.empty()


@pytest.fixture
def founded(address: str) -> Founded:
    """An organization of this test alone, where the server finds it."""
    return driving.committed(make_founded)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for the asynchronous clients of a module."""
    with asyncio.Runner() as made:
        yield made


@pytest.fixture(params=driving.MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """Which of the clients it is, and whether it validates what it is answered."""
    return request.param


@pytest.fixture
def client(
    mode: str, founded: Founded, address: str, runner: asyncio.Runner, eager_tasks: None
) -> Any:
    """The client; tasks run where they are enqueued."""
    return driving.client(mode, founded, address, runner)


@pytest.fixture
def lenient(mode: str, founded: Founded, address: str, runner: asyncio.Runner) -> Any:
    """The same client without strict validation, for what B11.8 exempts from it."""
    return driving.client(mode.split()[0], founded, address, runner)
