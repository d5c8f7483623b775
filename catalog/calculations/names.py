"""What a calculation may refer to. Each use of the language brings its own names.

A name has a key, under which its value stands in the mapping a calculation is evaluated with,
and the types that value may have. Values are trusted to have one of those types.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol

from catalog.calculations.types import ANY, Type

NULLABLE_NUMBER = Type.NUMBER | Type.NULL
NULLABLE_TEXT = Type.TEXT | Type.NULL

# Parts of the time of a measurement (usage.md 8.5), under ``ts`` and under ``ets``.
TIME_PARTS = ("hour", "minute", "dayOfWeek", "dayOfMonth", "month", "year")
# Entities whose custom fields may be referred to (usage.md 7.7).
ENTITIES = ("organization", "product", "planTemplate", "plan", "meter", "account", "accountPlan")
COMPOUND_ENTITIES = (*ENTITIES, "contract")

# entity -> custom field -> the organization's default, without which there is no reference.
CustomFields = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Found:
    """What a reference means."""

    key: str
    type: Type


class UnknownName(Exception):
    """There is no such name here; the sentence gives the reason."""


class Names(Protocol):
    """Finds what references mean, in one use of the language."""

    def find(self, path: tuple[str, ...]) -> Found:
        """Return what a reference means; raises ``UnknownName``."""

    def lookup_key(self, literal: str) -> Found | None:
        """Return the name a quoted key of a lookup stands for, None where it is the key itself."""

    def offered(self) -> Iterable[str]:
        """Return the names as they are written, for an editor to offer."""


class FixedNames:
    """Names listed one by one: fields of events, or none at all.

    ``maps`` are names whose members are not known beforehand, such as ``new.customFields``.
    """

    def __init__(self, types: Mapping[str, Type], maps: Collection[str] = ()) -> None:
        self._types = dict(types)
        self._maps = frozenset(maps)

    def find(self, path: tuple[str, ...]) -> Found:
        """Return the name, or a member of a map; the key joins the path with dots."""
        key = ".".join(path)
        if key in self._types:
            return Found(key, self._types[key])
        if any(".".join(path[:length]) in self._maps for length in range(1, len(path))):
            return Found(key, ANY)
        raise unknown(written(path), self.offered())

    def lookup_key(self, literal: str) -> Found | None:
        """No quoted key stands for a name here."""
        return None

    def offered(self) -> list[str]:
        """Return the names in order."""
        return sorted(self._types)


class MeasurementNames:
    """What a derived field may refer to (usage.md 7.6, 7.7, 8.2, 8.5).

    ``fields`` are the data fields of the meter by code. One of them wins over a reserved name.
    """

    def __init__(self, fields: Mapping[str, Type], custom_fields: CustomFields) -> None:
        self._fields = dict(fields)
        self._reserved = {"ts": Type.NUMBER, "ets": NULLABLE_NUMBER, "duration": NULLABLE_NUMBER}
        for part in TIME_PARTS:
            self._reserved[f"ts.{part}"] = Type.NUMBER
            self._reserved[f"ets.{part}"] = NULLABLE_NUMBER
        self._reserved["account"] = Type.TEXT
        self._custom = _CustomNames(ENTITIES, custom_fields)

    def find(self, path: tuple[str, ...]) -> Found:
        """Return the data field, the time or the custom field."""
        key = ".".join(path)
        if len(path) == 1 and key in self._fields:
            return Found(key, self._fields[key])
        if key in self._reserved:
            return Found(key, self._reserved[key])
        return self._custom.find(path) or _missing(path, self.offered(), self._custom)

    def lookup_key(self, literal: str) -> Found | None:
        """A quoted field code means the value of the field, "account" the account's code (15.6)."""
        if literal in self._fields or literal == "account":
            return self.find((literal,))
        return None

    def offered(self) -> list[str]:
        """Return fields, custom fields and times."""
        return [*self._fields, *self._custom.offered(), *self._reserved]


class AggregationNames:
    """What a compound aggregation may refer to: ``aggregation.<code>`` and custom fields (11.2)."""

    def __init__(self, codes: Iterable[str], custom_fields: CustomFields) -> None:
        self._codes = {f"aggregation.{code}": code for code in codes}
        self._custom = _CustomNames(COMPOUND_ENTITIES, custom_fields)

    def find(self, path: tuple[str, ...]) -> Found:
        """Return the aggregation or the custom field."""
        key = ".".join(path)
        if len(path) == 2 and key in self._codes:
            return Found(key, NULLABLE_NUMBER)
        if key == "account":
            return Found(key, Type.TEXT)
        return self._custom.find(path) or _missing(path, self.offered(), self._custom)

    def lookup_key(self, literal: str) -> Found | None:
        """Only "account" stands for a value, the account's code."""
        return self.find(("account",)) if literal == "account" else None

    def offered(self) -> list[str]:
        """Return aggregations and custom fields."""
        return [*self._codes, *self._custom.offered()]


class _CustomNames:
    """Custom fields of entities; the value may be of another type on a single entity."""

    def __init__(self, entities: Collection[str], fields: CustomFields) -> None:
        self.entities = entities
        self._fields = {entity: fields.get(entity, {}) for entity in entities}

    def find(self, path: tuple[str, ...]) -> Found | None:
        if len(path) == 2 and path[1] in self._fields.get(path[0], {}):
            return Found(".".join(path), Type.NUMBER | Type.TEXT)
        return None

    def offered(self) -> list[str]:
        return [
            written((entity, name)) for entity, fields in self._fields.items() for name in fields
        ]


def _missing(path: tuple[str, ...], offered: Iterable[str], custom: _CustomNames) -> Found:
    if len(path) == 2 and path[0] in custom.entities:
        raise UnknownName(
            f"{written(path)} cannot be used: the organization has no default for this custom field"
        )
    raise unknown(written(path), offered)


def unknown(name: str, offered: Iterable[str]) -> UnknownName:
    """Return the refusal of a name, with one that is nearly the same."""
    close = get_close_matches(name[:80], list(offered), n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return UnknownName(f"there is no {name[:120]} here{hint}")


def written(path: tuple[str, ...]) -> str:
    """Return a path as it is written in a calculation."""
    first, *rest = path
    return first + "".join(f".{one}" if is_word(one) else f'["{one}"]' for one in rest)


def is_word(text: str) -> bool:
    """Return whether a name can be written without brackets and quotes."""
    plain = text.replace("$", "_")
    return bool(plain) and not plain[0].isdigit() and plain.replace("_", "a").isalnum()
