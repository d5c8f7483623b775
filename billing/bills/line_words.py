"""How a line is told to people: the same in the console and on the document.

What is stored stays exact; nothing here is calculated with.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Protocol

from organizations.kernel.money import CONTEXT

# How many decimals are enough to read, by how large a number is. An amount never depends on it.
FEW = ((Decimal(1000), 2), (Decimal(1), 4))
MOST = 8
ANY = "*"


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


def with_unit(units: str, unit: str) -> str:
    """Return units with their label; one that begins with a number is multiplied by it."""
    if not unit:
        return units
    return f"{units} × {unit}" if unit[:1].isdigit() else f"{units} {unit}"


def description(line: Described, other: str = "other {field}") -> str:
    """Return a line's description; the segment for all other values is said in words (SEG-2).

    ``other`` is how that is said in the reader's language.
    """
    values = list((line.segment or {}).items())
    stored = f"({', '.join(value for _, value in values)})"
    if not any(value == ANY for _, value in values) or not line.description.endswith(stored):
        return line.description
    told = (
        other.format(field=field.replace("_", " ")) if value == ANY else value
        for field, value in values
    )
    return f"{line.description.removesuffix(stored)}({', '.join(told)})"
