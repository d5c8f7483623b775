"""Give every test run PostgreSQL and Redis of its own, before Django reads its settings.

Runs at the same time do not meet, and none touches the servers of a running ``make up``.
``DATABASE_URL`` and ``REDIS_URL`` are used when set. With ``KEEP_SERVERS=1`` the servers stay up
after the run and the next one reuses them (one run at a time, then).
"""

import os
from pathlib import Path

import django
import pytest

from config import embedded
from config.embedded import processes


def pytest_configure() -> None:
    """Refuse settings loaded too early: they would hold the addresses of other servers."""
    if os.environ.get("DJANGO_SETTINGS_MODULE") != "config.settings":
        raise pytest.UsageError("Unset DJANGO_SETTINGS_MODULE: tests/conftest.py sets it.")


def pytest_unconfigure() -> None:
    """Stop the servers of this run and delete their data."""
    if OWN_HOME is not None and os.environ.get("KEEP_SERVERS") != "1":
        embedded.remove(OWN_HOME)


def _start_servers() -> Path | None:
    """Start what no address is given for and put the addresses into the environment."""
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        return None
    base = embedded.default_home()
    _remove_leftovers(base)
    name = "test" if os.environ.get("KEEP_SERVERS") == "1" else f"test-{os.getpid()}"
    home = base / name
    servers = embedded.start(home, durable=False)
    os.environ["DATABASE_URL"] = servers.database_url
    os.environ["REDIS_URL"] = servers.redis_url
    os.environ["BILLWRIGHT_HOME"] = str(home)
    return home


def _remove_leftovers(base: Path) -> None:
    """Remove the servers of test runs that were killed."""
    for home in base.glob("test-[0-9]*"):
        if not processes.is_alive(int(home.name.removeprefix("test-"))):
            embedded.remove(home)


# At import: pytest loads this file before pytest-django calls django.setup().
OWN_HOME = _start_servers()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from tests.fixtures import *  # noqa: E402, F403
