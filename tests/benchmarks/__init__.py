"""Benchmarks: each prints ratios whose two sides were measured in one run, on one machine.

A benchmark is a module with ``run()``, which yields a ``Ratio`` for each row of its table.
``SCALE`` (1) sizes all of them. Machines differ and are shared, so sides are measured in turn,
several times, and the median of the ratios is what counts.
"""

import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass

SCALE = float(os.environ.get("SCALE") or "1")
ROUNDS = int(os.environ.get("ROUNDS") or "3")


@dataclass(frozen=True, slots=True)
class Ratio:
    """One row: a measured ratio, the bound it is held against, and the figures behind it."""

    name: str
    value: float
    at_least: float | None = None
    at_most: float | None = None
    detail: str = ""

    @property
    def is_held(self) -> bool:
        """Whether the ratio keeps its bound."""
        above = self.at_least is None or self.value >= self.at_least
        return above and (self.at_most is None or self.value <= self.at_most)

    def __str__(self) -> str:
        bound = f">= {self.at_least:g}" if self.at_least is not None else f"<= {self.at_most:g}"
        verdict = "ok    " if self.is_held else "MISSED"
        return f"{verdict} {self.value:8.2f}  {bound:<8} {self.name}\n         {self.detail}"


def scaled(count: int, *, least: int = 1) -> int:
    """Return a count for this run's size."""
    return max(least, round(count * SCALE))


def in_turn(ours: Callable[[], float], baseline: Callable[[], float]) -> tuple[float, float, float]:
    """Measure both sides in turn; return the median ratio and the median of each side."""
    pairs = []
    for _ in range(ROUNDS):
        against = baseline()
        pairs.append((ours(), against))
    return (
        statistics.median(one / other for one, other in pairs),
        statistics.median(one for one, _ in pairs),
        statistics.median(other for _, other in pairs),
    )
