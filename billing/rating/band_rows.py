"""One rendering of bands for all who show them: explanation, PDF, console, price calculator.

A row says what one band has contributed to a line: the fixed price is the one that was *charged*,
which may be none, or taken back, of the band's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from billing.rating.bands import Portion, charge
from organizations.kernel.money import ZERO

Write = Callable[[Decimal], str]


class BandRow(msgspec.Struct, frozen=True, gc=False):
    """One band of a line. ``upper_limit`` is ``None`` for the highest band of the price."""

    lower_limit: Decimal
    upper_limit: Decimal | None
    units: Decimal
    unit_price: Decimal
    fixed: Decimal
    amount: Decimal

    @property
    def has_unit_price(self) -> bool:
        """False where the units only decide which fixed price is due."""
        return bool(self.unit_price) or not self.fixed

    def reckoning(
        self, units: Write, price: Write, *, fixed: Write | None = None, times: str = "x"
    ) -> str:
        """Return ``500 x 0.15 + 5 fixed``, each figure as its function writes it."""
        text = f"{units(self.units)} {times} {price(self.unit_price)}"
        if not self.fixed:
            return text
        sign = "-" if self.fixed < 0 else "+"
        return f"{text} {sign} {(fixed or price)(self.fixed.copy_abs())} fixed"


def of_portions(portions: Iterable[Portion]) -> list[BandRow]:
    """Return the rows of a calculation. Call inside ``money.working_precision()``."""
    return [_of_portion(portion) for portion in portions]


def of_line(
    band_usage: Iterable[Mapping[str, Any]], record: Mapping[str, Any] | None = None
) -> list[BandRow]:
    """Return the rows of a stored line; ``record`` knows where the bands of the price end."""
    limits = [Decimal(band["lowerLimit"]) for band in (record or {}).get("bands", ())]
    return [_of_stored(band, limits) for band in band_usage]


def _of_portion(portion: Portion) -> BandRow:
    band, units, fixed_count = portion
    fixed = fixed_count * band.fixed_price if fixed_count else ZERO
    return BandRow(band.lower_limit, None, units, band.unit_price, fixed, charge([portion]))


def _of_stored(band: Mapping[str, Any], limits: Sequence[Decimal]) -> BandRow:
    lower, amount = Decimal(band["lowerLimit"]), Decimal(band["bandSubtotal"])
    return BandRow(
        lower_limit=lower,
        upper_limit=min((limit for limit in limits if limit > lower), default=None),
        units=Decimal(band["bandUnits"]),
        unit_price=Decimal(band["unitPrice"]),
        fixed=amount - Decimal(band.get("unitSubtotal", amount)),
        amount=amount,
    )
