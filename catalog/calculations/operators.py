"""Operators as functions of two values, quick ones where the types are known beforehand."""

import decimal
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from catalog.calculations import numbers
from catalog.calculations.faults import CalculationFailed
from catalog.calculations.functions import equal
from catalog.calculations.limits import LONGEST_TEXT
from catalog.calculations.types import Type, Value, type_of, words

Binary = Callable[[Any, Any], Any]

ARITHMETIC: dict[str, Binary] = {
    "+": numbers.add,
    "-": numbers.subtract,
    "*": numbers.multiply,
    "/": numbers.divide,
    "%": numbers.remainder,
    "^": numbers.power,
}
ORDER: dict[str, Binary] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
_NUMERAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def arithmetic(operator: str, left: Type, right: Type) -> Binary:
    """Return the operator for operands of these types."""
    apply = ARITHMETIC[operator]
    both = left | right
    if both == Type.NUMBER:
        return apply
    if not both & ~(Type.NUMBER | Type.NULL):
        return lambda a, b: None if a is None or b is None else apply(a, b)
    return _plus if operator == "+" else _checked(operator, apply)


def _checked(operator: str, apply: Binary) -> Binary:
    def checked(a: Value, b: Value) -> Value:
        for value in (a, b):
            if type_of(value) & ~(Type.NUMBER | Type.NULL):
                raise CalculationFailed(f"{operator} needs numbers, not {words(type_of(value))}")
        return None if a is None or b is None else apply(a, b)

    return checked


def _plus(a: Any, b: Any) -> Value:
    """Add numbers; join texts, or a text and a number (usage.md 7.4)."""
    both = type_of(a) | type_of(b)
    if both & (Type.BOOLEAN | Type.LIST):
        raise CalculationFailed("+ needs numbers or texts")
    if a is None or b is None:
        return None
    if both == Type.NUMBER:
        return numbers.add(a, b)
    joined = as_text(a) + as_text(b)
    if len(joined) > LONGEST_TEXT:
        raise CalculationFailed(f"a text may have at most {LONGEST_TEXT:,} characters")
    return joined


def ordering(operator: str, left: Type, right: Type) -> Binary:
    """Return the comparison; false where one side is null, two of different types cannot be."""
    compare = ORDER[operator]
    if left == right and left in (Type.NUMBER, Type.TEXT):
        return compare

    def checked(a: Value, b: Value) -> bool:
        kinds = type_of(a) | type_of(b)
        if kinds & ~Type.NULL not in (Type(0), Type.NUMBER, Type.TEXT):
            raise CalculationFailed(f"{operator} needs two numbers or two texts")
        return False if kinds & Type.NULL else bool(compare(a, b))

    return checked


def equality(operator: str, left: Type, right: Type) -> Binary:
    """Return the test for equal, or for different, values."""
    is_same_type = left == right and left in (Type.NUMBER, Type.TEXT)
    if operator == "==":
        return (lambda a, b: bool(a == b)) if is_same_type else equal
    return (lambda a, b: bool(a != b)) if is_same_type else (lambda a, b: not equal(a, b))


def signed(sign: str) -> Callable[[Any], Any]:
    """Return the sign as a function."""
    apply = numbers.minus if sign == "-" else numbers.CONTEXT.plus

    def checked(value: Any) -> Value:
        if type_of(value) & ~(Type.NUMBER | Type.NULL):
            raise CalculationFailed(f"{sign} needs a number, not {words(type_of(value))}")
        return None if value is None else apply(value)

    return checked


def as_text(value: Value) -> str:
    """Return a number, a text or a boolean as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else numbers.plain(value)  # type: ignore[arg-type]


def _double(value: Value) -> Value:
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT or not _NUMERAL.fullmatch(value.strip()):
            raise CalculationFailed(f"{value[:80]} is not a number")
        return numbers.CONTEXT.create_decimal(value.strip())
    if type_of(value) != Type.NUMBER:
        raise CalculationFailed(f"{as_text(value)} is not a number")
    return value


def _int(value: Value) -> Value:
    mode = decimal.ROUND_DOWN
    number = _double(value)
    assert isinstance(number, Decimal | int)
    return numbers.at_scale(number, 0, positive=mode, negative=mode)


def _boolean(value: Value) -> Value:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in ("true", "false"):
        return value == "true"
    raise CalculationFailed(f"{as_text(value)[:80]} is neither true nor false")


_CASTS: dict[str, tuple[Callable[[Value], Value], Type]] = {
    "string": (as_text, Type.TEXT),
    "double": (_double, Type.NUMBER),
    "int": (_int, Type.NUMBER),
    "boolean": (_boolean, Type.BOOLEAN),
}


def cast(target: str) -> tuple[Callable[[Any], Any], Type]:
    """Return the cast as a function, and its type; null stays null (usage.md 7.3.5)."""
    make, returned = _CASTS[target]

    def checked(value: Value) -> Value:
        if isinstance(value, list | dict):
            raise CalculationFailed("a list cannot be made into another type")
        return None if value is None else make(value)

    return checked, returned
