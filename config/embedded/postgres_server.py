"""Start, find again and stop the embedded PostgreSQL of one home.

It listens on 127.0.0.1 only and asks everybody for a password (scram-sha-256).
"""

import contextlib
import os
import secrets
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from config.embedded import binaries, cluster, placement, processes, records
from config.embedded.records import ServerTrouble

# Recovery after a kill -9 replays at most max_wal_size; slow disks need their time.
READY_WITHIN_SECONDS = 180.0
# After the postmaster was killed, its last children hold the shared memory for a moment.
START_AGAIN_WITHIN_SECONDS = 30.0
STOP_SIGNALS = [
    (signal.SIGINT, 6.0),  # "fast": disconnects everybody and writes a checkpoint
    (signal.SIGQUIT, 2.0),  # "immediate": recovers from the log at the next start
    (signal.SIGKILL, 2.0),
]


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the server of a home; ``data`` is where its data folder is."""

    data: Path
    port: int
    password: str
    superuser_password: str

    @property
    def url(self) -> str:
        """The address for the application: the owner of the database, not a superuser."""
        return (
            f"postgresql://{cluster.OWNER}:{self.password}@127.0.0.1:{self.port}/{cluster.DATABASE}"
        )

    def connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        """Connect as superuser; raises psycopg.OperationalError while nobody answers."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=cluster.SUPERUSER,
            password=self.superuser_password,
            dbname="postgres",
            connect_timeout=5,
            autocommit=True,
        )


def start(home: Path, *, durable: bool, say: Callable[[str], None]) -> str:
    """Return the address of this home's server, starting it (and making its data) if needed."""
    access = _recorded(home)
    if access and (pid := running_pid(home)) and _wait_until_ready(access, pid, say):
        return _announce(home, access)
    access = _prepared(home, access, say)
    deadline = time.monotonic() + START_AGAIN_WITHIN_SECONDS
    say("Starting PostgreSQL ...")
    while True:
        pid = _launch(home, access, durable=durable)
        if _wait_until_ready(access, pid, say):
            return _announce(home, access)
        if time.monotonic() > deadline:
            raise ServerTrouble(
                f"PostgreSQL does not start ({records.last_line(_log(home))}): see {_log(home)}."
            )
        time.sleep(0.3)
        access = _record(home, access.data, records.port(access.port), access)


def stop(home: Path) -> None:
    """Stop the server, if it runs, and forget its address; the data and the port are kept."""
    if pid := running_pid(home):
        processes.end(pid, STOP_SIGNALS)
    (home / "postgres.url").unlink(missing_ok=True)


def running_pid(home: Path) -> int | None:
    """Return the postmaster's process id, None when it does not run."""
    access = _recorded(home)
    if access is None:
        return None
    try:
        pid = int((access.data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
    return pid if processes.is_ours(pid, f"-D {access.data}") else None


def remove_data(home: Path) -> None:
    """Delete the data folder, also when it was placed outside the home."""
    if access := _recorded(home):
        shutil.rmtree(access.data, ignore_errors=True)
        with contextlib.suppress(OSError):
            access.data.parent.rmdir()


def access(home: Path) -> Access:
    """Return how to reach the server of a home that was started before."""
    recorded = _recorded(home)
    if recorded is None:
        raise ServerTrouble(f"No PostgreSQL was started for {home}.")
    return recorded


def _recorded(home: Path) -> Access | None:
    record = records.read(home / "postgres.json")
    if not record:
        return None
    return Access(
        home / record["data"], record["port"], record["password"], record["superuser_password"]
    )


def _record(home: Path, data: Path, port: int, access: Access | None) -> Access:
    """Remember where the server is; passwords are made once."""
    made = Access(
        data,
        port,
        access.password if access else secrets.token_hex(24),
        access.superuser_password if access else secrets.token_hex(24),
    )
    # Relative where possible, so that a checkout can be moved.
    place = data.relative_to(home) if data.is_relative_to(home) else data
    records.write(
        home / "postgres.json",
        {
            "data": str(place),
            "port": port,
            "password": made.password,
            "superuser_password": made.superuser_password,
        },
    )
    return made


def _prepared(home: Path, access: Access | None, say: Callable[[str], None]) -> Access:
    """Return the access to a data folder that exists and a port that is free."""
    has_data = access is not None and (access.data / "PG_VERSION").exists()
    if access and has_data:
        return _record(home, access.data, records.port(access.port), access)
    as_user = placement.runner(None)
    programs = binaries.postgres(set())
    data = placement.data_folder(home, programs.major, as_user)
    if data.exists():
        raise ServerTrouble(
            f"{data} holds data, but {home / 'postgres.json'} with its passwords is missing: put"
            " it back, or move the data away to start empty."
        )
    access = _record(home, data, records.port(access.port if access else None), access)
    say("Making a PostgreSQL data folder ...")
    reachable = placement.programs_for(programs, as_user)
    cluster.initialise(reachable, programs.major, data, as_user, access.superuser_password)
    return access


def _launch(home: Path, access: Access, *, durable: bool) -> int:
    as_user = placement.runner(access.data)
    major = int((access.data / "PG_VERSION").read_text())
    folder = placement.programs_for(binaries.postgres({major}), as_user)
    _disown_lock_file(access.data)
    command = [str(folder / "postgres"), "-D", str(access.data), "-p", str(access.port)]
    command += ["-c", "listen_addresses=127.0.0.1"]
    if not durable:
        for name in ["fsync", "synchronous_commit", "full_page_writes"]:
            command += ["-c", f"{name}=off"]
    return processes.launch(command, log=_log(home), user=as_user.uid, group=as_user.gid)


def _disown_lock_file(data: Path) -> None:
    """Let PostgreSQL take over a lock file whose process is gone.

    It does so by itself unless an unrelated process has got that id since (usual in restarted
    containers). A lock file that names its own parent, us, it takes for stale as well; and
    unlike after deleting the file it still checks that nobody uses the old shared memory.
    """
    lock = data / "postmaster.pid"
    try:
        first, rest = lock.read_text().split("\n", 1)
    except (OSError, ValueError):
        return
    if processes.is_alive(int(first or 0)):
        lock.write_text(f"{os.getpid()}\n{rest}")


def _wait_until_ready(access: Access, pid: int, say: Callable[[str], None]) -> bool:
    """Wait until the server answers and the owner's role exists; False when it ended instead."""
    begun = time.monotonic()
    told = False
    while True:
        is_running = processes.is_alive(pid)
        try:
            with access.connect() as superuser:
                cluster.ensure_owner(superuser, access.password)
                return True
        except psycopg.OperationalError as error:
            if not is_running:
                return False
            if "password authentication failed" in str(error):
                raise ServerTrouble(
                    f"PostgreSQL on port {access.port} does not accept the password of this home:"
                    " put postgres.json back, or move the data away to start empty."
                ) from error
        waited = time.monotonic() - begun
        if waited > READY_WITHIN_SECONDS:
            raise ServerTrouble(
                f"PostgreSQL runs (process {pid}) but does not answer on port {access.port}: stop"
                " that process and start again."
            )
        if waited > 2 and not told:
            told = True
            say("Waiting for PostgreSQL to recover ...")
        time.sleep(0.05)


def _announce(home: Path, access: Access) -> str:
    records.write_text(home / "postgres.url", access.url + "\n")
    return access.url


def _log(home: Path) -> Path:
    return home / "postgres.log"
