"""A bill as it would be calculated today, locked or not; nothing is stored."""

from billing.bills import calculation, snapshot
from billing.bills.calculation import Calculated
from billing.bills.job_requests import with_families
from billing.bills.selection import TheseBills
from billing.bills.taken import Snapshot
from billing.models import Bill


def calculate(bill: Bill) -> tuple[Snapshot, list[Calculated]]:
    """Return what was read, and the bill calculated by the path a run takes.

    In a family the bills of the same date are calculated with it: they share usage and credit.
    Raises the ``DomainError`` that would keep the account from being billed.
    """
    bill_ids = with_families(bill.organization_id, [bill.pk], is_locked_too=True)
    owners = Bill.objects.filter(pk__in=bill_ids).values_list("account_id", flat=True)
    taken = snapshot.take(
        bill.organization_id,
        sorted(set(owners)),
        TheseBills(frozenset(bill_ids)),
        include_locked=True,
    )
    return taken, calculation.of_account(taken, bill.account_id)
