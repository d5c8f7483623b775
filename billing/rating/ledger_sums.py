"""What of a balance may be used, and what its ledger adds up to (BAL-4, BAL-8, BAL-13).

The ledger is a sequence of entries. A draw is an entry that a bill wrote; its amount is negative.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

ZERO: Final = Decimal(0)


class LedgerEntry(msgspec.Struct, frozen=True, gc=False):
    """One row of a ledger: a credit above zero, a debit below."""

    amount: Decimal
    applied_at: datetime
    is_draw: bool = False


class BalanceTerms(msgspec.Struct, frozen=True, gc=False):
    """When a balance may be used: up to its end, and what rolls over up to the rollover's end."""

    start: datetime
    end: datetime
    rollover_end: datetime | None = None
    rollover_amount: Decimal | None = None


class LedgerSummary(msgspec.Struct, frozen=True, gc=False):
    """The figures of BAL-13; debits and what was used are shown as amounts above zero."""

    total_credit: Decimal
    total_debit: Decimal
    initial_credit: Decimal
    expired: Decimal
    consumed: Decimal
    rollover_consumed: Decimal


def usable(terms: BalanceTerms, entries: Iterable[LedgerEntry], *, until: datetime) -> Decimal:
    """Return what charges before the end may draw on a bill whose period ends at ``until``.

    Credit that applies at ``until`` or later does not count yet (BAL-4); what bills have drawn
    counts whenever they did. Never below zero.
    """
    left = sum((one.amount for one in entries if one.is_draw or one.applied_at < until), ZERO)
    return max(left, ZERO)


def usable_after_end(terms: BalanceTerms, entries: Iterable[LedgerEntry]) -> Decimal:
    """Return what charges between the end and the end of the rollover may still draw (BAL-8)."""
    entries = list(entries)
    drawn = sum((one.amount for one in entries if _is_after(terms, one) and one.is_draw), ZERO)
    return max(rolled_over(terms, entries) + drawn, ZERO)


def rolled_over(terms: BalanceTerms, entries: Iterable[LedgerEntry]) -> Decimal:
    """Return how much of what is left at the end rolls over."""
    if terms.rollover_end is None:
        return ZERO
    left = max(_left_at_end(terms, entries), ZERO)
    return left if terms.rollover_amount is None else min(left, terms.rollover_amount)


def summary(terms: BalanceTerms, entries: Iterable[LedgerEntry], *, now: datetime) -> LedgerSummary:
    """Return the figures of a ledger; nothing has expired before the end."""
    entries = sorted(entries, key=lambda one: one.applied_at)
    credits = [one for one in entries if one.amount > 0]
    draws = [one for one in entries if one.is_draw]
    left = max(_left_at_end(terms, entries), ZERO)
    return LedgerSummary(
        total_credit=sum((one.amount for one in credits), ZERO),
        total_debit=-sum((one.amount for one in entries if one.amount < 0), ZERO),
        initial_credit=credits[0].amount if credits else ZERO,
        expired=left - rolled_over(terms, entries) if now >= terms.end else ZERO,
        consumed=-sum((one.amount for one in draws if not _is_after(terms, one)), ZERO),
        rollover_consumed=-sum((one.amount for one in draws if _is_after(terms, one)), ZERO),
    )


def _left_at_end(terms: BalanceTerms, entries: Iterable[LedgerEntry]) -> Decimal:
    return sum((one.amount for one in entries if not _is_after(terms, one)), ZERO)


def _is_after(terms: BalanceTerms, entry: LedgerEntry) -> bool:
    return entry.applied_at >= terms.end
