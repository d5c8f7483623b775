"""Query parameters of lists: what may be asked, how a value is read, which rows it leaves (B4)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet

from organizations.kernel import ids
from organizations.kernel.errors import FieldRefused
from organizations.kernel.instants import parse_day, parse_instant

MAX_VALUES = 200
Parse = Callable[[str, str], Any]


def flag(name: str, text: str) -> bool:
    """Read ``true`` or ``false`` in any case."""
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    raise FieldRefused(name, "must be true or false")


def day(name: str, text: str) -> date:
    """Read an ISO date; of a date-time its date."""
    try:
        return parse_day(text) if len(text) == 10 else parse_instant(text).date()
    except (ValueError, OverflowError) as error:
        raise FieldRefused(name, "must be an ISO date") from error


def instant(name: str, text: str) -> datetime:
    """Read an ISO date or date-time."""
    try:
        return parse_instant(text)
    except (ValueError, OverflowError) as error:
        raise FieldRefused(name, "must be an ISO date or date-time") from error


def identifier(name: str, text: str) -> Any:
    """Read an id of 36 characters."""
    value = ids.parse(text)
    if value is None:
        raise FieldRefused(name, "must be an id of 36 characters")
    return value


def word(name: str, text: str) -> str:
    """Read any text PostgreSQL can store."""
    if "\x00" in text:
        raise FieldRefused(name, "must not contain a null character")
    return text


@dataclass(frozen=True, slots=True)
class Filter:
    """One query parameter.

    ``lookup`` is the ORM lookup it compares; ``choices`` the allowed words; ``many`` takes
    repeated and comma-joined values (B4.1) and means any of them. Without lookup the view
    itself looks at the value.
    """

    lookup: str | None
    parse: Parse = word
    many: bool = False
    choices: tuple[str, ...] = ()
    schema_type: str = "string"

    def read(self, name: str, raw: list[str]) -> Any:
        """Return the value asked for, or None when absent or empty (B4.6)."""
        if not self.many:
            text = raw[-1] if raw else ""
            return self._one(name, text) if text else None
        parts = [part for text in raw for part in text.split(",") if part]
        if len(parts) > MAX_VALUES:
            raise FieldRefused(name, f"takes at most {MAX_VALUES} values")
        return [self._one(name, part) for part in parts] or None

    def _one(self, name: str, text: str) -> Any:
        if self.choices and text not in self.choices:
            raise FieldRefused(name, f"must be one of {', '.join(self.choices)}")
        return self.parse(name, text)

    def condition(self, value: Any) -> Q:
        """Return what the rows must fulfil."""
        return Q(**{f"{self.lookup}__in" if self.many else str(self.lookup): value})


def id_list(lookup: str = "id") -> Filter:
    """Rows whose id is one of those given."""
    return Filter(lookup, identifier, many=True)


def code_list(lookup: str = "code") -> Filter:
    """Rows whose code is one of those given, case-sensitive."""
    return Filter(lookup, many=True)


def related(lookup: str) -> Filter:
    """Rows that refer to the one given."""
    return Filter(lookup, identifier)


def boolean(lookup: str | None) -> Filter:
    """Rows whose flag is as given."""
    return Filter(lookup, flag, schema_type="boolean")


def dated(lookup: str | None) -> Filter:
    """Rows by a calendar date."""
    return Filter(lookup, day)


def chosen(lookup: str, words: Any) -> Filter:
    """Rows with the given word out of a closed list."""
    return Filter(lookup, choices=tuple(words))


def apply(rows: QuerySet, declared: dict[str, Filter], query: Any) -> tuple[QuerySet, dict]:
    """Return the narrowed rows, and the values by parameter name for the view and the token."""
    values = {
        name: value
        for name, declared_filter in declared.items()
        if (value := declared_filter.read(name, query.getlist(name))) is not None
    }
    for name, value in values.items():
        if declared[name].lookup:
            rows = rows.filter(declared[name].condition(value))
    return rows, values
