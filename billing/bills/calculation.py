"""From a snapshot to calculated bills: rate each account's bills in order, refuse doubles.

Reads nothing and stores nothing; the step that runs, preview and explanation share.
"""

from dataclasses import dataclass, replace

from billing.bills.charges_on_bills import advance_minimums, charges_of, refuse_doubles
from billing.bills.snapshot import AccountSnapshot, BillToRate
from billing.rating.lines import RatedBill
from billing.rating.pipeline import rate


@dataclass(frozen=True, slots=True)
class Calculated:
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
    calculated = []
    for bill in sorted(account.bills, key=lambda bill: bill.input.key.boundary):
        rated = rate(replace(bill.input, advance_minimums=advance_minimums(charges)))
        refuse_doubles(rated, charges)
        name = str(bill.existing.id) if bill.existing else "of the same run"
        charges += charges_of(rated, bill_id=bill.existing.id if bill.existing else None, name=name)
        calculated.append(Calculated(bill, rated))
    return calculated
