"""A whole installation of its own, started as people start it, whose parts a test may kill.

``manage.py up`` runs embedded PostgreSQL and Redis, web server, worker and beat. Chunks
of bill runs have a short lease here, so that what is left behind is taken up within seconds.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import redis
import requests

from config.embedded import postgres_server, redis_server

CHECKOUT = Path(__file__).resolve().parent.parent.parent
LEASE_SECONDS = "4"
PATIENCE_SECONDS = 120.0
START_SECONDS = 180.0
LOG_SHOWN = 4000


class Stack:
    """One ``up`` on a home and a port of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.endswith("_URL")},
            "BILLWRIGHT_HOME": str(home),
            "PORT": str(self.port),
            "WORKER_PROCESSES": "2",
            "WEB_PROCESSES": "2",
            "BILL_CHUNK_LEASE_SECONDS": LEASE_SECONDS,
            "BILL_SLICE_ACCOUNTS": "250",
            "LOG_LEVEL": "WARNING",
        }
        self.log = home.with_name("up.log")
        with self.log.open("ab") as log:
            self.up = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--no-sender"],
                cwd=CHECKOUT,
                env=self.environ,
                stdout=log,
                stderr=log,
            )

    def connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        """Connect to the database, each statement its own transaction."""
        url = (self.home / "postgres.url").read_text().strip()
        return psycopg.connect(url, autocommit=True)

    def broker(self) -> redis.Redis:
        """Connect to the Redis database that holds the queues."""
        return redis.Redis.from_url((self.home / "redis.url").read_text().strip() + "/0")

    def manage(self, *words: str) -> str:
        """Run a management command and return the last line it prints."""
        answer = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=CHECKOUT,
            env=self.environ,
            capture_output=True,
            text=True,
            check=True,
        )
        return answer.stdout.splitlines()[-1]

    def health(self) -> int:
        """Return the status of /health, 0 when nobody listens."""
        try:
            return requests.get(f"{self.url}/health", timeout=3).status_code
        except requests.RequestException:
            return 0

    def wait_until_healthy(self) -> None:
        """Wait until web server, database, broker and a worker are there."""
        self.wait(lambda: self.health() == 200, "healthy", START_SECONDS)

    def wait(
        self, done: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS
    ) -> None:
        """Wait until ``done`` is true; after ``seconds`` fail with the end of the log."""
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                shown = self.log.read_text(errors="replace")[-LOG_SHOWN:]
                raise AssertionError(f"not {what} after {seconds:g} s:\n{shown}")
            time.sleep(0.05)

    def web(self) -> list[psutil.Process]:
        """Return the web server's main process and the two that answer requests."""
        return self._family("granian")

    def worker(self) -> list[psutil.Process]:
        """Return the worker of bill runs and the two processes it has forked."""
        return self._family("--queues=billwright")

    def postgres_pid(self) -> int:
        """Return the process id of PostgreSQL's main process, 0 when it does not run."""
        return postgres_server.running_pid(self.home) or 0

    def redis_pid(self) -> int:
        """Return the process id of Redis, 0 when it does not run."""
        return redis_server.running_pid(self.home) or 0

    @contextmanager
    def unattended(self) -> Iterator[None]:
        """Have nobody start again what dies inside the block."""
        os.kill(self.up.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.up.pid, signal.SIGCONT)

    def stop(self) -> None:
        """End everything."""
        self.up.terminate()
        try:
            self.up.wait(20)
        except subprocess.TimeoutExpired:
            kill(psutil.Process(self.up.pid).children(recursive=True))
            self.up.kill()
            self.up.wait()

    def _family(self, trace: str) -> list[psutil.Process]:
        """Return the program with these words in its command line, complete with two children."""
        found: list[psutil.Process] = []

        def is_complete() -> bool:
            found[:] = _living(psutil.Process(self.up.pid), trace)
            if found:
                found.extend(_living(found[0]))
            return len(found) == 3

        self.wait(is_complete, f"running {trace} and its two processes")
        return found


def _living(parent: psutil.Process, trace: str = "") -> list[psutil.Process]:
    """Return the children that still run, without Python's own helper processes."""
    living = []
    for child in parent.children():
        try:
            words = " ".join(child.cmdline())
        except psutil.NoSuchProcess:  # a zombie as well
            continue
        if words and trace in words and "resource_tracker" not in words:
            living.append(child)
    return living


def kill(processes: Iterable[psutil.Process]) -> None:
    """Kill -9 each of them."""
    for process in processes:
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue  # ended with its parent
