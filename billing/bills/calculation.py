"""From a snapshot to calculated bills: one account at a time, as the pure engine rates it.

Reads nothing and stores nothing; the step that runs, preview and explanation share.
"""

from decimal import Decimal
from uuid import UUID

import msgspec

from billing.bills.taken import AccountSnapshot, BillToRate, Snapshot
from billing.rating.accounts import AccountInput
from billing.rating.book import Book
from billing.rating.lines import RatedBill
from billing.rating.pipeline import order, rate_account
from billing.rating.subjects import Subject
from organizations.kernel.errors import DomainError
from organizations.kernel.money import ZERO


class Calculated(msgspec.Struct, frozen=True, gc=False):
    """A bill with what it was calculated from."""

    source: BillToRate
    rated: RatedBill


class Drawn:
    """What the accounts of a family that were calculated first draw from credit they share.

    A parent's commitment may pay for its children's bills too: the parent's first, then those of
    the children by code (PAR-9). Of what only one account draws from nothing is changed.
    """

    def __init__(self) -> None:
        self._amounts: dict[Subject, Decimal] = {}

    def left(self, account: AccountSnapshot) -> dict[Subject, Decimal]:
        """Return the account's credits less what was drawn."""
        return {
            subject: amount - self._amounts.get(subject, ZERO)
            for subject, amount in account.credits.items()
        }

    def add(self, calculated: list[Calculated]) -> None:
        """Take in what the bills of an account draw."""
        for bill in calculated:
            for movement in bill.rated.movements:
                for subject in movement.drawn:
                    self._amounts[subject] = self._amounts.get(subject, ZERO) + movement.amount


def calculate(account: AccountSnapshot, drawn: Drawn | None = None) -> list[Calculated]:
    """Return the account's bills, calculated in order of boundary.

    A bill sees what those before it charge and draw, also when they are calculated in the same
    run; ``drawn`` is what others of the family draw. Raises the ``DomainError`` that keeps the
    account from being billed.
    """
    if account.refusal is not None:
        raise account.refusal
    sources = sorted(account.bills, key=lambda bill: order(bill.input))
    given = account_input(account, sources)
    if drawn is not None:
        book = Book(given.book.charges, drawn.left(account))
        given = msgspec.structs.replace(given, book=book)
    result = rate_account(given)
    return [Calculated(*pair) for pair in zip(sources, result.bills, strict=True)]


def of_account(taken: Snapshot, account_id: UUID) -> list[Calculated]:
    """Return the bills of one account, with what those of its family before it draw.

    Raises what keeps this account from being billed; what keeps another is passed over.
    """
    drawn = Drawn()
    for one in next(unit for unit in taken.families.in_order(taken.accounts) if account_id in unit):
        if one == account_id:
            break
        try:
            drawn.add(calculate(taken.accounts[one], drawn))
        except DomainError:
            continue
    return calculate(taken.accounts[account_id], drawn)


def account_input(account: AccountSnapshot, bills: list[BillToRate]) -> AccountInput:
    """Return what is rated; ``account.terms`` are the fields of kinds that concern the account."""
    return AccountInput(
        bills=tuple(bill.input for bill in bills),
        book=Book(tuple(account.charges), account.credits),
        attached=account.attached,
        **account.terms,
    )
