"""The global lock date: bills whose last day is on or before it count as locked (LIF-2).

The lock is written on the bills themselves, so that everything that asks whether a bill is locked
reads one column. Runs hold the organization's configuration while they write, so no bill comes
into a period at the moment it is closed.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from billing.models import Bill, BillConfig, BillStatus
from organizations.kernel.errors import DomainError, FieldRefused
from organizations.models import OrganizationConfig

NAMED = 5
_HELD = """
    SELECT c.bill_lock_date
      FROM organizations_organizationconfig o
      LEFT JOIN billing_billconfig c ON c.organization_id = o.organization_id
     WHERE o.organization_id = %s
       FOR KEY SHARE OF o
"""


class PeriodClosed(DomainError):
    """The period ends on or before the lock date, so it gets no new bill."""

    code = "PERIOD_CLOSED"

    def __init__(self, last_day: date, lock_date: date) -> None:
        super().__init__(
            f"The period that ends on {last_day} is closed: the lock date is {lock_date}. Move the "
            "lock date back, run billing for this period, approve the bill, and set the date again."
        )


def of_organization(organization_id: UUID) -> BillConfig:
    """Return the organization's row; the first who asks makes it."""
    row, _ = BillConfig.objects.get_or_create(organization_id=organization_id)
    return row


def held(organization_id: UUID) -> date | None:
    """Return the lock date; until the transaction ends nobody sets another."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [organization_id])
        found = cursor.fetchone()
    return found[0] if found else None


def check_open(lock_date: date | None, boundary: date) -> None:
    """Refuse a new bill whose last day is on or before the lock date."""
    last_day = boundary - timedelta(days=1)
    if lock_date is not None and last_day <= lock_date:
        raise PeriodClosed(last_day, lock_date)


def follow(rows: Sequence[BillConfig], verb: str) -> None:
    """Lock and free bills in the transaction that has changed the date.

    Raises ``FieldRefused`` while a bill up to the date is pending.
    """
    for row in rows:
        _apply(row)


def _apply(row: BillConfig) -> None:
    # Waits for runs that write, and lets none begin to.
    OrganizationConfig.objects.select_for_update().get(organization_id=row.organization_id)
    bills = Bill.objects.for_organization(row.organization_id)
    if row.bill_lock_date is None:
        bills.filter(is_locked_by_date=True).update(is_locked=False, is_locked_by_date=False)
        return
    after = row.bill_lock_date
    closed = bills.filter(boundary_date__lte=_day_after(after))
    closed.filter(status=BillStatus.APPROVED, is_locked=False).update(
        is_locked=True, is_locked_by_date=True
    )
    bills.filter(is_locked_by_date=True, boundary_date__gt=_day_after(after)).update(
        is_locked=False, is_locked_by_date=False
    )
    # Looked at last: whoever changed a bill before its row was ours to lock is seen here.
    _refuse_pending(closed.filter(status=BillStatus.PENDING).order_by("boundary_date", "id"))


def _refuse_pending(pending: QuerySet[Bill]) -> None:
    named = list(pending.values_list("account_code", "boundary_date")[:NAMED])
    if not named:
        return
    count = pending.count()
    shown = ", ".join(
        f"{code} (last day {boundary - timedelta(days=1)})" for code, boundary in named
    )
    more = f" and {count - len(named)} more" if count > len(named) else ""
    bills = "1 bill that ends" if count == 1 else f"{count} bills that end"
    raise FieldRefused(
        "billLockDate",
        f"{bills} on or before this day {'is' if count == 1 else 'are'} pending: {shown}{more}. "
        "Approve or delete them first",
    )


def _day_after(day: date) -> date:
    return day if day == date.max else day + timedelta(days=1)
