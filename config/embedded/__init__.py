"""PostgreSQL and Redis for an installation that names no server of its own.

Everything lives below one folder, the *home* (``BILLWRIGHT_HOME``): records of ports and
passwords (readable by their owner only), logs, Redis' append-only file and, where the user who
runs PostgreSQL can reach it, PostgreSQL's data. The addresses are written to ``postgres.url`` and
``redis.url`` there, which the settings read. A server whose address is in the environment
(``DATABASE_URL``, ``REDIS_URL``) is never started.

The servers outlive the process that starts them: starting again finds them running and
reuses them, and after a ``kill -9`` of anything a start works without cleaning up by hand.
Nothing here needs Django, because the settings can only be loaded once there are addresses.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.embedded import postgres_server, processes, records, redis_server
from config.embedded.records import ServerTrouble

__all__ = [
    "ServerTrouble",
    "Servers",
    "default_home",
    "is_alive",
    "remove",
    "remove_leftovers",
    "running",
    "start",
    "stop",
    "test_homes",
]


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the database and Redis answer; the Redis address has no database number."""

    database_url: str
    redis_url: str


def default_home() -> Path:
    """Return ``BILLWRIGHT_HOME``, or ``.billwright`` in the checkout."""
    checkout = Path(__file__).resolve().parent.parent.parent
    return Path(os.environ.get("BILLWRIGHT_HOME") or checkout / ".billwright").resolve()


def start(
    home: Path,
    *,
    durable: bool = True,
    environ: Mapping[str, str] = os.environ,
    say: Callable[[str], None] = lambda message: None,
) -> Servers:
    """Start what ``environ`` gives no address for and return both addresses; safe to repeat.

    ``durable=False`` trades safety against power loss for speed (tests only). ``say`` is told
    in one line each what takes time. Raises ServerTrouble with one line that says what to do.
    """
    with records.exclusively(home):
        return Servers(
            environ.get("DATABASE_URL") or postgres_server.start(home, durable=durable, say=say),
            environ.get("REDIS_URL") or redis_server.start(home, say=say),
        )


def stop(home: Path) -> None:
    """Stop the servers of this home, waiting until they are gone; nothing when none runs."""
    if home.is_dir():
        with records.exclusively(home):
            redis_server.stop(home)
            postgres_server.stop(home)


def is_alive(home: Path, *, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether the processes we are responsible for exist; cheap, connects to nothing."""
    return bool(environ.get("DATABASE_URL") or postgres_server.running_pid(home)) and bool(
        environ.get("REDIS_URL") or redis_server.running_pid(home)
    )


def remove(home: Path) -> None:
    """Stop the servers and delete the home with all its data, wherever that was placed."""
    if home.is_dir():
        stop(home)
        postgres_server.remove_data(home)
        shutil.rmtree(home, ignore_errors=True)  # another process may do the same


def test_homes(base: Path) -> list[Path]:
    """Return the homes of test runs below ``base`` that nobody uses now, kept ones included."""
    homes = (home for home in base.glob("test*") if home.is_dir())
    return [home for home in homes if not _is_used(home)]


def remove_leftovers(base: Path) -> None:
    """Remove the servers and data of test runs that were killed."""
    for home in base.glob("test-[0-9]*"):
        if not _is_used(home):
            remove(home)


def _is_used(home: Path) -> bool:
    """Return whether the test run for which a home was made is still going on."""
    number = home.name.rpartition("-")[2]
    return number.isdigit() and processes.is_alive(int(number))


@contextmanager
def running(
    home: Path,
    *,
    durable: bool = True,
    environ: Mapping[str, str] = os.environ,
    say: Callable[[str], None] = lambda message: None,
) -> Iterator[Servers]:
    """Have the servers running inside the block; the last block to end stops them.

    Several processes may be inside at once (a second worker, the demonstration): each holds a
    shared lock, which the system drops even when a process is killed.
    """
    records.make_home(home)
    with (home / "users.lock").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield start(home, durable=durable, environ=environ, say=say)
        finally:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # somebody else still uses them
            else:
                stop(home)
