"""From a snapshot to calculated bills: one account at a time, as the pure engine rates it.

Reads nothing and stores nothing; the step that runs, preview and explanation share.
"""

import msgspec

from billing.bills.taken import AccountSnapshot, BillToRate
from billing.rating.accounts import AccountInput
from billing.rating.book import Book
from billing.rating.lines import RatedBill
from billing.rating.pipeline import order, rate_account


class Calculated(msgspec.Struct, frozen=True, gc=False):
    """A bill with what it was calculated from."""

    source: BillToRate
    rated: RatedBill


def calculate(account: AccountSnapshot) -> list[Calculated]:
    """Return the account's bills, calculated in order of boundary.

    A bill sees what those before it charge and draw, also when they are calculated in the same
    run. Raises the ``DomainError`` that keeps the account from being billed.
    """
    if account.refusal is not None:
        raise account.refusal
    sources = sorted(account.bills, key=lambda bill: order(bill.input))
    result = rate_account(account_input(account, sources))
    return [Calculated(*pair) for pair in zip(sources, result.bills, strict=True)]


def account_input(account: AccountSnapshot, bills: list[BillToRate]) -> AccountInput:
    """Return what is rated; ``account.terms`` are the fields of kinds that concern the account."""
    return AccountInput(
        bills=tuple(bill.input for bill in bills),
        book=Book(tuple(account.charges), account.credits),
        attached=account.attached,
        **account.terms,
    )
