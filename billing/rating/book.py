"""The book of an account: what its other bills charge, and what is left in its credits.

A value. Each bill of an account is rated with the book as the bills before it left it; minimum
spends, draw-downs, fees and the refusal of double charges ask it and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from uuid import UUID

import msgspec

from billing.rating.inputs import RatingInput
from billing.rating.lines import RatedBill, RatedLine
from billing.rating.subjects import Attribution, Subject
from organizations.kernel.money import ZERO
from organizations.kernel.periods import Period


class BilledCharge(msgspec.Struct, frozen=True, gc=False):
    """A line on another bill: what it charges, where it belongs, and when.

    Of a stored line the attribution holds only the source account, account plan, plan and pricing.
    ``subtotal`` is in the line's own currency. ``in_advance``: for service after its bill's period.
    ``is_locked``: its bill never changes again.
    """

    bill_id: UUID | None
    bill_name: str
    bill_date: date
    line_type: str
    subject: Subject
    attribution: Attribution
    service_period: Period
    subtotal: Decimal
    in_advance: bool
    is_locked: bool = False

    @property
    def account_plan_id(self) -> UUID | None:
        return self.attribution.account_plan_id

    @property
    def pricing_id(self) -> UUID | None:
        return self.attribution.pricing_id


class Book(msgspec.Struct, frozen=True, gc=False):
    """What is known of the account before a bill is rated.

    ``charges`` are those of all other bills that bear on the bills to be rated, in order of their
    bills. ``credits`` is what is left, in its own currency, in each commitment and balance, by
    subject without detail, or with that of its rollover: without the share of the bills that
    are rated now.
    """

    charges: tuple[BilledCharge, ...] = ()
    credits: Mapping[Subject, Decimal] = msgspec.field(default_factory=dict)

    def charged(
        self, *, account_plan_id: UUID, starting_in: Period, in_advance: bool
    ) -> list[BilledCharge]:
        """Return the charges of an account plan whose service began in the period.

        By where they began: their end may have moved since, with the plan's (DAT-6).
        """
        return [
            charge
            for charge in self.charges
            if charge.in_advance is in_advance
            and charge.attribution.account_plan_id == account_plan_id
            and starting_in.contains(charge.service_period.start)
        ]

    def of_subject(self, subject: Subject) -> list[BilledCharge]:
        """Return what other bills charge for the subject, at any time."""
        return [charge for charge in self.charges if charge.subject == subject]

    def left(self, subject: Subject) -> Decimal:
        """Return the credit left in a commitment or balance before this bill."""
        return self.credits.get(subject, ZERO)

    def after(self, bill: RatingInput, rated: RatedBill) -> Book:
        """Return the book with what a bill that was just rated charges and moves."""
        left = dict(self.credits)
        for movement in rated.movements:
            for subject in movement.drawn:
                left[subject] = left.get(subject, ZERO) - movement.amount
        return Book((*self.charges, *charges_of(rated, bill_id=bill.bill_id)), left)


EMPTY = Book()


def charges_of(
    rated: RatedBill, *, bill_id: UUID | None = None, name: str | None = None
) -> list[BilledCharge]:
    """Return the charges of a bill that was just rated, for the bills after it."""
    if name is None:
        name = str(bill_id) if bill_id else "of the same run"
    return [_charge(rated, line, bill_id, name) for line in rated.lines]


def _charge(rated: RatedBill, line: RatedLine, bill_id: UUID | None, name: str) -> BilledCharge:
    ends = rated.period.end
    return BilledCharge(
        bill_id=bill_id,
        bill_name=name,
        bill_date=rated.key.boundary,
        line_type=line.line_type.value,
        subject=line.subject,
        attribution=line.attribution,
        service_period=line.service_period,
        subtotal=line.subtotal,
        in_advance=ends is not None and line.service_period.start >= ends,
    )
