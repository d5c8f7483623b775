"""What a line keeps of a compound aggregation, and the way back from it (usage.md 11).

The record holds the calculation with every value it was given and every answer of a lookup
table, so that it can be evaluated again with nothing but itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from billing.rating.compounds import AGGREGATION, Calculated, number
from billing.rating.telling import Facts, Step, count
from catalog.calculations import (
    CalculationFailed,
    Found,
    Scope,
    Type,
    Value,
    compile_calculation,
)
from organizations.kernel.errors import DomainError
from organizations.kernel.money import plain
from organizations.kernel.periods import parse_timezone


def facts(calculated: Calculated) -> dict[str, object]:
    """Return the calculation with its values, for the record of a line."""
    return {
        "calculation": calculated.calculation,
        "timezone": calculated.timezone,
        "values": [
            {
                "key": value.key,
                "label": value.label,
                "eventCount": value.event_count,
                **_written(value.value),
            }
            for value in calculated.values
        ],
        "lookups": [
            {
                "table": one.table,
                "field": one.field,
                "keys": [_written(key) for key in one.keys],
                **_written(one.value),
            }
            for one in calculated.lookups
        ],
    }


def quantity_of(compound: Facts) -> Decimal:
    """Return the quantity of a record, calculated again from its base values."""
    given = {value["key"]: _read(value) for value in compound["values"]}
    names = RecordedNames({key: _TYPES[type(value)] for key, value in given.items()})
    calculation = compile_calculation(compound["calculation"], names, expects=Type.NUMBER)
    scope = Scope(
        given,
        zone=parse_timezone(compound["timezone"]),
        lookup=RecordedLookups(compound["lookups"]),
    )
    try:
        result = number(calculation.evaluate(scope))
    except CalculationFailed as failed:
        raise CannotCalculateAgain(str(failed)) from failed
    if result is None:
        raise CannotCalculateAgain("the result is null")
    return result


class CannotCalculateAgain(DomainError):
    """The record was changed: what it holds gives no quantity any more."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The calculation of this line gives no quantity: {why}.")


class RecordedNames:
    """The references of a record, and nothing else."""

    def __init__(self, types: Mapping[str, Type]) -> None:
        self._types = dict(types)

    def find(self, path: tuple[str, ...]) -> Found:
        """Return the reference; its value is null where the record has none."""
        key = ".".join(path)
        return Found(key, self._types.get(key, Type.NULL))

    def lookup_key(self, literal: str) -> Found | None:
        """As where it was calculated: "account" stands for the account's code (15.6)."""
        return self.find(("account",)) if literal == "account" else None

    def offered(self) -> list[str]:
        """Return the references."""
        return list(self._types)


class RecordedLookups:
    """What lookup tables answered when the line was calculated."""

    def __init__(self, lookups: Sequence[Facts]) -> None:
        self._known = {
            (one["table"], one["field"], tuple(_read(key) for key in one["keys"])): _read(one)
            for one in lookups
        }

    def find(self, table: str, field: str, keys: tuple[Value, ...]) -> Value:
        """Return the answer of that time."""
        try:
            return self._known[table, field, keys]
        except KeyError:
            raise CalculationFailed(f"lookup table {table} was not asked for this") from None


def _written(value: Value) -> dict[str, str]:
    if value is None:
        return {}
    if isinstance(value, Decimal | int):
        return {"number": plain(Decimal(value))}
    return {"text": str(value)}


def _read(written: Facts) -> Value:
    if "number" in written:
        return Decimal(written["number"])
    text: str | None = written.get("text")
    return text


_TYPES: Final[dict[type, Type]] = {
    Decimal: Type.NUMBER,
    str: Type.TEXT,
    type(None): Type.NUMBER | Type.NULL,
}


def steps(compound: Facts) -> list[Step]:
    """Return a row of the explanation for each value, each lookup, and the calculation."""
    rows = [
        Step(value["label"] or value["key"], _source(value), _shown(value))
        for value in compound["values"]
    ]
    rows += [
        Step(
            f"Lookup table {one['table']}",
            f"{one['field']} of {', '.join(map(_shown, one['keys']))}",
            _shown(one),
        )
        for one in compound["lookups"]
    ]
    return rows


def words(compound: Facts) -> str:
    """Return the calculation as it was written, on one line."""
    return " ".join(compound["calculation"].split())


def _source(value: Facts) -> str:
    if not value["key"].startswith(AGGREGATION):
        return str(value["key"])
    return f"{value['key']}, {count(value['eventCount'], 'measurement')}"


def _shown(written: Mapping[str, Any]) -> str:
    return str(written.get("number") or written.get("text") or "no value")
