"""One installation for the whole folder, and an organization with 510 customers to be billed."""

import json
from collections.abc import Iterator

import pytest

from config import embedded, supervisor
from tests.survival.api import Api
from tests.survival.customers import Customers
from tests.survival.stack import Stack


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running installation; it is stopped and deleted at the end."""
    home = tmp_path_factory.mktemp("survival") / "home"
    stack = Stack(home)
    try:
        stack.wait_until_healthy()
        yield stack
    finally:
        stack.stop()
        supervisor.kill_orphans(home)
        embedded.remove(home)


@pytest.fixture
def stack(running: Stack) -> Stack:
    """The installation, recovered from whatever the test before did to it."""
    running.wait_until_healthy()
    return running


@pytest.fixture(scope="package")
def customers(running: Stack) -> Customers:
    """510 customers with a plan and usage; each test bills a month of 2024 of its own."""
    words = ["--name", "Acme", "--admin-email", "ada@example.com", "--json"]
    return Customers(running, Api(running.url, json.loads(running.manage("create_org", *words))))
