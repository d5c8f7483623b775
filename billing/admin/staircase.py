"""What an account holds of a counter over time as a staircase. Pure: numbers in, boxes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WIDTH = 800
HEIGHT = 132
TOP = 20  # room for the number above the highest step
LABEL = 34  # a number is written where its step is at least this wide
LATEST = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Step:
    """One value: the box from its day to the next, and where its number stands."""

    since: date
    value: int
    x: int
    width: int
    y: int
    height: int
    is_ahead: bool

    @property
    def middle(self) -> int:
        return self.x + self.width // 2

    @property
    def label_y(self) -> int:
        return self.y - 5

    @property
    def has_room(self) -> bool:
        return self.width >= LABEL


@dataclass(frozen=True, slots=True)
class Staircase:
    """The steps of one counter between two days."""

    first: date
    until: date
    steps: tuple[Step, ...]
    today_x: int

    @property
    def held(self) -> int:
        """Return what is held today."""
        return next((step.value for step in reversed(self.steps) if not step.is_ahead), 0)


def draw(values: Sequence[tuple[date, int]], today: date) -> Staircase | None:
    """Return the staircase of the latest year, and of what is set ahead; None without values."""
    if not values:
        return None
    values = sorted(values)
    first = max(min(values[0][0], today), today - LATEST)
    before = [value for since, value in values if since < first]
    shown = [(first, before[-1])] if before else []
    shown += [(since, value) for since, value in values if since >= first]
    days = (max(shown[-1][0], today) - first).days
    until = first + timedelta(days=max(days + max(days // 12, 1), 14))
    most = max(*(value for _, value in shown), 1)

    def x_of(day: date) -> int:
        return (day - first).days * WIDTH // (until - first).days

    ends = [since for since, _ in shown[1:]] + [until]
    steps = []
    for (since, value), end in zip(shown, ends, strict=True):
        height = value * (HEIGHT - TOP) // most
        x = x_of(since)
        steps.append(Step(since, value, x, x_of(end) - x, HEIGHT - height, height, since > today))
    return Staircase(first, until, tuple(steps), x_of(today))
