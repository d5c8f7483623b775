"""From usage to total as horizontal steps: a bill's line items, drawn as SVG by the template.

Everything is reckoned in whole pixels from Decimals; nothing here is shown as money.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

MOST_STEPS = 12
LEFT, WIDTH, ROW = 290, 420, 34  # pixels: where bars begin, how wide they may get, row height
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Step:
    """One bar: its label, its amount, and where it lies. ``kind`` is plus, minus or total."""

    label: str
    amount: Decimal
    kind: str
    x: int
    width: int
    y: int


def steps(amounts: Iterable[tuple[str, Decimal]]) -> list[Step]:
    """Return the bars in order, equal labels added up, the total last.

    Beyond twelve labels the smallest are shown together as Other.
    """
    added: dict[str, Decimal] = {}
    for label, amount in amounts:
        added[label] = added.get(label, ZERO) + amount
    parts = _largest([(label, amount) for label, amount in added.items() if amount])
    total = sum((amount for _label, amount in parts), ZERO)
    edges = [ZERO]
    for _label, amount in parts:
        edges.append(edges[-1] + amount)
    lowest, highest = min(edges), max(edges)
    span = highest - lowest or Decimal(1)

    def pixel(value: Decimal) -> int:
        return LEFT + int((value - lowest) / span * WIDTH)

    bars = [
        _bar(at, label, amount, pixel(edges[at]), pixel(edges[at + 1]))
        for at, (label, amount) in enumerate(parts)
    ]
    last = _bar(len(parts), "Total", total, pixel(ZERO), pixel(total))
    return [*bars, Step("Total", total, "total", last.x, last.width, last.y)]


def height(bars: Sequence[Step]) -> int:
    """Return how high the drawing is."""
    return len(bars) * ROW + 8


def _bar(at: int, label: str, amount: Decimal, start: int, end: int) -> Step:
    kind = "plus" if amount >= 0 else "minus"
    return Step(label, amount, kind, min(start, end), max(abs(end - start), 2), at * ROW + 8)


def _largest(parts: list[tuple[str, Decimal]]) -> list[tuple[str, Decimal]]:
    if len(parts) <= MOST_STEPS:
        return parts
    kept = sorted(parts, key=lambda part: abs(part[1]), reverse=True)[: MOST_STEPS - 1]
    other = sum((amount for label, amount in parts if (label, amount) not in kept), ZERO)
    return [*(part for part in parts if part in kept), ("Other", other)]
