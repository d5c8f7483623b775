"""Accepting and ignoring late usage; the decision of a person stays until a person changes it."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from billing.bills import slices
from billing.models import LateUsage, LateUsageStatus
from organizations.kernel import changes, clock
from organizations.kernel.errors import DomainError, NotFound
from organizations.kernel.principals import Principal


class LateUsageCharged(DomainError):
    """A bill charges it already."""

    code = "LATE_USAGE_CHARGED"

    def __init__(self, row: LateUsage) -> None:
        super().__init__(
            f"{row.description}: a bill charges this late usage already. Delete that bill first, "
            "or give a credit."
        )


class LateUsageUnknown(DomainError):
    """Nobody knows what it is worth, so it cannot be charged."""

    code = "LATE_USAGE_UNKNOWN"

    def __init__(self, row: LateUsage) -> None:
        super().__init__(f"What this late usage is worth cannot be worked out: {row.note}")


def accept(row_ids: Sequence[UUID], *, by: Principal) -> int:
    """Have the next bill of each account charge the rows; all or none. Returns how many changed."""
    return _decide(row_ids, LateUsageStatus.ACCEPTED.value, by=by)


def ignore(row_ids: Sequence[UUID], *, by: Principal) -> int:
    """Leave the rows uncharged; they stay listed as ignored. All or none."""
    return _decide(row_ids, LateUsageStatus.IGNORED.value, by=by)


def _decide(row_ids: Sequence[UUID], status: str, *, by: Principal) -> int:
    changed = 0
    named = LateUsage.objects.for_organization(by.organization_id).filter(pk__in=row_ids)
    account_ids = set(named.values_list("account_id", flat=True))
    with transaction.atomic():
        # A run that puts them on a bill holds the account; it sees the decision or we see its bill.
        slices.lock_accounts(list(account_ids))
        rows = (
            LateUsage.objects.for_organization(by.organization_id)
            .select_for_update(no_key=True, of=("self",))
            .filter(pk__in=row_ids)
            .order_by("pk")
        )
        found = list(rows)
        if len(found) < len(set(row_ids)):
            raise NotFound
        for row in found:
            changed += _decide_one(row, status, by=by)
    return changed


def _decide_one(row: LateUsage, status: str, *, by: Principal) -> bool:
    if row.status == status and row.decided_at is not None:
        return False
    if row.charged_on_id is not None:
        if status == LateUsageStatus.ACCEPTED:
            return False
        raise LateUsageCharged(row)
    if status == LateUsageStatus.ACCEPTED and not row.usage_key:
        raise LateUsageUnknown(row)
    with changes.editing(row, by=by) as current:
        current.status = status
        current.decided_at, current.decided_by = clock.now(), by.id
    return True
