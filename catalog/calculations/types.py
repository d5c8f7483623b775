"""The types of the language, and the values that belong to them (usage.md 7.4).

What is known of an expression before it runs is the set of types its value may have: a data
field is a NUMBER, an aggregation without data NUMBER | NULL, a member of a map ANY.
"""

from decimal import Decimal
from enum import IntFlag


class Type(IntFlag):
    """A set of types."""

    NUMBER = 1
    TEXT = 2
    BOOLEAN = 4
    NULL = 8
    LIST = 16


ANY = Type.NUMBER | Type.TEXT | Type.BOOLEAN | Type.NULL | Type.LIST

# A whole number may stand for a Decimal; True and False are never numbers. Lists occur in event
# payloads only, and can only be compared with null.
Value = Decimal | int | str | bool | list[object] | dict[str, object] | None

_WORDS = {
    Type.NUMBER: "a number",
    Type.TEXT: "a text",
    Type.BOOLEAN: "true or false",
    Type.NULL: "null",
    Type.LIST: "a list",
}


def type_of(value: Value) -> Type:
    """Return the type of a value."""
    if value is None:
        return Type.NULL
    if isinstance(value, bool):
        return Type.BOOLEAN
    if isinstance(value, Decimal | int):
        return Type.NUMBER
    return Type.TEXT if isinstance(value, str) else Type.LIST


def fits(types: Type, wanted: Type) -> bool:
    """Return whether a value of these types can be one of those wanted, null set aside.

    What is always null fits everywhere that null is wanted.
    """
    return bool((types & ~Type.NULL or types) & wanted)


def words(types: Type) -> str:
    """Return the types in English."""
    return " or ".join(word for kind, word in _WORDS.items() if kind & types)
