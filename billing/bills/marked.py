"""Bills to be calculated again together, so that credit goes to the earlier one (DRW-11)."""

from uuid import UUID

from django.db.models import Q

from billing.bills.job_requests import BILLS_AT_MOST
from billing.models import Bill


def together(bill: Bill) -> list[UUID]:
    """Return the bill and the marked ones of its account, none of them locked."""
    bills = Bill.objects.filter(
        Q(pk=bill.pk) | Q(needs_recalculation=True),
        account_id=bill.account_id,
        is_locked=False,
    )
    ordered = bills.order_by("boundary_date", "id").values_list("pk", flat=True)
    return list(ordered[:BILLS_AT_MOST])


def count(bill: Bill) -> int:
    """Return how many bills of the account are marked beside this one."""
    return (
        Bill.objects.filter(account_id=bill.account_id, needs_recalculation=True, is_locked=False)
        .exclude(pk=bill.pk)
        .count()
    )
