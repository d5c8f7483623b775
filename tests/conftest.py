"""Give every test run PostgreSQL and Redis of its own, before Django reads its settings.

Runs at the same time do not meet, and none touches the servers of a running ``make up``.
``DATABASE_URL`` and ``REDIS_URL`` are used when set. With ``KEEP_SERVERS=1`` the servers stay up
after the run and the next one reuses them (one run at a time, then).

Several processes (``-n 2``) have a pair of servers each: the first that of the process that leads
them, the others their own. Tests of one file stay in one process, and so do all that start servers
of their own: those wait more than they work, and would measure one another.
"""

import os
from pathlib import Path
from typing import Any

import django
import pytest

from config import embedded

# Which process of several this is ("gw1"), empty when it is alone or leads the others.
PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "")
# Set by the leading process when the addresses in the environment are those of its own servers.
ARE_OURS = "BILLWRIGHT_TEST_SERVERS"


def pytest_configure(config: pytest.Config) -> None:
    """Refuse settings loaded too early, and several processes on one pair of given servers."""
    if os.environ.get("DJANGO_SETTINGS_MODULE") != "config.settings":
        raise pytest.UsageError("Unset DJANGO_SETTINGS_MODULE: tests/conftest.py sets it.")
    if config.getoption("numprocesses", None) and not PROCESS:
        if OWN_HOME is None:
            raise pytest.UsageError("Given servers are for one process: leave --numprocesses out.")
        # Those that are started now would read their settings before they have their servers.
        del os.environ["DJANGO_SETTINGS_MODULE"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put first what takes longest: begun at the end, one process would work on it alone."""
    longest = ["kill", "browser"]
    items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in longest])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Say which tests stay together when several processes share them."""
    from tests.sharing import ByFile  # needs pytest-xdist

    return ByFile(config, log)


def pytest_report_header() -> str:
    """Say which sample of the walks this run takes."""
    from tests import sampling

    return sampling.header()


def pytest_unconfigure() -> None:
    """Stop the servers of this run and delete their data."""
    if OWN_HOME is not None and os.environ.get("KEEP_SERVERS") != "1":
        embedded.remove(OWN_HOME)


def _start_servers() -> Path | None:
    """Start what no address is given for and put the addresses into the environment."""
    base = embedded.default_home()
    if os.environ.get(ARE_OURS) == "1":
        if PROCESS == "gw0":
            return None
        base = base.parent
        del os.environ["DATABASE_URL"], os.environ["REDIS_URL"]
    elif os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        return None
    embedded.remove_leftovers(base)
    kept = f"test{PROCESS}" if os.environ.get("KEEP_SERVERS") == "1" else ""
    home = base / (kept or f"test-{os.getpid()}")
    servers = embedded.start(home, durable=False)
    os.environ.update(
        {
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "BILLWRIGHT_HOME": str(home),
            ARE_OURS: "1",
        }
    )
    return home


# At import: pytest loads this file before pytest-django calls django.setup().
OWN_HOME = _start_servers()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from tests.fixtures import *  # noqa: E402, F403
