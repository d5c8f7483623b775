"""How a family shares what was rated as one block, and what is merged into one line (PAR-4..7).

Pure reckoning on drafts; which drafts are shared or merged is decided in ``kinds.families``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final
from uuid import UUID

import msgspec

from billing.rating.drafts import Draft
from billing.rating.inputs import Pool, Share
from organizations.kernel.money import ZERO, eighteen_places, plain, round_money

SHARE: Final = "family-share"
SUM: Final = "family-sum"


def pool(quantities: Iterable[tuple[UUID, str, Decimal | None]]) -> Pool | None:
    """Return how accounts share a quantity, by what each of them used.

    ``None`` where that cannot be told: nobody used anything, or somebody less than nothing. The
    whole is then the parent's.
    """
    found = [(one, code, quantity or ZERO) for one, code, quantity in quantities]
    shares = tuple(Share(*one) for one in found if one[2] > 0)
    if not shares or any(quantity < 0 for *_, quantity in found):
        return None
    largest = max(shares, key=lambda share: share.quantity)  # the first of equals
    return Pool(
        shares,
        sum((share.quantity for share in shares), ZERO),
        largest.account_id,
        {share.account_id: place for place, share in enumerate(shares)},
    )


def split(draft: Draft, pool: Pool, bill_account_id: UUID, *, is_shown: bool) -> Iterator[Draft]:
    """Yield a line for each account; they add up to the draft, in money and in units (INV-I)."""
    for share in pool.shares:
        yield _shared(draft, pool, share, bill_account_id, is_shown=is_shown)


def only(draft: Draft, pool: Pool, account_id: UUID) -> Draft | None:
    """Return the line of one account, on that account's own bill; ``None`` when it used nothing."""
    share = pool.of(account_id)
    if share is None:
        return None
    return _shared(draft, pool, share, account_id, is_shown=False)


def _shared(
    draft: Draft, pool: Pool, share: Share, bill_account_id: UUID, *, is_shown: bool
) -> Draft:
    amount, units = _part(draft, pool, share)
    remainder = ZERO
    if share.account_id == pool.largest:
        parts = [_part(draft, pool, other) for other in pool.shares]
        remainder = draft.subtotal - sum((one for one, _ in parts), ZERO)
        amount += remainder
        units += draft.units - sum((one for _, one in parts), ZERO)
    is_child = share.account_id != bill_account_id
    is_whole = draft.facts.get("quantity") == plain(draft.quantity)
    proportional = eighteen_places(draft.quantity * share.quantity / pool.total)
    return msgspec.structs.replace(
        draft,
        attribution=msgspec.structs.replace(
            draft.attribution,
            account_id=share.account_id,
            child_account_id=share.account_id if is_child and is_shown else None,
            child_account_code=share.account_code if is_child and is_shown else None,
        ),
        subtotal=amount,
        quantity=share.quantity if is_whole else proportional,
        units=units,
        # The bands are those of the block; a part of the line cannot be rated by itself.
        portions=(),
        pricing=None,
        pool=None,
        facts={
            "kind": SHARE,
            "block": dict(draft.facts),
            "blockSubtotal": plain(draft.subtotal),
            "account": share.account_code,
            "own": plain(share.quantity),
            "all": plain(pool.total),
            "accounts": len(pool.shares),
            "remainder": plain(remainder),
        },
    )


def _part(draft: Draft, pool: Pool, share: Share) -> tuple[Decimal, Decimal]:
    """Return amount and units in proportion to what was used, each rounded (PAR-5)."""
    exact = draft.subtotal * share.quantity / pool.total
    return (
        round_money(exact, draft.currency),
        eighteen_places(draft.units * share.quantity / pool.total),
    )


def merged(drafts: list[Draft], bill_account_id: UUID, codes: dict[UUID, str]) -> list[Draft]:
    """Return one line for all of the same price, time and currency; others as they are (PAR-7)."""
    alike: dict[tuple[object, ...], list[Draft]] = {}
    for draft in drafts:
        key = (
            draft.line_type,
            draft.attribution.pricing_id,
            draft.subject,
            draft.service_period,
            draft.currency,
        )
        alike.setdefault(key, []).append(draft)
    return [_one_of(parts, bill_account_id, codes) for parts in alike.values()]


def _one_of(parts: list[Draft], bill_account_id: UUID, codes: dict[UUID, str]) -> Draft:
    first = parts[0]
    return msgspec.structs.replace(
        first,
        attribution=msgspec.structs.replace(
            first.attribution, account_id=bill_account_id, account_plan_id=None
        ),
        subtotal=sum((one.subtotal for one in parts), ZERO),
        quantity=sum((one.quantity for one in parts), ZERO),
        units=sum((one.units for one in parts), ZERO),
        portions=(),
        pricing=None,
        facts={
            "kind": SUM,
            "parts": [
                {
                    "account": codes.get(one.attribution.account_id, ""),
                    "quantity": plain(one.quantity),
                    "amount": plain(one.subtotal),
                }
                for one in parts
            ],
        },
    )
