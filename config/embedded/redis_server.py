"""Start, find again and stop the embedded Redis of one home: Valkey, Redis, or pure Python.

It listens on 127.0.0.1 only, asks for a password and keeps an append-only file, so queued tasks
survive a restart (those of the server in pure Python do not; see ``python_redis``). What must
never be lost is in PostgreSQL; Redis is allowed to lose a second.
"""

import secrets
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis

from config.embedded import binaries, processes, records
from config.embedded.records import ServerTrouble

READY_WITHIN_SECONDS = 60.0
PYTHON_USER = "billwright"  # as in python_redis, which is not imported: that takes a second
STOP_SIGNALS = [(signal.SIGTERM, 3.0), (signal.SIGKILL, 2.0)]


def start(home: Path, *, say: Callable[[str], None]) -> str:
    """Return the address of this home's server (no database number), starting it if needed."""
    record = records.read(home / "redis.json")
    if record and (pid := running_pid(home)) and _wait_until_ready(record, pid):
        return _announce(home, record)
    program = binaries.redis()
    if is_python := binaries.is_python_redis(program):
        say("Starting a Redis server in pure Python, which keeps no file: no Valkey was found ...")
    else:
        say("Starting Redis ...")
    for attempt in range(5):
        record = {
            "port": records.port(record.get("port")),
            "password": record.get("password") or secrets.token_hex(24),
            "user": PYTHON_USER if is_python else "",
        }
        records.write(home / "redis.json", record)
        pid = processes.launch([*program, str(_configured(home, record))], log=_log(home))
        if _wait_until_ready(record, pid):
            return _announce(home, record)
        if "Bad file format" in records.last_lines(_log(home), 20):
            _set_aside(home, say)
        time.sleep(0.2 * attempt)
    raise ServerTrouble(
        f"Redis does not start ({records.last_line(_log(home))}): see {_log(home)}."
    )


def stop(home: Path) -> None:
    """Stop the server, if it runs, and forget its address; the data and the port are kept."""
    if pid := running_pid(home):
        processes.end(pid, STOP_SIGNALS)
    (home / "redis.url").unlink(missing_ok=True)


def running_pid(home: Path) -> int | None:
    """Return the server's process id, None when it does not run."""
    record = records.read(home / "redis.json")
    try:
        pid = int((home / "redis" / "redis.pid").read_text())
    except (OSError, ValueError):
        return None
    # Once started it renames itself to its address.
    names = f"127.0.0.1:{record.get('port')}", str(home / "redis" / "redis.conf")
    return pid if processes.is_ours(pid, *names) else None


def _configured(home: Path, record: dict[str, Any]) -> Path:
    """Write the configuration for this start and return its path."""
    folder = home / "redis"
    folder.mkdir(mode=0o700, exist_ok=True)
    settings = [
        "bind 127.0.0.1",
        f"port {record['port']}",
        "protected-mode yes",
        f"requirepass {record['password']}",
        f'dir "{folder}"',
        f'pidfile "{folder / "redis.pid"}"',
        "daemonize no",
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "maxmemory-policy noeviction",
    ]
    path = folder / "redis.conf"
    records.write_text(path, "\n".join(settings) + "\n")
    return path


def _set_aside(home: Path, say: Callable[[str], None]) -> None:
    """Move an append-only file that a crash of the machine has damaged out of the way.

    Nothing is lost for good by that: sweeps enqueue again what rows say is still to be done.
    """
    say("Redis' append-only file is damaged: kept as appendonly.damaged, starting empty.")
    folder = home / "redis"
    shutil.rmtree(folder / "appendonly.damaged", ignore_errors=True)
    (folder / "appendonlydir").rename(folder / "appendonly.damaged")


def _wait_until_ready(record: dict[str, Any], pid: int) -> bool:
    """Wait until the server answers with our password; False when it ended instead."""
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        is_running = processes.is_alive(pid)
        client = redis.Redis.from_url(_url(record), socket_timeout=2, socket_connect_timeout=2)
        try:
            if client.ping():
                return True
        except redis.AuthenticationError:
            return False  # somebody else's Redis took the port first
        except redis.RedisError:
            if not is_running:
                return False
        finally:
            client.close()
        time.sleep(0.05)
    raise ServerTrouble(
        f"Redis runs (process {pid}) but does not answer on port {record['port']}: stop that"
        " process and start again."
    )


def _url(record: dict[str, Any]) -> str:
    return f"redis://{record.get('user', '')}:{record['password']}@127.0.0.1:{record['port']}"


def _announce(home: Path, record: dict[str, Any]) -> str:
    records.write_text(home / "redis.url", _url(record) + "\n")
    return _url(record)


def _log(home: Path) -> Path:
    return home / "redis.log"
