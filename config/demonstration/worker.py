"""A real worker and beat while the demonstration is made: the programs ``up`` runs, supervised."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config import programs
from config.supervisor import Supervisor

KEPT_LINES = 30


class Workers:
    """The supervised programs, and the latest lines they wrote."""

    def __init__(self, home: Path) -> None:
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._supervisor = Supervisor(
            [programs.worker(), programs.beat()], home=home, output=self.lines.append
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
def at_work(home: Path) -> Iterator[Workers]:
    """Have worker and beat running inside the block."""
    workers = Workers(home)
    try:
        workers.start()
        yield workers
    finally:
        workers.stop()
