"""PURE: items of lookup tables: which fields they may have, and the key each is found by.

A key is the values of the key fields, joined with commas in the order of the keys (usage.md
15.4). Where there are several keys, a comma inside a value is written with a backslash before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

LONGEST_KEY = 512
LONGEST_TEXT = 10_000
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?")
ABOVE_ALL = Decimal(10) ** 20
MOST_FAULTS = 20

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Schema:
    """The types of a revision's fields by name, and the names of its keys in order."""

    types: Mapping[str, str]
    keys: tuple[str, ...]

    @classmethod
    def of(cls, fields: Iterable[Mapping[str, str]], keys: Iterable[str]) -> Schema:
        """Return the schema that a revision's columns say."""
        return cls({field["name"]: field["type"] for field in fields}, tuple(keys))


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field of an item; ``field`` is empty where it is the item itself."""

    field: str
    message: str


def checked(schema: Schema, sent: Any) -> tuple[Item, list[Fault]]:
    """Return the item with every field in the order of the schema, and all that is wrong."""
    if not isinstance(sent, dict):
        return {}, [Fault("", "must be an object")]
    faults = [
        Fault(name[:256], "is no field of this revision")
        for name in sent
        if name not in schema.types
    ]
    item: Item = {}
    for name, kind in schema.types.items():
        value = sent.get(name)
        item[name] = value
        if value is None:
            if name in schema.keys:
                faults.append(Fault(name, "is a key and must have a value"))
        elif fault := _fault_of(value, kind, is_key=name in schema.keys):
            faults.append(Fault(name, fault))
    if not faults and len(key_of(schema, item)) > LONGEST_KEY:
        faults.append(Fault(schema.keys[0], f"the key may have at most {LONGEST_KEY} characters"))
    return item, faults


def _fault_of(value: Any, kind: str, *, is_key: bool) -> str:
    if kind == "NUMBER":
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            return "must be a number"
        number = Decimal(value)
        if not number.is_finite() or abs(number) >= ABOVE_ALL:
            return "must be smaller than 1e20"
        exponent = number.normalize().as_tuple().exponent
        return "may have at most 18 digits after the point" if int(exponent) < -18 else ""
    if not isinstance(value, str):
        return "must be a string"
    if "\0" in value or any("\ud800" <= one <= "\udfff" for one in value):
        return "must not contain a null character or half of a character"
    if is_key and not value:
        return "is a key and must not be empty"
    return f"may have at most {LONGEST_TEXT:,} characters" if len(value) > LONGEST_TEXT else ""


def key_of(schema: Schema, item: Mapping[str, Any]) -> str:
    """Return the key of a checked item as it stands in addresses."""
    return joined([item[name] for name in schema.keys])


def joined(values: Sequence[Any]) -> str:
    """Return values of keys as one text."""
    texts = [plain(value) for value in values]
    if len(texts) == 1:
        return texts[0]
    return ",".join(text.replace("\\", "\\\\").replace(",", "\\,") for text in texts)


def plain(value: Any) -> str:
    """Return a text as it is, a number without exponent and without trailing zeros."""
    if isinstance(value, str):
        return value
    text = format(Decimal(value), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def read_key(schema: Schema, text: str) -> str | None:
    """Return the key that an address names in the form in which it is stored; None for none.

    ``01.50`` finds the number 1.5.
    """
    if "\0" in text or any("\ud800" <= one <= "\udfff" for one in text):
        return None  # no text that PostgreSQL could hold
    values = values_of(schema, text)
    is_whole = len(values) == len(schema.keys) and None not in values
    return joined(values) if is_whole else None


def values_of(schema: Schema, text: str) -> list[Any]:
    """Return the values of the keys that an address names."""
    parts = [text] if len(schema.keys) == 1 else _split(text)
    if len(parts) != len(schema.keys):
        return []
    return [
        from_text(part, schema.types[name]) for name, part in zip(schema.keys, parts, strict=True)
    ]


def _split(text: str) -> list[str]:
    parts, position = [""], 0
    while position < len(text):
        one = text[position]
        if one == "\\" and text[position + 1 : position + 2] in ("\\", ","):
            position += 1
            parts[-1] += text[position]
        elif one == ",":
            parts.append("")
        else:
            parts[-1] += one
        position += 1
    return parts


def from_text(text: str, kind: str) -> Any:
    """Return the value of a cell; None of an empty one; the text where it is no number."""
    if not text:
        return None
    if kind == "NUMBER" and NUMBER.fullmatch(text):
        try:
            return Decimal(text)
        except InvalidOperation:  # pragma: no cover - the pattern takes what Decimal takes
            return text
    return text


def schema_faults(fields: Sequence[Mapping[str, str]], keys: Sequence[str]) -> list[Fault]:
    """Return what is wrong with the fields and keys of a revision (15.2)."""
    names = [field["name"] for field in fields]
    faults = []
    if not 2 <= len(fields) <= 10:
        faults.append(Fault("fields", "must be 2 to 10"))
    if twice := sorted({name for name in names if names.count(name) > 1}):
        faults.append(Fault("fields", f"have the name {twice[0]} twice"))
    if not 1 <= len(keys) <= 5:
        faults.append(Fault("keys", "must be 1 to 5"))
    if unknown := [key for key in keys if key not in names]:
        faults.append(Fault("keys", f"{unknown[0][:80]} is the name of no field"))
    elif len(set(keys)) < len(keys):
        faults.append(Fault("keys", "name a field twice"))
    elif names and len(keys) >= len(set(names)):
        faults.append(Fault("keys", "must leave one field that is no key: the one to be found"))
    return faults
