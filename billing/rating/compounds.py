"""The quantity of a compound aggregation: calculated from base values (usage.md 11).

What a calculation was given, lookups included, is kept with the window that it fills, and from
there in the record of the line (``compound_records``).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from catalog.calculations import Calculation, CalculationFailed, Lookup, Scope, Value
from organizations.kernel.periods import parse_timezone

AGGREGATION: Final = "aggregation."
_LIMIT: Final = Decimal("1E20")


class BaseValue(msgspec.Struct, frozen=True, gc=False):
    """The value that a reference had: of an aggregation before division and rounding (QTY-4)."""

    key: str
    value: Value
    label: str = ""
    event_count: int = 0


class LookedUp(msgspec.Struct, frozen=True, gc=False):
    """What a lookup table answered; null where it had no such row."""

    table: str
    field: str
    keys: tuple[Value, ...]
    value: Value


class Calculated(msgspec.Struct, frozen=True, gc=False):
    """A calculation with everything its result depends on."""

    calculation: str
    values: tuple[BaseValue, ...]
    timezone: str
    lookups: tuple[LookedUp, ...] = ()


def evaluate(
    calculation: Calculation,
    values: tuple[BaseValue, ...],
    *,
    timezone: str,
    evaluates_null: bool,
    lookup: Lookup | None = None,
) -> tuple[Decimal | None, Calculated]:
    """Return the quantity and how it came about; raises ``CalculationFailed``.

    Without data in one of the aggregations it is null, unless nulls are evaluated (11.4).
    """
    noted = _Noting(lookup)
    result = None
    if evaluates_null or not any(_is_missing(value) for value in values):
        given = {value.key: value.value for value in values}
        scope = Scope(
            given, zone=parse_timezone(timezone), lookup=noted if lookup is not None else None
        )
        result = number(calculation.evaluate(scope))
    return result, Calculated(calculation.text, values, timezone, tuple(noted.found))


def _is_missing(value: BaseValue) -> bool:
    return value.value is None and value.key.startswith(AGGREGATION)


def number(result: Value) -> Decimal | None:
    if result is None:
        return None
    if not isinstance(result, Decimal):
        raise CalculationFailed("the result must be a number")
    if not -_LIMIT < result < _LIMIT:
        raise CalculationFailed("the result must be smaller than 1e20")
    return result


class _Noting:
    """Lookup tables that remember what they were asked."""

    def __init__(self, lookup: Lookup | None) -> None:
        self._lookup = lookup
        self.found: list[LookedUp] = []

    def find(self, table: str, field: str, keys: tuple[Value, ...]) -> Value:
        if self._lookup is None:
            raise CalculationFailed("there are no lookup tables")
        value = self._lookup.find(table, field, keys)
        self.found.append(LookedUp(table, field, tuple(keys), value))
        return value
