"""Say what is being done and how far it is, on a terminal and where output goes to a file."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Where lines cannot be overwritten, one comes this often at most.
EVERY_SECONDS = 3.0
TERMINAL_EVERY_SECONDS = 0.1
ERASE = "\r\x1b[K"


class Progress:
    """Writes one line per step; on a terminal the line of the running step changes in place."""

    def __init__(self, write: Callable[[str], object], *, is_terminal: bool) -> None:
        self._write = write
        self._is_terminal = is_terminal
        self._title = ""
        self._next = 0.0

    @contextmanager
    def step(self, title: str, *, is_silent: bool = True) -> Iterator[None]:
        """Announce a step, and say how long it took when it is over.

        A step that is not silent prints lines of its own in between.
        """
        started = time.monotonic()
        self._title, self._next = title, started + EVERY_SECONDS
        in_place = self._is_terminal and is_silent
        self._write(f"{title} ..." if in_place else f"{title} ...\n")
        outcome = "given up after"
        try:
            yield
            outcome = "done in"
        finally:
            seconds = time.monotonic() - started
            self._write(f"{ERASE if in_place else ''}{title}: {outcome} {seconds:.1f} s\n")

    def at(self, detail: str) -> None:
        """Say how far the running step is; most calls write nothing."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (TERMINAL_EVERY_SECONDS if self._is_terminal else EVERY_SECONDS)
        line = f"{self._title}: {detail}"
        self._write(f"{ERASE}{line}" if self._is_terminal else f"  {line}\n")
