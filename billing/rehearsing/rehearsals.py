"""Rehearsals as rows: started, worked off by as many workers as there are, forgotten when old.

A worker takes some pending accounts with their locks, calculates them and writes their rows in one
transaction: killed, it leaves them pending, and another goes on.
"""

from collections.abc import Container, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q

from billing.bills import calculation, families, job_rows, parking, snapshot
from billing.bills.job_requests import JobRequest, check, wanted
from billing.bills.taken import Snapshot
from billing.models import (
    BillJob,
    Rehearsal,
    RehearsalStatus,
    RehearsedAccount,
    RehearsedKind,
)
from billing.rehearsing import comparing
from billing.rehearsing.comparing import Stored
from organizations.kernel import changes, clock, principals
from organizations.kernel.errors import DomainError
from organizations.kernel.principals import Principal
from organizations.models import Organization, OrganizationConfig

CHUNK = 1000
WORKERS = 2
RUNNING_AT_MOST = 3
PATIENCE = timedelta(minutes=5)
KEPT = timedelta(days=30)


class TooManyRehearsals(DomainError):
    """Rehearsals cost as much as runs, so few may be at work at once."""

    status_code = 429
    code = "TOO_MANY_REQUESTS"

    def __init__(self) -> None:
        super().__init__(
            f"{RUNNING_AT_MOST} rehearsals of this organization are running already. "
            "Wait until one of them is complete."
        )


def start(organization: Organization, request: JobRequest, *, by: Principal) -> Rehearsal:
    """Start a rehearsal; raises ``FieldRefused`` as a bill job would, ``TooManyRehearsals``."""
    now = clock.now()
    config = OrganizationConfig.objects.for_organization(organization).get()
    job = check(organization, config, request, at=now)
    with transaction.atomic():
        Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
        rows = Rehearsal.objects.for_organization(organization)
        if rows.filter(status=RehearsalStatus.RUNNING).count() >= RUNNING_AT_MOST:
            raise TooManyRehearsals
        found = job_rows.account_ids(job)
        made = Rehearsal(
            organization=organization,
            request=_kept(job),
            total=len(found),
            status=RehearsalStatus.RUNNING if found else RehearsalStatus.COMPLETE,
            finished_at=None if found else now,
            worked_at=now,
        )
        changes.create(made, by=by)
        RehearsedAccount.objects.bulk_create(
            (RehearsedAccount(rehearsal=made, account_id=account_id) for account_id in found),
            batch_size=2000,
        )
        for _ in range(WORKERS if len(found) > CHUNK else 1):
            transaction.on_commit(partial(_enqueue, made.pk), robust=True)
    return made


def work_off(rehearsal_id: UUID) -> None:
    """Calculate what is pending and nobody else is at. Safe to run twice, and at once."""
    rehearsal = Rehearsal.objects.filter(pk=rehearsal_id, status=RehearsalStatus.RUNNING).first()
    if rehearsal is None:
        return
    job = job_of(rehearsal)
    while _some(rehearsal, job):
        Rehearsal.objects.filter(pk=rehearsal_id).update(worked_at=clock.now())
    _complete(rehearsal)


def sweep() -> None:
    """Hand out rehearsals that stand still, and delete old ones."""
    now = clock.now()
    still = Rehearsal.objects.filter(status=RehearsalStatus.RUNNING, worked_at__lt=now - PATIENCE)
    for rehearsal_id in still.values_list("pk", flat=True)[:100]:
        _enqueue(rehearsal_id)
    Rehearsal.objects.filter(created_at__lt=now - KEPT).delete()


def job_of(rehearsal: Rehearsal) -> BillJob:
    """Return the job, never saved, that the rehearsal stands for."""
    fields = {
        name: BillJob._meta.get_field(name).to_python(value)
        for name, value in rehearsal.request.items()
    }
    return BillJob(organization_id=rehearsal.organization_id, **fields)


