"""Exact decimals of 34 digits, rounded half to even only where a result has more (usage.md 7.4).

Every operation names its context, so that the caller's decimal context has no influence. Whole
numbers may stand for decimals everywhere.
"""

import decimal
from decimal import Context, Decimal
from typing import Final

from catalog.calculations.faults import CalculationFailed
from catalog.calculations.limits import DIGITS, LARGEST_EXPONENT, LARGEST_SCALE

Number = Decimal | int

TRAPS: Final = [decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow]
CONTEXT: Final = Context(
    prec=DIGITS,
    rounding=decimal.ROUND_HALF_EVEN,
    Emax=LARGEST_EXPONENT,
    Emin=1 - LARGEST_EXPONENT,
    traps=TRAPS,
)
# Rounding at a place neither loses nor adds digits, whatever a field has brought.
_PLACES: Final = Context(
    prec=2 * LARGEST_SCALE, Emax=LARGEST_EXPONENT, Emin=-LARGEST_EXPONENT, traps=TRAPS
)

add: Final = CONTEXT.add
subtract: Final = CONTEXT.subtract
multiply: Final = CONTEXT.multiply
divide: Final = CONTEXT.divide
minus: Final = CONTEXT.minus
absolute: Final = CONTEXT.abs


def remainder(number: Number, divisor: Number) -> Decimal:
    """Return what a division leaves; it has the sign of the number that is divided."""
    if not divisor:
        raise CalculationFailed("division by zero")
    return CONTEXT.remainder(number, divisor)


def power(base: Number, exponent: Number) -> Decimal:
    """Return the power; 1 for an exponent of 0, whatever the base."""
    if exponent == 0:
        return Decimal(1)
    if base == 0 and exponent < 0:
        raise CalculationFailed("division by zero")
    return CONTEXT.power(base, exponent)


def at_scale(number: Number, scale: Number, *, positive: str, negative: str) -> Decimal:
    """Return the number with ``scale`` digits after the point, rounded by one of the two modes."""
    if not -LARGEST_SCALE <= scale <= LARGEST_SCALE or scale != int(scale):
        raise CalculationFailed(
            f"the scale must be a whole number from -{LARGEST_SCALE} to {LARGEST_SCALE}"
        )
    exact = Decimal(number)
    places = -int(scale)
    if exact == 0 or _exponent(exact) >= places:
        return exact if exact else Decimal(0)
    mode = positive if exact >= 0 else negative
    rounded = exact.quantize(Decimal(1).scaleb(places), rounding=mode, context=_PLACES)
    return rounded if rounded else Decimal(0)


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)  # the traps of the context leave no infinity and no NaN
    return exponent


def plain(number: Number) -> str:
    """Return the number as people write it: no exponent, no zeros at the end, no negative zero."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def explain(error: decimal.DecimalException | ZeroDivisionError) -> str:
    """Return in words why an operation gave no number."""
    if isinstance(error, ZeroDivisionError) or decimal.DivisionUndefined in error.args[0]:
        return "division by zero"
    if isinstance(error, decimal.Overflow):
        return "the result is too large"
    return "the operation has no result for these numbers"
