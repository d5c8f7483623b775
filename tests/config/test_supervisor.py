"""The supervisor passes output on, restarts what ends, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import supervisor
from config.embedded import processes

CHECKOUT = Path(__file__).resolve().parent.parent.parent

# Each program notes its process id in a file named after it, one line a start.
POLITE = "echo $$ >> {notes}/polite; echo hello from polite; exec sleep 600"
STUBBORN = "trap '' TERM; echo $$ >> {notes}/stubborn; while true; do sleep 0.1; done"
WITH_CHILD = "sleep 600 & echo $! >> {notes}/grandchild; echo $$ >> {notes}/parent; wait"

RUN = """
import sys
from pathlib import Path
from config import supervisor
supervisor.STOP_WITHIN_SECONDS = 1
supervisor.FIRST_PAUSE_SECONDS = 0.1
programs = [
    supervisor.Program(name, ["/bin/sh", "-c", script])
    for name, script in zip(sys.argv[2::2], sys.argv[3::2])
]
supervisor.Supervisor(programs, home=Path(sys.argv[1])).run()
"""


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Run a supervisor of the named scripts; killed with everything of its home at the end."""
    launched: list[subprocess.Popen[str]] = []

    def run(**scripts: str) -> "subprocess.Popen[str]":
        words = [word for name, text in scripts.items() for word in (name, text)]
        child = subprocess.Popen(
            [sys.executable, "-c", RUN, str(tmp_path), *words],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            text=True,
        )
        launched.append(child)
        return child

    yield run
    for child in launched:
        child.kill()
        child.communicate()
    supervisor.kill_orphans(tmp_path)


def noted(path: Path, count: int = 1) -> list[int]:
    """Return the process ids in a note, once there are ``count``."""
    for _ in range(400):
        if path.exists() and len(lines := path.read_text().split()) >= count:
            return [int(line) for line in lines]
        time.sleep(0.05)
    raise AssertionError(f"{path.name} was not started {count} times")


def is_gone(pid: int, within: float = 5.0) -> bool:
    deadline = time.monotonic() + within
    while processes.is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not processes.is_alive(pid)


def test_a_killed_program_is_started_again_and_the_rest_is_left_alone(
    tmp_path: Path, launch: Callable[..., "subprocess.Popen[str]"]
) -> None:
    launch(polite=POLITE.format(notes=tmp_path), other=WITH_CHILD.format(notes=tmp_path))
    first = noted(tmp_path / "polite")[0]
    noted(tmp_path / "parent")

    os.kill(first, signal.SIGKILL)

    second = noted(tmp_path / "polite", 2)[1]
    assert processes.is_alive(second)
    assert len(noted(tmp_path / "parent")) == 1


def test_what_a_killed_program_had_started_ends_before_it_is_started_again(
    tmp_path: Path, launch: Callable[..., "subprocess.Popen[str]"]
) -> None:
    launch(parent=WITH_CHILD.format(notes=tmp_path))
    grandchild = noted(tmp_path / "grandchild")[0]

    os.kill(noted(tmp_path / "parent")[0], signal.SIGKILL)

    noted(tmp_path / "parent", 2)
    assert is_gone(grandchild)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_all_programs_even_one_that_ignores_it(
    number: signal.Signals,
    tmp_path: Path,
    launch: Callable[..., "subprocess.Popen[str]"],
) -> None:
    running = launch(
        polite=POLITE.format(notes=tmp_path),
        stubborn=STUBBORN.format(notes=tmp_path),
        parent=WITH_CHILD.format(notes=tmp_path),
    )
    pids = [noted(tmp_path / name)[0] for name in ("polite", "stubborn", "parent", "grandchild")]

    running.send_signal(number)
    output, _ = running.communicate(timeout=10)

    assert running.returncode == 0
    assert [pid for pid in pids if processes.is_alive(pid)] == []
    assert "polite   | hello from polite" in output.splitlines()
    assert list((tmp_path / "up").iterdir()) == []


def test_programs_end_when_their_supervisor_is_killed(
    tmp_path: Path, launch: Callable[..., "subprocess.Popen[str]"]
) -> None:
    running = launch(polite=POLITE.format(notes=tmp_path))
    pid = noted(tmp_path / "polite")[0]

    running.kill()

    assert is_gone(pid)


def test_the_next_supervisor_kills_what_a_killed_one_left_behind(
    tmp_path: Path, launch: Callable[..., "subprocess.Popen[str]"]
) -> None:
    running = launch(stubborn=STUBBORN.format(notes=tmp_path))
    left_behind = noted(tmp_path / "stubborn")[0]
    running.kill()
    running.wait()
    assert processes.is_alive(left_behind)

    launch(polite=POLITE.format(notes=tmp_path))

    noted(tmp_path / "polite")
    assert is_gone(left_behind)


def test_programs_of_a_living_supervisor_are_no_orphans(
    tmp_path: Path, launch: Callable[..., "subprocess.Popen[str]"]
) -> None:
    launch(polite=POLITE.format(notes=tmp_path))
    pid = noted(tmp_path / "polite")[0]

    assert supervisor.kill_orphans(tmp_path) == 0

    assert processes.is_alive(pid)


def test_a_program_that_keeps_failing_is_started_ever_more_rarely(
    tmp_path: Path, launch: Callable[..., "subprocess.Popen[str]"]
) -> None:
    running = launch(failing="exit 3")

    time.sleep(2.5)
    running.terminate()
    output, _ = running.communicate(timeout=10)

    pauses = [line.partition("again in ")[2] for line in output.splitlines() if "again" in line]
    assert pauses[:3] == ["0.1 s", "0.2 s", "0.4 s"]
    assert len(pauses) <= 5


def test_stop_ends_a_supervisor_with_its_programs(
    tmp_path: Path, launch: Callable[..., "subprocess.Popen[str]"]
) -> None:
    running = launch(polite=POLITE.format(notes=tmp_path))
    pid = noted(tmp_path / "polite")[0]

    supervisor.stop_all(tmp_path)

    assert running.wait(5) == 0
    assert not processes.is_alive(pid)
