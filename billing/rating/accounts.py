"""The unit of rating: one account with all its bills that are due, and a bill on its way.

``AccountInput`` is all that ``pipeline.rate_account`` knows. The input of a kind of line that
concerns the account as a whole (counter adjustments, commitments, balances, charges, memos,
children) is a field of it, with a default of ``()``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from uuid import UUID

import msgspec

from billing.rating.account_terms import ChargeTerm, Credit, FeeTerm, LateTerm, PlanFees
from billing.rating.book import EMPTY, Book
from billing.rating.counting import Values
from billing.rating.drafts import Draft, PlanOnBill
from billing.rating.inputs import RatingInput
from billing.rating.lines import RatedBill
from billing.rating.movements import Movement
from billing.rating.subjects import Subject
from organizations.kernel.money import ONE, ZERO, Currency, find_rate, round_money
from organizations.kernel.periods import Period


class AccountInput(msgspec.Struct, frozen=True, gc=False):
    """An account, later with its children, and its bills to calculate, in any order.

    ``book`` holds what all *other* bills charge and what is left in credits. ``attached`` tells
    when each account plan of the account is in force, on a bill or not (ACP-11). ``held`` are the
    values of counters by account and counter, in order of days (CTR-3).
    """

    bills: tuple[RatingInput, ...]
    book: Book = EMPTY
    attached: Mapping[UUID, Period] = msgspec.field(default_factory=dict)
    held: Mapping[tuple[UUID, UUID], Values] = msgspec.field(default_factory=dict)
    charges: tuple[ChargeTerm, ...] = ()
    fees: tuple[FeeTerm, ...] = ()
    plan_fees: tuple[PlanFees, ...] = ()
    credits: tuple[Credit, ...] = ()
    late: tuple[LateTerm, ...] = ()


class AccountResult(msgspec.Struct, frozen=True, gc=False):
    """The calculated bills in order of boundary, and the book after the last of them."""

    bills: tuple[RatedBill, ...]
    book: Book

    @property
    def movements(self) -> list[Movement]:
        """What all lines of all bills move."""
        return [movement for bill in self.bills for movement in bill.movements]


class Work(msgspec.Struct, frozen=True, gc=False):
    """A bill on its way through the steps. A value: a step returns the next one.

    ``book`` is that of the bills before this one; what this bill itself draws is in its drafts.
    """

    bill: RatingInput
    account: AccountInput
    book: Book
    plans: tuple[PlanOnBill, ...]
    drafts: tuple[Draft, ...] = ()

    def plus(self, drafts: Iterable[Draft]) -> Work:
        """Return the work with more drafts."""
        return self.with_drafts((*self.drafts, *drafts))

    def with_drafts(self, drafts: Iterable[Draft]) -> Work:
        """Return the work with other drafts, for a step that splits or merges them."""
        return Work(self.bill, self.account, self.book, self.plans, tuple(drafts))

    def with_plans(self, plans: Iterable[PlanOnBill]) -> Work:
        """Return the work with other plans, for a step that changes quantities before rating."""
        return Work(self.bill, self.account, self.book, tuple(plans), self.drafts)

    def left(self, subject: Subject) -> Decimal:
        """Return what is left in a commitment or balance after the drafts so far."""
        drawn = (
            movement.amount
            for draft in self.drafts
            for movement in draft.movements
            if movement.draws(subject)
        )
        return self.book.left(subject) - sum(drawn, ZERO)

    def currency(self, code: str) -> Currency:
        """Return a currency with its rounding; one without settings as MON-3 says."""
        return self.bill.currencies.get(code) or Currency(code)

    def rate(self, source: str, target: str) -> Decimal:
        """Return the conversion rate (CUR-2). Raises ``MissingConversionRate`` (CUR-4)."""
        return find_rate(
            self.bill.conversion_rates, source, target, account_code=self.bill.account_code
        )

    def converted(self, amount: Decimal, source: Currency, target: Currency) -> Decimal:
        """Return a rounded amount in another currency, rounded there."""
        rate = self.rate(source.code, target.code)
        return amount if rate is ONE and source == target else round_money(amount * rate, target)
