"""The programs of an installation: web server, worker, sender, beat; how each is started.

Environment: ``HOST`` (127.0.0.1), ``PORT`` (8000), ``WEB_PROCESSES`` (2), ``WEB_THREADS`` (4 in
each), ``WORKER_PROCESSES`` (one a core), ``SENDER_THREADS`` (16), ``LOG_LEVEL`` (INFO).
"""

import os
import socket
import subprocess
import sys
from pathlib import Path

import psycopg

from config.supervisor import Program

CHECKOUT = Path(__file__).resolve().parent.parent
MIGRATION_LOCK = 0x42_57_4D_47  # any number, the same everywhere
HEADER_MILLISECONDS = "10000"
# As root (containers) Celery would print a long warning at every start.
AS_ROOT = {"PYTHONWARNINGS": "ignore:You're running the worker"}


def web() -> Program:
    """Serve the API and the console."""
    host, port = address()
    return Program(
        "web",
        [
            *_python_module("granian"),
            "--interface=rsgi",
            f"--host={host}",
            f"--port={port}",
            f"--workers={os.environ.get('WEB_PROCESSES', '2')}",
            "--backlog=4096",
            # Connections, also those that have said nothing yet: cheap, so there may be many.
            "--backpressure=8192",
            f"--http1-header-read-timeout={HEADER_MILLISECONDS}",
            "--http=1",
            "--no-ws",
            "--respawn-failed-workers",
            "--workers-kill-timeout=4",
            "config.front:front",
        ],
        CHECKOUT,
    )


def worker() -> Program:
    """Run tasks: bill runs and what else calculates."""
    processes = os.environ.get("WORKER_PROCESSES") or str(os.cpu_count() or 1)
    return Program(
        "worker",
        [
            *_celery(),
            "worker",
            f"--concurrency={processes}",
            "--queues=billwright",
            f"--hostname=worker-{os.getpid()}@%h",
            *_quietly(),
        ],
        CHECKOUT,
        AS_ROOT,
    )


def sender() -> Program:
    """Send webhooks: a worker of threads, which wait for receivers and hold up no bill run."""
    return Program(
        "sender",
        [
            *_celery(),
            "worker",
            "--pool=threads",
            f"--concurrency={os.environ.get('SENDER_THREADS', '16')}",
            "--queues=deliveries",
            f"--hostname=sender-{os.getpid()}@%h",
            *_quietly(),
        ],
        CHECKOUT,
        AS_ROOT,
    )


def beat() -> Program:
    """Enqueue what is to happen at intervals; its tasks do no harm when two beats run."""
    level = os.environ.get("LOG_LEVEL", "INFO")
    return Program("beat", [*_celery(), "beat", "--pidfile=", f"--loglevel={level}"], CHECKOUT)


def address() -> tuple[str, int]:
    """Return the host and port of the web server."""
    return os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8000"))


def is_address_free() -> bool:
    """Return whether the web server will be able to listen."""
    host, port = address()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def migrate(database_url: str) -> int:
    """Bring the database up to date, one process at a time; return the exit status."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        command = [sys.executable, str(CHECKOUT / "manage.py"), "migrate", "--noinput"]
        return subprocess.run(command, check=False).returncode


def _quietly() -> list[str]:
    level = os.environ.get("LOG_LEVEL", "INFO")
    return ["--without-gossip", "--without-mingle", f"--loglevel={level}"]


def _celery() -> list[str]:
    return [*_python_module("celery"), "--app=config"]


def _python_module(name: str) -> list[str]:
    return [sys.executable, "-m", name]
