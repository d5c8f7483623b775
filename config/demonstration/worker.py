"""Real worker, sender and beat while the demonstration is made: programs of ``up``, supervised."""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from config import programs
from config.supervisor import Supervisor

KEPT_LINES = 30


class Workers:
    """The supervised programs, and the latest lines they wrote."""

    def __init__(self, home: Path, sender_environ: Mapping[str, str]) -> None:
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        sender = replace(programs.sender(), environ={**programs.sender().environ, **sender_environ})
        self._supervisor = Supervisor(
            [programs.worker(), programs.beat(), sender], home=home, output=self.lines.append
        )

    def start(self) -> None:
        """Start them; they come up while we do something else."""
        self._supervisor.start()

    def tick(self) -> None:
        """Start again what has ended; to be called while waiting."""
        self._supervisor.tick()

    def stop(self) -> None:
        """End them; nothing of them is left afterwards."""
        self._supervisor.stop()


@contextmanager
def at_work(home: Path, sender_environ: Mapping[str, str]) -> Iterator[Workers]:
    """Have worker, sender and beat running inside the block."""
    workers = Workers(home, sender_environ)
    try:
        workers.start()
        yield workers
    finally:
        workers.stop()
