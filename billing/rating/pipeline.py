"""``rate_account``: everything about an account in, its calculated bills out.

The same input always gives the same bills (INV-B): there is no clock, no setting, no database.
The steps are those of ``kinds.KINDS``, in that order; a later step sees the lines of all earlier
ones. A bill sees what the bills before it charge and draw, also those of the same run.
"""

from __future__ import annotations

from datetime import date

from billing.rating import kinds
from billing.rating.accounts import AccountInput, AccountResult, Work
from billing.rating.assembly import assemble
from billing.rating.book import EMPTY, Book
from billing.rating.doubles import refuse_doubles
from billing.rating.drafts import plans_on_bill
from billing.rating.inputs import RatingInput
from billing.rating.lines import RatedBill
from organizations.kernel.money import working_precision


def rate_account(account: AccountInput) -> AccountResult:
    """Calculate the account's bills in order of boundary.

    Raises a ``DomainError`` that a finance person understands when a bill cannot be made: a
    missing conversion rate, a rounding that is not permitted, an amount too large to store, a
    charge that another bill carries already.
    """
    book = account.book
    rated: list[RatedBill] = []
    for bill in in_order(account.bills):
        made = rate(bill, book, account)
        refuse_doubles(made, book.charges, account.attached)
        rated.append(made)
        if len(rated) < len(account.bills):
            book = book.after(bill, made)
    return AccountResult(tuple(rated), book)


def in_order(bills: tuple[RatingInput, ...]) -> list[RatingInput]:
    """Return the bills in the order in which they are calculated."""
    return sorted(bills, key=order)


def order(bill: RatingInput) -> tuple[date, int]:
    """Return what decides the order: the day, and the shorter period before the longer.

    A plan group counts in its period what shorter bills have charged (GRP-7).
    """
    return bill.key.boundary, -int(bill.period.start.timestamp())


def rate(bill: RatingInput, book: Book = EMPTY, account: AccountInput | None = None) -> RatedBill:
    """Calculate one bill of an account, with the book as the bills before it left it."""
    account = account or AccountInput((bill,), book)
    with working_precision():
        work = Work(bill, account, book, plans_on_bill(bill))
        for kind in kinds.KINDS:
            work = kind.step(work)
        return assemble(work)
