"""What is rated of an account besides its plans: read kind by kind, for all accounts at once.

A reader is a function in a module of its kind. It reads with one query for the accounts that have
a bill planned, and sets on their snapshots: ``terms`` (fields of ``AccountInput`` by name),
``credits`` (what is left in a commitment or balance, by subject) and, in ``charges``, lines of
other bills that are not found by their account plan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from billing.bills import late_charges

if TYPE_CHECKING:
    from billing.bills.planning import PlannedBill
    from billing.bills.taken import AccountSnapshot

Reader = Callable[[UUID, Mapping[UUID, "AccountSnapshot"], Sequence["PlannedBill"]], None]

READERS: tuple[Reader, ...] = (late_charges.read,)


def read(
    organization_id: UUID,
    accounts: Mapping[UUID, AccountSnapshot],
    planned: Sequence[PlannedBill],
) -> None:
    """Let each kind read what it needs; ``planned`` are the bills that will be calculated."""
    if not planned:
        return
    due = {bill.account.id: accounts[bill.account.id] for bill in planned}
    for reader in READERS:
        reader(organization_id, due, planned)
