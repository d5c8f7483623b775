"""Which level of the catalogue sets a charge: Plan, then Plan Template, then Organization.

PLN-3: the first level that says something wins, setting by setting. PLN-4: zero says something,
it switches the charge off. Only the in-advance flags reach up to the Organization.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

import msgspec

from billing.rating.inputs import MinimumSpend, StandingCharge

Setting = TypeVar("Setting")


class ChargeSettings(msgspec.Struct, frozen=True, gc=False):
    """What one level says about a standing charge or a minimum spend; ``None`` says nothing."""

    amount: Decimal | None = None
    in_advance: bool | None = None
    description: str | None = None
    accounting_product_id: UUID | None = None


def standing_charge(
    *levels: ChargeSettings, organization_in_advance: bool, interval: int = 1, offset: int = 0
) -> StandingCharge | None:
    """Return the standing charge of a plan, ``None`` for no charge (STC-8).

    ``levels`` go from Plan to Plan Template; ``interval`` and ``offset`` are the template's
    (PLN-1).
    """
    amount = first_given(level.amount for level in levels)
    if not amount:
        return None
    return StandingCharge(
        amount=amount,
        in_advance=_in_advance(levels, organization_in_advance),
        interval=interval,
        offset=offset,
        description=_description(levels),
        accounting_product_id=first_given(level.accounting_product_id for level in levels),
    )


def minimum_spend(*levels: ChargeSettings, organization_in_advance: bool) -> MinimumSpend | None:
    """Return the minimum spend of a plan (two levels) or a pricing (one), ``None`` for none.

    MIN-8: Plan, Plan Template, Organization; a Pricing's own flag, else the Organization's.
    """
    amount = first_given(level.amount for level in levels)
    if not amount:
        return None
    return MinimumSpend(
        amount=amount,
        in_advance=_in_advance(levels, organization_in_advance),
        description=_description(levels),
        accounting_product_id=first_given(level.accounting_product_id for level in levels),
    )


def first_given(settings: Iterable[Setting | None]) -> Setting | None:
    """Return the first setting that is not ``None``."""
    return next((setting for setting in settings if setting is not None), None)


def _in_advance(levels: Iterable[ChargeSettings], organization_in_advance: bool) -> bool:
    flag = first_given(level.in_advance for level in levels)
    return organization_in_advance if flag is None else flag


def _description(levels: Iterable[ChargeSettings]) -> str | None:
    """An empty description says nothing: a line is never printed without words."""
    return first_given(level.description or None for level in levels)
