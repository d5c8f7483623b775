"""The functions of the language: how many arguments, of which types, and what they return.

Arguments are evaluated from left to right before the function is called. Where a function that
works with numbers is given null, it returns null (usage.md 7.5).
"""

import decimal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo

from catalog.calculations import dates, numbers
from catalog.calculations.faults import CalculationFailed
from catalog.calculations.numbers import Number
from catalog.calculations.scope import Scope
from catalog.calculations.types import ANY, Type, Value, type_of, words

NUMBER, TEXT, NULL = Type.NUMBER, Type.TEXT, Type.NULL
MANY = 10_000


@dataclass(frozen=True, slots=True)
class Function:
    """``arguments`` are the types of the parameters, the last one for all that follow.

    ``call`` gets the scope and the values, checked against these types. ``has_null`` says that
    null in, null out is the rule.
    """

    least: int
    most: int
    arguments: tuple[Type, ...]
    returns: Type
    call: Callable[..., Value]
    has_null: bool = True

    def argument(self, position: int) -> Type:
        """Return the types that the argument at a position may have."""
        types = self.arguments[min(position, len(self.arguments) - 1)]
        return types | NULL if self.has_null else types

    def counted(self) -> str:
        """Return the number of arguments in words."""
        if self.most == MANY:
            return f"{self.least} or more arguments"
        if self.least == self.most:
            return f"{self.least} argument{'s' * (self.least != 1)}"
        return f"{self.least} to {self.most} arguments"


def equal(left: Value, right: Value) -> bool:
    """Return whether two values are of one type and the same; null equals null (B9)."""
    return type_of(left) == type_of(right) and left == right


def _floor(_: Scope, number: Number, scale: Number = 0) -> Value:
    mode = decimal.ROUND_FLOOR
    return numbers.at_scale(number, scale, positive=mode, negative=mode)


def _ceil(_: Scope, number: Number, scale: Number = 0) -> Value:
    mode = decimal.ROUND_CEILING
    return numbers.at_scale(number, scale, positive=mode, negative=mode)


def _round(_: Scope, number: Number, scale: Number = 0) -> Value:
    """Halves go up, also below zero: -2.5 becomes -2 (usage.md 7.3.4)."""
    return numbers.at_scale(
        number, scale, positive=decimal.ROUND_HALF_UP, negative=decimal.ROUND_HALF_DOWN
    )


def _in(_: Scope, wanted: Value, *among: Value) -> Value:
    return any(equal(wanted, one) for one in among)


def _zone(scope: Scope, name: str | None) -> tzinfo:
    return scope.zone if name is None else dates.named_zone(name)


def _lookup(returned: Type) -> Callable[..., Value]:
    def find(scope: Scope, table: str, field: str, default: Value, *keys: Value) -> Value:
        if scope.lookup is None:
            raise CalculationFailed(f"there is no lookup table {table[:80]}")
        value = scope.lookup.find(table, field, keys)
        if value is None:
            return default
        if type_of(value) != returned:
            raise CalculationFailed(
                f"{field[:80]} of lookup table {table[:80]} is {words(type_of(value))}, "
                f"not {words(returned)}"
            )
        return value

    return find


FUNCTIONS: dict[str, Function] = {
    "Math.max": Function(2, MANY, (NUMBER,), NUMBER, lambda _, *found: max(found)),
    "Math.min": Function(2, MANY, (NUMBER,), NUMBER, lambda _, *found: min(found)),
    "Math.floor": Function(1, 2, (NUMBER,), NUMBER, _floor),
    "Math.ceil": Function(1, 2, (NUMBER,), NUMBER, _ceil),
    "Math.round": Function(1, 2, (NUMBER,), NUMBER, _round),
    "Math.pow": Function(2, 2, (NUMBER,), NUMBER, lambda _, a, b: numbers.power(a, b)),
    "Math.abs": Function(1, 1, (NUMBER,), NUMBER, lambda _, one: numbers.absolute(one)),
    "isnull": Function(2, 2, (ANY,), ANY, lambda _, a, b: b if a is None else a, has_null=False),
    "IN": Function(2, MANY, (ANY & ~Type.LIST,), Type.BOOLEAN, _in, has_null=False),
    "Lookup.findNumber": Function(
        4, 8, (TEXT, TEXT, NUMBER | NULL, NUMBER | TEXT | NULL), NUMBER | NULL,
        _lookup(NUMBER), has_null=False,
    ),
    "Lookup.findString": Function(
        4, 8, (TEXT, TEXT, TEXT | NULL, NUMBER | TEXT | NULL), TEXT | NULL,
        _lookup(TEXT), has_null=False,
    ),
    "DateTime.toEpochMillis": Function(
        2, 2, (TEXT,), NUMBER, lambda scope, text, form: dates.parse_time(text, form, scope.zone)
    ),
    "DateTime.format": Function(
        2, 2, (NUMBER, TEXT), TEXT,
        lambda scope, millis, form: dates.format_time(millis, form, scope.zone),
    ),
    "DateTime.hour": Function(
        1, 2, (NUMBER, TEXT), NUMBER,
        lambda scope, millis, zone=None: dates.instant(millis, _zone(scope, zone)).hour,
    ),
    "DateTime.dayOfWeek": Function(
        1, 2, (NUMBER, TEXT), NUMBER,
        lambda scope, millis, zone=None: dates.instant(millis, _zone(scope, zone)).isoweekday(),
    ),
}  # fmt: skip
