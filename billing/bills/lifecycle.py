"""What happens to a bill after it was calculated: approve, put back, lock, delete (15.1)."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet

from billing import representations
from billing.bills import mailing, slices, writer
from billing.models import Bill, BillStatus
from organizations.kernel import changes, clock, ids, isolation, principals
from organizations.kernel.errors import DomainError, FieldRefused, NotFound
from organizations.kernel.periods import local_midnight, parse_timezone
from organizations.kernel.principals import Principal
from organizations.models import GracePeriodUnit, Organization, OrganizationConfig
from organizations.models.organizations import OrganizationStatus

# Bills that are approved together; each batch is a transaction of its own.
BATCH = 500
_UNITS = {
    GracePeriodUnit.MINUTES: timedelta(minutes=1),
    GracePeriodUnit.HOURS: timedelta(hours=1),
    GracePeriodUnit.DAYS: timedelta(days=1),
}


class BillLocked(DomainError):
    """A locked bill never changes again (LIF-1)."""

    code = "BILL_LOCKED"

    def __init__(self, bill: Bill) -> None:
        super().__init__(f"{_called(bill)} is locked and cannot be changed or deleted.")


class BillNotApproved(DomainError):
    """Only an approved bill can be locked (LIF-1)."""

    code = "BILL_NOT_APPROVED"

    def __init__(self, bill: Bill) -> None:
        super().__init__(f"{_called(bill)} is pending: approve it before locking it.")


def _called(bill: Bill) -> str:
    """Return what people call a bill: of whom, and of when."""
    return f"The bill of account {bill.account_code} dated {bill.bill_date}"


def approve(bill: Bill, *, by: Principal, at: datetime) -> Bill:
    """Approve a pending bill; approving twice changes nothing (LIF-3). Raises ``BillLocked``."""
    return _set_status(bill, BillStatus.APPROVED, by=by, at=at)


def put_back(bill: Bill, *, by: Principal, at: datetime) -> Bill:
    """Make an approved bill pending again while it is not locked (LIF-4)."""
    return _set_status(bill, BillStatus.PENDING, by=by, at=at)


def set_status(bill: Bill, status: str, *, by: Principal, at: datetime) -> Bill:
    """Set the status a caller asks for."""
    if status not in BillStatus.values:
        raise FieldRefused("status", f"must be one of {', '.join(BillStatus.values)}.")
    return _set_status(bill, BillStatus(status), by=by, at=at)


def lock(bill: Bill, *, by: Principal, at: datetime) -> Bill:
    """Lock an approved bill for good; locking twice changes nothing.

    Raises ``BillNotApproved`` for a pending one (LIF-1).
    """
    with transaction.atomic():
        current = _locked_row(bill)
        if current.is_locked and not current.is_locked_by_date:
            return current
        if current.status != BillStatus.APPROVED:
            raise BillNotApproved(current)
        with changes.editing(current, by=by) as row:
            row.is_locked, row.locked_at, row.locked_by = True, at, by.id
            row.is_locked_by_date = False  # from now on also when the lock date is moved back
    return row


def delete(bill: Bill, *, by: Principal) -> Bill:
    """Delete a bill that is not locked, with its lines; its number is not given again (LIF-7)."""
    with transaction.atomic():
        current = _locked_row(bill)
        if current.is_locked:
            raise BillLocked(current)
        writer.delete([current], by=by)
    return current


def delete_many(bills: QuerySet[Bill], *, by: Principal) -> tuple[int, int]:
    """Delete the bills that are not locked, in batches; returns how many, and how many stayed."""
    found = list(bills.order_by("id").values_list("pk", "account_id"))
    deleted = 0
    for start in range(0, len(found), BATCH):
        batch = found[start : start + BATCH]
        with transaction.atomic():
            # In the order of a run: it must not wait for bills while these wait for its credit.
            slices.lock_accounts(list({account_id for _, account_id in batch}))
            rows = list(
                Bill.objects.filter(pk__in=[bill_id for bill_id, _ in batch], is_locked=False)
                .select_for_update()
                .order_by("id")
            )
            writer.delete(rows, by=by)
            deleted += len(rows)
    return deleted, len(found) - deleted


def approve_many(
    organization: Organization,
    *,
    by: Principal,
    at: datetime,
    bill_ids: Sequence[str | UUID] | None = None,
    account_ids: Sequence[str | UUID] = (),
    external_invoice_date_start: date | None = None,
    external_invoice_date_end: date | None = None,
    among: QuerySet[Bill] | None = None,
) -> int:
    """Approve the named bills, or those that pass the filters; returns how many changed (LIF-3).

    Ids win over filters. Unknown ids are refused before anything changes; locked bills and
    bills approved already are left alone. ``among`` are the bills the caller may change.
    """
    bills = Bill.objects.for_organization(organization) if among is None else among
    if bill_ids is not None:
        bills = bills.filter(pk__in=_known_ids(bills, bill_ids))
    elif not (account_ids or external_invoice_date_start or external_invoice_date_end):
        raise FieldRefused("billIds", "give the ids of the bills to approve, or a filter.")
    else:
        criteria = {
            "account_id__in": [ids.parse(value) for value in account_ids] or None,
            "external_invoice_date__gte": external_invoice_date_start,
            "external_invoice_date__lt": external_invoice_date_end,
        }
        bills = bills.filter(**{name: value for name, value in criteria.items() if value})
    return _approve_all(bills, by=by, at=at)


def approve_pending(bills: QuerySet[Bill], *, by: Principal, at: datetime) -> int:
    """Approve those of the bills that are pending; returns how many."""
    return _approve_all(bills, by=by, at=at)


def approve_period(
    organization: Organization,
    *,
    latest_date_in_billing_period: date,
    billing_frequency: str,
    by: Principal,
    at: datetime,
    among: QuerySet[Bill] | None = None,
) -> int:
    """Approve the bills of a frequency whose period ends with the given inclusive last day."""
    bills = in_period(organization, latest_date_in_billing_period, billing_frequency, among=among)
    return _approve_all(bills, by=by, at=at)


def in_period(
    organization: Organization,
    latest_date_in_billing_period: date,
    billing_frequency: str,
    *,
    among: QuerySet[Bill] | None = None,
) -> QuerySet[Bill]:
    """Return the bills of a billing period, named by its last inclusive day (4.2).

    ``among`` are the bills the caller may see.
    """
    bills = Bill.objects.for_organization(organization) if among is None else among
    return bills.filter(
        boundary_date=latest_date_in_billing_period + timedelta(days=1),
        billing_frequency=billing_frequency,
    )


def auto_approve() -> None:
    """Approve pending bills whose grace period is over, in every organization that set one.

    The clock starts at the bill date in the bill's timezone (LIF-5); for a bill that was approved
    before and is pending again it starts anew when it was calculated (LIF-6) or put back (LIF-4).
    """
    now = clock.now()
    configs = OrganizationConfig.objects.filter(
        auto_approve_bills_grace_period__isnull=False,
        auto_approve_bills_grace_period_unit__isnull=False,
        organization__status=OrganizationStatus.ACTIVE,
    )
    for config in configs:
        unit = _UNITS[GracePeriodUnit(config.auto_approve_bills_grace_period_unit)]
        grace = config.auto_approve_bills_grace_period * unit
        with isolation.within(config.organization_id):
            _auto_approve(config.organization_id, grace, now)


def _auto_approve(organization_id: UUID, grace: timedelta, now: datetime) -> None:
    # A day begins up to 14 hours earlier in the east, so this takes no bill too few.
    latest_day = (now - grace + timedelta(hours=14)).date()
    candidates = Bill.objects.for_organization(organization_id).filter(
        Q(was_approved=False) | Q(modified_at__lte=now - grace),
        status=BillStatus.PENDING,
        bill_date__lte=latest_day,
    )
    due = [
        bill.pk
        for bill in candidates.only("pk", "bill_date", "timezone").iterator(chunk_size=2000)
        if local_midnight(bill.bill_date, parse_timezone(bill.timezone)) + grace <= now
    ]
    by = principals.system(organization_id)
    _approve_all(Bill.objects.filter(pk__in=due), by=by, at=now)


def _set_status(bill: Bill, status: BillStatus, *, by: Principal, at: datetime) -> Bill:
    with transaction.atomic():
        current = _locked_row(bill)
        if current.status == status:
            return current
        if current.is_locked:
            raise BillLocked(current)
        with changes.editing(current, by=by) as row:
            _mark(row, status, by=by, at=at)
        if status == BillStatus.APPROVED:
            mailing.approved([row], by=by)
    return row


def _mark(row: Bill, status: BillStatus, *, by: Principal, at: datetime) -> None:
    is_approved = status == BillStatus.APPROVED
    row.was_approved = row.was_approved or row.status == BillStatus.APPROVED
    row.status = status
    row.approved_at = at if is_approved else None
    row.approved_by = by.id if is_approved else None


def _locked_row(bill: Bill) -> Bill:
    """Return the bill as it is now, locked; recalculations and other callers wait."""
    row = Bill.objects.select_for_update().filter(pk=bill.pk).first()
    if row is None:
        raise NotFound
    return row


def _approve_all(bills: QuerySet[Bill], *, by: Principal, at: datetime) -> int:
    """Approve the pending ones in batches, in order of id, as bill runs lock them too."""
    pending = bills.filter(status=BillStatus.PENDING).order_by("id")
    bill_ids = list(pending.values_list("pk", flat=True))
    approved = 0
    for start in range(0, len(bill_ids), BATCH):
        approved += _approve_batch(bill_ids[start : start + BATCH], by=by, at=at)
    return approved


def _approve_batch(bill_ids: Sequence[UUID], *, by: Principal, at: datetime) -> int:
    with transaction.atomic():
        rows = list(
            Bill.objects.filter(pk__in=bill_ids, status=BillStatus.PENDING)
            .select_for_update()
            .order_by("id")
        )
        befores = [(row, representations.bill(row)) for row in rows]
        for row in rows:
            _mark(row, BillStatus.APPROVED, by=by, at=at)
            row.version += 1
            row.modified_at, row.modified_by = at, by.id
        Bill.objects.filter(pk__in=[row.pk for row in rows]).update(
            status=BillStatus.APPROVED,
            approved_at=at,
            approved_by=by.id,
            version=F("version") + 1,
            modified_at=at,
            modified_by=by.id,
        )
        changes.updated_many(befores, by=by)
        mailing.approved(rows, by=by)
    return len(rows)


def _known_ids(bills: QuerySet[Bill], sent: Sequence[str | UUID]) -> list[UUID]:
    parsed = {value: ids.parse(value) for value in sent}
    known = set(
        bills.filter(pk__in=[key for key in parsed.values() if key]).values_list("pk", flat=True)
    )
    unknown = [str(value) for value, key in parsed.items() if key not in known]
    if unknown:
        raise FieldRefused("billIds", f"there is no bill {', '.join(unknown[:10])}.")
    return sorted(known)
