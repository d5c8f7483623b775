"""A kind of line that nobody sells: a gift voucher, paid for once, from what is left of a credit.

It shows all that a kind of line may be made of; docs/kinds-of-lines.md tells the same in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from unittest import mock
from uuid import UUID

from billing.bills import movements, reading, subject_terms
from billing.rating import kinds, telling
from billing.rating.accounts import Work
from billing.rating.drafts import Draft
from billing.rating.kinds.kind import LineKind, RecordKind, Twice
from billing.rating.lines import LineType
from billing.rating.movements import Movement
from billing.rating.subjects import Attribution, Subject, SubjectKind
from billing.rating.telling import Facts, Step, Telling
from organizations.kernel.money import plain

VOUCHER = Subject(SubjectKind.CHARGE, UUID(int=7))
PURSE = Subject(SubjectKind.BALANCE, UUID(int=8))
PRICE = Decimal(3)


# Rating -----------------------------------------------------------------------------------------


def step(work: Work) -> Work:
    """Sell the voucher to an account that has money left for it."""
    amount = min(PRICE, work.left(PURSE))
    if not amount:
        return work
    facts: dict[str, object] = {
        "kind": "toy", "price": plain(PRICE), "left": plain(work.left(PURSE))
    }  # fmt: skip
    return work.plus(
        [
            Draft(
                line_type=LineType.AD_HOC,
                subject=VOUCHER,
                attribution=Attribution(work.bill.account_id),
                currency=work.currency("USD"),
                description="Gift voucher",
                subtotal=amount,
                service_period=work.bill.period,
                facts=facts,
                movements=(Movement("toy", PURSE, amount),),
            )
        ]
    )


def amount_of(facts: Facts) -> Decimal:
    return min(Decimal(facts["price"]), Decimal(facts["left"]))


def story(facts: Facts) -> tuple[str, list[Step]]:
    reckoning = f"the smaller of {facts['price']} and {facts['left']} left"
    sentence = f"A voucher was sold for {telling.money(facts)}."
    return sentence, [Step("Voucher", reckoning, plain(amount_of(facts)))]


def arithmetic(told: Telling) -> str:
    return f"A voucher for {told.fact('price')}, {told.fact('left')} left = {told.subtotal()}"


TOY = LineKind(
    "toy",
    step,
    (LineType.AD_HOC,),
    (RecordKind("toy", amount_of, story, arithmetic),),
    twice=Twice.EVER,
)


# Reading and writing ----------------------------------------------------------------------------


class Purses:
    """What would be two tables: the money that accounts have, and what bills took of it."""

    def __init__(self) -> None:
        self.money: dict[UUID, Decimal] = {}
        self.taken: dict[UUID, list[tuple[UUID, Decimal]]] = {}

    def read(self, organization_id, accounts, planned) -> None:
        """A reader: what is left without the bills that are calculated, and vouchers sold."""
        again = {bill.existing.id for bill in planned if bill.existing}
        sold = reading.charges_about(organization_id, "charge_id", [VOUCHER.id], except_bills=again)
        for account_id, account in accounts.items():
            spent = sum(
                amount
                for bill_id, rows in self.taken.items()
                for _, amount in rows
                if bill_id not in again
            )
            account.credits[PURSE] = self.money.get(account_id, Decimal(0)) - spent
            account.charges += sold.get(account_id, [])

    def store(self, replacing: movements.Replacing, moved: Sequence[movements.Moved]) -> None:
        """A writer: the rows of these bills are exactly those given."""
        for bill in replacing.bills:
            self.taken.pop(bill.pk, None)
        for bill, line_id, movement in moved:
            self.taken.setdefault(bill.pk, []).append((line_id, movement.amount))


@contextmanager
def sold(purses: Purses) -> Iterator[None]:
    """Have the kind in the three lists where a kind is named."""
    with (
        mock.patch.object(kinds, "KINDS", (*kinds.KINDS, TOY)),
        mock.patch.object(subject_terms, "READERS", (*subject_terms.READERS, purses.read)),
        mock.patch.dict(movements.KINDS, toy=purses.store),
    ):
        yield
