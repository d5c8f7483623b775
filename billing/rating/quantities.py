"""Quantity -> units: division by quantityPerUnit, then one rounding (QTY-2, usage.md 9.4)."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal
from typing import Final

from billing.rating.inputs import QuantityRounding
from organizations.kernel.errors import DomainError
from organizations.kernel.money import CONTEXT, ONE

_LIMIT: Final = Decimal("1E20")
_ROUNDING: Final = {
    QuantityRounding.UP: ROUND_UP,
    QuantityRounding.DOWN: ROUND_DOWN,
    QuantityRounding.NEAREST: ROUND_HALF_UP,  # Decimal's HALF_UP is away from zero (QTY-3).
}


class QuantityTooLarge(DomainError):
    """A quantity or its units have more than the 20 digits that can be stored."""

    code = "QUANTITY_TOO_LARGE"

    def __init__(self, name: str) -> None:
        super().__init__(f"The quantity of {name} has more than 20 digits before the point.")


def to_units(
    quantity: Decimal, quantity_per_unit: Decimal, rounding: QuantityRounding, *, name: str = ""
) -> Decimal:
    """Return the units that are rated: rounded once per rated quantity, after the division.

    ``quantity_per_unit`` is > 0. A quotient that is whole already never changes. ``name`` is the
    aggregation in the text of ``QuantityTooLarge``.
    """
    units = quantity if quantity_per_unit == ONE else CONTEXT.divide(quantity, quantity_per_unit)
    if rounding is not QuantityRounding.NONE:
        units = units.to_integral_value(_ROUNDING[rounding], CONTEXT)
    if not (-_LIMIT < units < _LIMIT and -_LIMIT < quantity < _LIMIT):
        raise QuantityTooLarge(name)
    return units
