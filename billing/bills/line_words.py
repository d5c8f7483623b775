"""How a line is told to people: the same in the console and on the document.

What is stored stays exact; nothing here is calculated with.
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import permutations
from typing import Protocol

from billing.rating.telling import with_unit as with_unit
from organizations.kernel.money import CONTEXT

# How many decimals are enough to read, by how large a number is. An amount never depends on it.
FEW = ((Decimal(1000), 2), (Decimal(1), 4))
MOST = 8
ANY = "*"
MOST_FIELDS = 5  # 120 orders


class Described(Protocol):
    """What is told of a line."""

    description: str
    segment: dict[str, str] | None


def readable(number: Decimal) -> tuple[Decimal, bool]:
    """Return a quantity with as many decimals as one can read, and whether that is all of it.

    Two from a thousand on, four from one on, else eight; what has no more is left as it is.
    """
    places = next((few for least, few in FEW if abs(number) >= least), MOST)
    shown = number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN, context=CONTEXT)
    return (number, True) if shown == number else (shown, False)


def description(line: Described, other: str = "other {field}") -> str:
    """Return a line's description; the segment for all other values is said in words (SEG-2).

    ``other`` is how that is said in the reader's language.
    """
    segment = line.segment or {}
    for fields in _orders(segment) if ANY in segment.values() else ():
        stored = f"({', '.join(segment[field] for field in fields)})"
        if line.description.endswith(stored):
            told = (
                other.format(field=field.replace("_", " "))
                if segment[field] == ANY
                else segment[field]
                for field in fields
            )
            return f"{line.description.removesuffix(stored)}({', '.join(told)})"
    return line.description


def _orders(segment: dict[str, str]) -> Iterable[tuple[str, ...]]:
    """Return the fields in each order: a stored segment does not remember its own."""
    fields = tuple(segment)
    return permutations(fields) if len(fields) <= MOST_FIELDS else (fields,)
