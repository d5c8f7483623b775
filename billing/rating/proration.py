"""A charge for part of a period: multiply by the active days, then divide (STC-4, MON-7)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from billing.rating.schedule import DayShare


def prorate(amount: Decimal, shares: Sequence[DayShare]) -> Decimal:
    """Return the exact amount for the covered fractions of nominal periods, added up (STC-5).

    Call inside ``money.working_precision()``.
    """
    if len(shares) == 1:
        share = shares[0]
        if share.active_days == share.nominal_days:
            return amount
        return amount * share.active_days / share.nominal_days
    covered = sum((Fraction(share.active_days, share.nominal_days) for share in shares), Fraction())
    return amount * covered.numerator / covered.denominator
