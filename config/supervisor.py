"""Run several programs in the foreground as one: pass on their output, restart, stop together.

A program runs in a process group of its own. When its main process ends, whatever is left of the
group is killed before it is started again, so nothing holds on to its port. When the supervisor
itself is killed, Linux tells the programs to end; the next supervisor of the same home kills what
is still there (found by a mark in its environment).
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config import embedded
from config.embedded import processes

MARK = "BILLWRIGHT_SUPERVISOR"
STOP_WITHIN_SECONDS = 6.0  # leaves time for the servers within ten seconds of Ctrl-C
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_AFTER_SECONDS = 30.0
TICK_SECONDS = 0.2
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)  # loaded here: little is safe to do between fork and exec


@dataclass(frozen=True, slots=True)
class Program:
    """What to run under which name and where; ``environ`` is added to ours."""

    name: str
    command: Sequence[str]
    folder: Path | None = None
    environ: Mapping[str, str] = field(default_factory=dict)


class Supervisor:
    """Keeps programs running. ``check`` is called every second and returns whether all programs
    must be started again (because a server they use has moved)."""

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        home: Path,
        check: Callable[[], bool] = lambda: False,
        output: Callable[[str], None] | None = None,
    ) -> None:
        self.home = home
        self.check = check
        self.output = output or _to_stdout
        width = max((len(program.name) for program in programs), default=0)
        self.children = [_Child(program, width, self.output) for program in programs]
        self.signals = 0
        self._next_check = 0.0

    def run(self) -> None:
        """Run until SIGINT or SIGTERM, then stop all programs. Only in the main thread."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note_signal)
        try:
            self.start()
            while not self.signals:
                self.tick()
                time.sleep(TICK_SECONDS)
            self.output("Stopping ...")
        finally:
            self.stop()

    def start(self) -> None:
        """Start all programs, after killing what a killed supervisor of this home left behind."""
        kill_orphans(self.home)
        register(self.home)
        mark = {MARK: f"{self.home}|{os.getpid()}|{_started_at(os.getpid())}"}
        for child in self.children:
            child.start(mark)
        self._next_check = time.monotonic() + 1

    def tick(self) -> None:
        """Start again what has ended and is due."""
        now = time.monotonic()
        if now >= self._next_check:
            self._next_check = now + 1
            if self.check():
                self.output("A server has moved: starting all programs again.")
                self.stop()
                self.start()
        for child in self.children:
            child.revive()

    def stop(self) -> None:
        """End all programs together: politely first, after six seconds by force."""
        for child in self.children:
            child.ask_to_end()
        deadline = time.monotonic() + STOP_WITHIN_SECONDS
        for child in self.children:
            child.finish(deadline)
        (self.home / "up" / str(os.getpid())).unlink(missing_ok=True)

    def _note_signal(self, number: int, frame: object) -> None:
        self.signals += 1
        if self.signals > 1:
            raise SystemExit(130)


