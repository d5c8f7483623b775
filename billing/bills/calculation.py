"""From a snapshot to calculated bills: rate each account's bills in order, refuse doubles.

Reads nothing and stores nothing; the step that runs, preview and explanation share.
"""

import msgspec

from billing.bills.charges_on_bills import (
    BilledCharge,
    advance_minimums,
    arrears_charges,
    charges_of,
    refuse_doubles,
)
from billing.bills.snapshot import AccountSnapshot, BillToRate
from billing.rating.lines import RatedBill
from billing.rating.pipeline import rate


class Calculated(msgspec.Struct, frozen=True, gc=False):
    """A bill with what it was calculated from."""

    source: BillToRate
    rated: RatedBill


def calculate(account: AccountSnapshot) -> list[Calculated]:
    """Return the account's bills, calculated in order of boundary.

    A bill sees what those before it charge in advance, also when they are calculated in the same
    run. Raises the ``DomainError`` that keeps the account from being billed.
    """
    if account.refusal is not None:
        raise account.refusal
    charges = list(account.charges)
    calculated: list[Calculated] = []
    for bill in sorted(account.bills, key=lambda bill: bill.input.key.boundary):
        if calculated:
            charges += _charges_of(calculated[-1])
        source = bill.input
        if charges:
            source = msgspec.structs.replace(
                source,
                advance_minimums=advance_minimums(charges),
                arrears_charges=arrears_charges(charges),
            )
        rated = rate(source)
        refuse_doubles(rated, charges, account.attached)
        calculated.append(Calculated(bill, rated))
    return calculated


def _charges_of(bill: Calculated) -> list[BilledCharge]:
    existing = bill.source.existing
    return charges_of(
        bill.rated,
        bill_id=existing.id if existing else None,
        name=str(existing.id) if existing else "of the same run",
    )
