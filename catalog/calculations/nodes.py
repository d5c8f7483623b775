"""A parsed calculation: a tree of these, each with the place where it stands in the text.

Operators of one precedence that follow each other are one ``Chain``, so that a sum of a thousand
terms is no deeper than one of two. ``height`` counts the nodes below one another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from catalog.calculations.types import Value


@dataclass(frozen=True, slots=True)
class Node:
    """Something that has a value; ``position`` and ``length`` are characters of the text."""

    position: int
    length: int
    height: int = field(default=1, kw_only=True)


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A number, a text, or a constant."""

    value: Value


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A reference: ``gb`` is ("gb",), ``account["Plan size"]`` is ("account", "Plan size")."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signed(Node):
    """A number with a sign before it."""

    sign: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Cast(Node):
    """A value made into another type: ``string``, ``double``, ``int``, ``boolean``."""

    target: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Power(Node):
    """``base ^ exponent``."""

    base: Node
    exponent: Node


@dataclass(frozen=True, slots=True)
class Step:
    """An operator in a chain and what stands behind it."""

    operator: str
    operand: Node
    position: int


@dataclass(frozen=True, slots=True)
class Chain(Node):
    """Operators of the same precedence, applied from left to right."""

    first: Node
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Logic(Node):
    """Conditions joined by AND, or by OR; asked from the left until one decides."""

    operator: str
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Ternary(Node):
    """``condition ? yes : no``; only the branch taken is evaluated."""

    condition: Node
    yes: Node
    no: Node


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function and its arguments."""

    function: str
    arguments: tuple[Node, ...]


def above(nodes: Iterable[Node]) -> int:
    """Return the height of a node that stands above these."""
    return 1 + max((node.height for node in nodes), default=0)