class _Child:
    """One program and its process, if it runs."""

    def __init__(self, program: Program, width: int, output: Callable[[str], None]) -> None:
        self.program = program
        self.prefix = f"{program.name:<{width}} | "
        self.output = output
        self.process: subprocess.Popen[bytes] | None = None
        self.mark: Mapping[str, str] = {}
        self.started = 0.0
        self.due: float | None = None
        self.pause = FIRST_PAUSE_SECONDS

    def start(self, mark: Mapping[str, str]) -> None:
        self.mark = mark
        self.started = time.monotonic()
        self.due = None
        self.process = subprocess.Popen(
            self.program.command,
            cwd=self.program.folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self.program.environ, **mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches us alone, and we end them
            preexec_fn=_end_with_parent,
        )
        threading.Thread(target=self._pass_on, args=[self.process], daemon=True).start()

    def revive(self) -> None:
        """Start again when it has ended, sooner after a long life than in a row of failures."""
        now = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            status = self.process.returncode
            _kill_group(self.process.pid)
            self.process = None
            if now - self.started >= STEADY_AFTER_SECONDS:
                self.pause = FIRST_PAUSE_SECONDS
            self.due = now + self.pause
            self.output(f"{self.prefix}ended with {status}, again in {self.pause:g} s")
            self.pause = min(self.pause * 2, LONGEST_PAUSE_SECONDS)
        if self.due is not None and now >= self.due:
            self.start(self.mark)

    def ask_to_end(self) -> None:
        self.due = None
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def finish(self, deadline: float) -> None:
        if self.process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, deadline - time.monotonic()))
        _kill_group(self.process.pid)
        self.process.wait()
        self.process = None

    def _pass_on(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.output(self.prefix + line.decode(errors="replace").rstrip("\n"))
        process.stdout.close()


def register(home: Path) -> None:
    """Note that this process supervises programs of the home, for stop_all()."""
    folder = home / "up"
    folder.mkdir(parents=True, exist_ok=True)
    for note in folder.glob("*"):
        if not _started_at(int(note.name)):
            note.unlink(missing_ok=True)
    (folder / str(os.getpid())).write_text(_started_at(os.getpid()))


def stop_all(home: Path) -> None:
    """End every supervisor of the home and wait until it has stopped its programs."""
    for note in (home / "up").glob("*"):
        pid = int(note.name)
        if _started_at(pid) == note.read_text():
            processes.end(pid, [(signal.SIGTERM, STOP_WITHIN_SECONDS + 6), (signal.SIGKILL, 2)])
        note.unlink(missing_ok=True)
    kill_orphans(home)


def kill_orphans(home: Path) -> int:
    """Kill programs whose supervisor of this home is gone; return how many processes.

    Only where there is a /proc; elsewhere a program that outlived its supervisor has to be
    ended by hand when it holds the port.
    """
    killed = 0
    for folder in Path("/proc").glob("[0-9]*"):
        mark = _mark_of(folder)
        if mark is None or mark[0] != str(home) or mark[2] == _started_at(int(mark[1])):
            continue
        processes.end(int(folder.name), [(signal.SIGKILL, 2)])
        killed += 1
    return killed


def _mark_of(folder: Path) -> tuple[str, str, str] | None:
    """Return home, supervisor's process id and its start time, for a process that we started."""
    try:
        variables = (folder / "environ").read_bytes().split(b"\0")
    except OSError:  # gone, or somebody else's
        return None
    for variable in variables:
        if variable.startswith(MARK.encode() + b"="):
            parts = os.fsdecode(variable.partition(b"=")[2]).rsplit("|", 2)
            return (parts[0], parts[1], parts[2]) if len(parts) == 3 else None
    return None


def _started_at(pid: int) -> str:
    """Return when a process began, so that a reused process id is not taken for it."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "" if Path("/proc/self/stat").exists() else str(processes.is_alive(pid))
    fields = status.rpartition(")")[2].split()
    return "" if fields[0] in {"Z", "X"} else fields[19]


def _end_with_parent() -> None:
    """Have the system send SIGTERM to this process when the supervisor is gone (Linux)."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _kill_group(leader: int) -> None:
    # Nobody is left; macOS says "not permitted" for a group of zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


_output_lock = threading.Lock()


def _to_stdout(line: str) -> None:
    with _output_lock:
        try:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        except (BrokenPipeError, ValueError):
            pass  # whoever read our output has gone; the programs go on


def main(arguments: list[str]) -> int:
    """``python -m config.supervisor stop``: stop programs and servers of the home."""
    if arguments != ["stop"]:
        sys.stderr.write("usage: python -m config.supervisor stop\n")
        return 2
    home = embedded.default_home()
    stop_all(home)
    embedded.stop(home)
    for left in embedded.test_homes(home):
        embedded.stop(left)
    embedded.remove_leftovers(home)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
