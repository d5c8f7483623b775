"""Units over pricing bands: one formula for all five pricing types (billing.md 3.2, 3.3).

Band i covers (L_i, L_i+1]; a value exactly on a limit belongs to the lower band (BND-2). Amounts
are exact and in the pricing currency. Call inside ``money.working_precision()``.

A *portion* is what one band contributes: the band, the units at its unit price (negative for
corrections, QTY-6), and how often its fixed price counts: 1, 0, or -1 where units that span the
plan fall back out of a band. Plain tuples, because a bill run makes millions of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter

from billing.rating.inputs import Band
from organizations.kernel.errors import DomainError
from organizations.kernel.money import ZERO

Portion = tuple[Band, Decimal, int]

_lower_limit = attrgetter("lower_limit")


class BandsIncomplete(DomainError):
    """A price without a band that starts at 0 cannot rate the first unit (PRC-6)."""

    code = "BANDS_INCOMPLETE"

    def __init__(self) -> None:
        super().__init__("pricingBands: the lowest lowerLimit must be 0.")


@lru_cache(maxsize=4096)
def ladder(bands: tuple[Band, ...]) -> tuple[Band, ...]:
    """Return the bands sorted by lower limit (BND-1). Raises ``BandsIncomplete``."""
    steps = tuple(sorted(bands, key=_lower_limit))
    if not steps or steps[0].lower_limit:
        raise BandsIncomplete
    return steps


def split(
    units: Decimal,
    steps: Sequence[Band],
    *,
    cumulative: bool,
    spans_plan: bool = False,
    before: Decimal = ZERO,
) -> list[Portion]:
    """Return the portions of a line, lowest band first; ``steps`` come from ``ladder``.

    ``before`` is read only with ``spans_plan``: the units already rated under the account plan
    (TSP-2).
    """
    if spans_plan:
        if cumulative:
            return _split_from(before, units, steps)
        return _pick_from(before, units, steps)
    if units < 0:
        return [(steps[0], units, 0)]  # QTY-6: no fixed price on a correction
    if cumulative:
        return _split(units, steps)
    return [(reached(units, steps), units, 1)]


def charge(portions: Sequence[Portion]) -> Decimal:
    """Return the exact amount of the portions (BND-3, BND-4)."""
    amount = ZERO
    for band, units, fixed_count in portions:
        amount += units * band.unit_price
        if fixed_count:
            amount += fixed_count * band.fixed_price
    return amount


def reached(units: Decimal, steps: Sequence[Band]) -> Band:
    """Return the highest band whose limit lies below the units; zero units reach the first."""
    found = steps[0]
    for band in steps:
        if band.lower_limit >= units:
            break
        found = band
    return found


def _split(units: Decimal, steps: Sequence[Band]) -> list[Portion]:
    portions: list[Portion] = []
    current = steps[0]
    for band in steps[1:]:
        if band.lower_limit >= units:
            break
        portions.append((current, band.lower_limit - current.lower_limit, 1))
        current = band
    # BND-5: zero units that come from data reach the first band, so its fixed price is charged.
    portions.append((current, units - current.lower_limit, 1))
    return portions


def _split_from(before: Decimal, units: Decimal, steps: Sequence[Band]) -> list[Portion]:
    """TSP-2: R(before + now) - R(before), band by band. R(0) is 0: zero units reach no band."""
    total = before + units
    portions: list[Portion] = []
    upper_limits = [band.lower_limit for band in steps[1:]] + [None]
    for band, upper_limit in zip(steps, upper_limits, strict=True):
        first = band is steps[0]
        band_units = _inside(total, band.lower_limit, upper_limit, first) - _inside(
            before, band.lower_limit, upper_limit, first
        )
        fixed_count = (total > band.lower_limit) - (before > band.lower_limit)
        if band_units or fixed_count:
            portions.append((band, band_units, fixed_count))
    return portions


def _inside(units: Decimal, lower: Decimal, upper: Decimal | None, first: bool) -> Decimal:
    """Return how many of the units lie in the band; below zero all lie in the first (QTY-6)."""
    if units <= lower and not first:
        return ZERO
    return (units if upper is None or units < upper else upper) - lower


def _pick_from(before: Decimal, units: Decimal, steps: Sequence[Band]) -> list[Portion]:
    """TSP-3: the band of before + now rates this period's units; its fixed price counts once."""
    total = before + units
    band = reached(total, steps)
    fixed_count = int(before <= band.lower_limit < total)
    if not units and not fixed_count:
        return []
    return [(band, units, fixed_count)]
