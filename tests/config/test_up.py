"""``manage.py up`` starts the whole installation, and again after everything was killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from config import embedded, supervisor
from config.embedded import postgres_server, processes, redis_server

CHECKOUT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.kill


class Installation:
    """One ``up`` after the other on the same home and port."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in {"DATABASE_URL", "REDIS_URL"}
        }
        self.environ = {**kept, "BILLWRIGHT_HOME": str(home), "PORT": str(self.port)}
        self.log = home.with_name("up.log")
        self.process: subprocess.Popen[bytes] | None = None

    def up(self) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=CHECKOUT,
                env=self.environ,
                stdout=log,
                stderr=log,
            )
        return self.process

    def health(self) -> int:
        """Return the status of /health, 0 when nobody listens."""
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/health", timeout=3).status_code
        except requests.RequestException:
            return 0

    def wait_for(self, *statuses: int) -> None:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            if self.health() in statuses:
                return
            time.sleep(0.1)
        raise AssertionError(f"never {statuses}:\n{self.log.read_text()[-3000:]}")

    def programs(self) -> list[int]:
        """Return the processes of web server, worker and beat with their children."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            mark = supervisor._mark_of(folder)
            if mark and mark[0] == str(self.home) and processes.is_alive(int(folder.name)):
                found.append(int(folder.name))
        return found


@pytest.fixture
def installation(home: Path) -> Iterator[Installation]:
    made = Installation(home)
    yield made
    if made.process is not None:
        made.process.kill()
        made.process.wait()
    supervisor.kill_orphans(home)


def test_after_a_kill_9_of_everything_the_next_up_works_and_stops_in_order(
    installation: Installation,
) -> None:
    first = installation.up()
    installation.wait_for(200)
    servers = [
        postgres_server.running_pid(installation.home),
        redis_server.running_pid(installation.home),
    ]
    assert len(installation.programs()) >= 6
    for pid in [first.pid, *installation.programs(), *filter(None, servers)]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    first.wait()
    assert installation.health() == 0

    second = installation.up()
    installation.wait_for(200)
    begun = time.monotonic()
    second.terminate()

    assert second.wait(15) == 0
    assert time.monotonic() - begun < 10
    assert installation.programs() == []
    assert not embedded.is_alive(installation.home, environ={})


def test_what_is_killed_while_it_runs_comes_back_by_itself(installation: Installation) -> None:
    installation.up()
    installation.wait_for(200)
    killed = [
        postgres_server.running_pid(installation.home),
        redis_server.running_pid(installation.home),
    ]

    for pid in [*killed, *installation.programs()]:
        assert pid is not None
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue  # ended with its parent

    installation.wait_for(200)
    assert postgres_server.running_pid(installation.home) not in {None, killed[0]}
    assert redis_server.running_pid(installation.home) not in {None, killed[1]}
    assert len(installation.programs()) >= 6


def test_a_port_in_use_is_said_in_one_line(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", installation.port)):
        status = installation.up().wait(60)

    assert status == 1
    assert installation.log.read_text().splitlines()[-1] == (
        f"CommandError: 127.0.0.1:{installation.port} is in use:"
        " stop what listens there, or set PORT."
    )
    assert not embedded.is_alive(installation.home, environ={})


def test_a_command_without_servers_says_in_one_line_what_to_do(
    installation: Installation,
) -> None:
    answer = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=CHECKOUT,
        env=installation.environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert answer.stderr.startswith("No database answers. Start the servers with `make up`")
