"""A catalogue as values: items by section and key, and what is wrong with a file."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple


class Ref(NamedTuple):
    """What an item is called by others: its code or, of one without a code, its name."""

    by: str
    text: str

    def __str__(self) -> str:
        return self.text if self.by == "code" else f"named {self.text}"


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a catalogue; ``line`` is 0 and ``lines`` empty for what is stored."""

    section: str
    key: Hashable
    values: dict[str, Any]
    line: int = 0
    lines: dict[str, int] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """How texts name it: ``plans gold``."""
        parts = self.key if type(self.key) is tuple else (self.key,)
        return f"{self.section} {' / '.join(shown(part) for part in parts if part is not None)}"


Section = dict[Hashable, Item]
Catalogue = dict[str, Section]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong, and where: the line of the file (0: nowhere in it), item and field."""

    line: int
    where: str
    message: str

    def __str__(self) -> str:
        parts = (f"line {self.line}" if self.line else "", self.where)
        place = ", ".join(part for part in parts if part)
        return f"{place}: {self.message}" if place else self.message


def shown(value: Any) -> str:
    """Return a value as the file writes it, in one line."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Ref):
        return str(value)
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    return str(value)


def plain(number: Decimal) -> str:
    """Return a number without exponent and trailing zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
