"""What is remembered about the embedded servers of one home, and who may change it.

A record (``postgres.json``, ``redis.json``) holds ports and passwords and is readable by its
owner only; so are the ``.url`` files. They are replaced whole, so a reader or a killed writer
never leaves half of one.
"""

import fcntl
import json
import os
import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PORT_GIVEN_BACK_WITHIN_SECONDS = 3.0


class ServerTrouble(Exception):
    """An embedded server cannot run; the message is one line that says what to do."""


def make_home(home: Path) -> None:
    """Make the data folder unless it is there; others may pass through it but not list it."""
    try:
        home.mkdir(mode=0o711, parents=True, exist_ok=True)
    except OSError as error:
        raise ServerTrouble(
            f"The data folder {home} cannot be used ({error.strerror}): set BILLWRIGHT_HOME to a"
            " folder of yours."
        ) from error


@contextmanager
def exclusively(home: Path) -> Iterator[None]:
    """Let one process at a time start or stop the servers of this home.

    Creates the folder. Others may pass through it (mode 0711) but not list it: PostgreSQL may
    run as another user and has to reach its data below.
    """
    make_home(home)
    try:
        lock = (home / "start.lock").open("a")
    except PermissionError as error:
        raise ServerTrouble(
            f"{error.filename} belongs to another user: set BILLWRIGHT_HOME to a folder of yours."
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def read(path: Path) -> dict[str, Any]:
    """Return a record, empty when there is none yet."""
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (PermissionError, ValueError) as error:
        raise ServerTrouble(f"{path} cannot be read: {error}.") from error
    return found


def write(path: Path, record: dict[str, Any]) -> None:
    """Replace a record, readable by its owner only."""
    write_text(path, json.dumps(record, indent=2) + "\n")


def write_text(path: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)


def port(remembered: int | None) -> int:
    """Return the remembered port when it is free, else a free one.

    Keeping the port lets running web processes and workers find a restarted server; one that was
    just killed gives its port back a moment later. New ports are taken below the range the
    system gives to outgoing connections, so that they stay free.
    """
    deadline = time.monotonic() + PORT_GIVEN_BACK_WITHIN_SECONDS
    while remembered:
        if _is_free(remembered):
            return remembered
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    for candidate in (random.randint(20_000, 30_000) for _ in range(50)):
        if _is_free(candidate):
            return candidate
    raise ServerTrouble("No free port between 20000 and 30000 on 127.0.0.1.")


def _is_free(candidate: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", candidate))
        except OSError:
            return False
    return True


def last_line(log: Path) -> str:
    """Return the most telling of a server's last log lines, for a message."""
    lines = last_lines(log, 50).splitlines()
    telling = [line for line in lines if "FATAL" in line or "PANIC" in line] or lines
    return telling[-1].strip() if telling else "its log is empty"


def last_lines(log: Path, count: int) -> str:
    """Return the end of a server's log, empty when there is none."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
    except OSError:
        return ""
