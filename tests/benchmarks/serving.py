"""Web servers for a benchmark: two processes of four threads, as ``make up`` starts them."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from config import programs

READY_WITHIN_SECONDS = 60.0


@contextmanager
def serving(application: str = "config.wsgi:application") -> Iterator[int]:
    """Serve an application on a free port; yields the port."""
    port = _free_port()
    here = {"PORT": str(port), "WEB_PROCESSES": "2", "WEB_THREADS": "4", "LOG_LEVEL": "WARNING"}
    with mock.patch.dict(os.environ, here):
        program = programs.web()
        command = [*program.command[:-1], application]
        process = subprocess.Popen(command, cwd=program.folder, stdout=subprocess.DEVNULL)
    try:
        _wait(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with status {process.returncode}.")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("The server does not listen.")