_FIELDS = (
    "latest_date_in_billing_period", "billing_frequency", "bill_frequency_interval", "bill_date",
    "due_date", "external_invoice_date", "account_ids", "target_currency",
    "currency_conversions", "timezone", "year_epoch", "month_epoch", "week_epoch", "day_epoch",
)  # fmt: skip


def _kept(job: BillJob) -> dict[str, Any]:
    values = {name: getattr(job, name) for name in _FIELDS}
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in values.items()
        if value not in (None, [])
    }


def _enqueue(rehearsal_id: UUID) -> None:
    from billing.tasks import rehearse

    rehearse.delay(rehearsal_id=str(rehearsal_id))


def _some(rehearsal: Rehearsal, job: BillJob) -> int:
    """Take some pending accounts and write what comes of them; returns how many."""
    with transaction.atomic():
        rows = list(
            RehearsedAccount.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(rehearsal=rehearsal, kind=RehearsedKind.PENDING)
            .order_by("id")[:CHUNK]
        )
        made = _calculate(job, [row.account_id for row in rows])
        RehearsedAccount.objects.filter(pk__in=[row.pk for row in rows]).delete()
        for row in made:
            row.rehearsal = rehearsal
        RehearsedAccount.objects.bulk_create(made, batch_size=2000)
    return len(rows)


def _calculate(job: BillJob, account_ids: Sequence[UUID]) -> list[RehearsedAccount]:
    """Calculate accounts together; where reading fails, each half alone, as a run does."""
    if not account_ids:
        return []
    on = job.latest_date_in_billing_period
    try:
        with transaction.atomic():
            # What one of a family owes depends on the others: they are calculated along.
            members = families.read(job.organization_id, account_ids).with_members(account_ids)
            taken = snapshot.take(job.organization_id, members, wanted(job))
            stored = comparing.read_stored(
                job.organization_id, account_ids, on, job.billing_frequency
            )
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        if len(account_ids) == 1:
            return [_parked(job, account_ids[0], error)]
        middle = len(account_ids) // 2
        return [
            *_calculate(job, account_ids[:middle]),
            *_calculate(job, account_ids[middle:]),
        ]
    asked = set(account_ids)
    made: list[RehearsedAccount] = []
    for unit in taken.families.in_order(members):
        made += _calculate_unit(job, taken, stored, unit, asked)
    return made


def _calculate_unit(
    job: BillJob, taken: Snapshot, stored: Stored, unit: Sequence[UUID], asked: Container[UUID]
) -> list[RehearsedAccount]:
    """Calculate an account, or a family in the order in which it draws on credit, as a run does."""
    drawn = calculation.Drawn() if len(unit) > 1 else None
    made: list[RehearsedAccount] = []
    for account_id in unit:
        account = taken.accounts.get(account_id)
        if account is None:
            continue  # deleted meanwhile
        try:
            bills = calculation.calculate(account, drawn)
            if drawn is not None:
                drawn.add(bills)
            if account_id in asked:
                made += comparing.rehearse(
                    taken, account, bills, stored, job.latest_date_in_billing_period
                )
        except Exception as error:
            if account_id in asked:
                made.append(_parked(job, account_id, error))
    return made


def _parked(job: BillJob, account_id: UUID, error: Exception) -> RehearsedAccount:
    why = parking.reason(error, job=job, account_id=account_id)
    return RehearsedAccount(account_id=account_id, kind=RehearsedKind.PARKED, reason=why)


def _complete(rehearsal: Rehearsal) -> None:
    with transaction.atomic():
        current = Rehearsal.objects.select_for_update().filter(
            Q(status=RehearsalStatus.RUNNING), pk=rehearsal.pk
        )
        row = current.first()
        if row is None or row.accounts.filter(kind=RehearsedKind.PENDING).exists():
            return
        with changes.editing(row, by=principals.system(row.organization_id)) as locked:
            locked.status = RehearsalStatus.COMPLETE
            locked.finished_at = clock.now()
