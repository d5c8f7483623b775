"""Start background processes and recognise them later.

A process id alone proves nothing: after a crash or in a restarted container another process may
have it. So a process counts as ours only when its command line contains what we started it with.
"""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

# Kept so that a child that ends is collected and does not stay behind as a zombie.
_children: dict[int, subprocess.Popen[bytes]] = {}
LOG_LIMIT_BYTES = 10_000_000


def launch(
    command: Sequence[str], *, log: Path, user: int | None = None, group: int | None = None
) -> int:
    """Start a process in a session of its own, output appended to ``log``; return its id.

    A session of its own means that Ctrl-C in the terminal does not reach it. It starts in
    ``/``, because ``user`` may be unable to enter the current folder.
    """
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_name(log.name + ".1"))
    for ended in list(_children):
        is_alive(ended)  # collects the one that this one follows
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            cwd="/",
            start_new_session=True,
            user=user,
            group=group,
            extra_groups=None if user is None else [],
        )
    finally:
        os.close(descriptor)
    _children[child.pid] = child
    return child.pid


def is_alive(pid: int) -> bool:
    """Return whether a process with this id runs (a zombie does not)."""
    if child := _children.get(pid):
        if child.poll() is None:
            return True
        del _children[pid]
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return not _is_zombie(pid)


def is_ours(pid: int, *traces: str) -> bool:
    """Return whether the process runs and its command line contains one of ``traces``."""
    if pid <= 0 or not is_alive(pid):
        return False
    command = command_line(pid)
    return any(trace in command for trace in traces)


def end(pid: int, signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send the signals in turn, each with the seconds to wait for the process to go."""
    for number, seconds in signals:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not is_alive(pid):
                return
            time.sleep(0.02)


def command_line(pid: int) -> str:
    """Return the words of a process' command line joined by spaces, empty when it is gone."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0")
        return os.fsdecode(words.replace(b"\0", b" "))
    except OSError:
        if Path("/proc/self/cmdline").exists():
            return ""
    answer = subprocess.run(  # systems without /proc
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip()


def _is_zombie(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] in {"Z", "X"}
