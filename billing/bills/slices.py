"""Some accounts of a bill run, calculated and written in one short transaction.

The transaction holds the lock of each account, in order of id, so that two runs never interleave
on one (JOB-15). What was read before the lock may be stale by then: an account whose bills were
written meanwhile is read and calculated again under the lock.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F

from billing.bills import calculation, families, fingerprints, parking, snapshot, writer
from billing.bills.calculation import Calculated
from billing.bills.job_requests import wanted
from billing.bills.reading import AccountFacts
from billing.bills.taken import Snapshot
from billing.models import BillJob, BillJobAccount, BillJobStatus, JobAccountStatus
from organizations.kernel import clock, ids, principals
from organizations.kernel.among import Among


class Cancelled(Exception):
    """The job was cancelled while it was worked on."""


@dataclass(slots=True)
class _Work:
    """Accounts on their way: calculated ones to be written, parked ones with the reason."""

    calculated: dict[UUID, tuple[AccountFacts, list[Calculated]]] = field(default_factory=dict)
    parked: dict[UUID, str] = field(default_factory=dict)


class _Pending(NamedTuple):
    """A row of the job that is still to do."""

    id: UUID
    due_bills: int


def bill(job: BillJob, taken: Snapshot, account_ids: Sequence[UUID]) -> None:
    """Rate and write the accounts that are not done yet; park those that cannot be billed.

    Where writing them together fails, each is written alone, so that only the one at fault is
    parked. Raises ``Cancelled`` when the job was cancelled meanwhile; nothing is written then.
    """
    work = _calculate(job, taken, account_ids)
    try:
        _write(job, taken, work)
    except (OperationalError, InterfaceError, Cancelled):
        raise  # the database is away or gave up: the chunk is tried again as it is
    except Exception as error:
        if len(account_ids) == 1:
            park(job, account_ids[0], error)
            return
        for account_id in account_ids:
            bill(job, taken, [account_id])


def park(job: BillJob, account_id: UUID, error: Exception) -> None:
    """Park one account that could not be read or written."""
    why = parking.reason(error, job=job, account_id=account_id)
    _write(job, None, _Work(parked={account_id: why}))


def _calculate(job: BillJob, taken: Snapshot, account_ids: Sequence[UUID]) -> _Work:
    work = _Work()
    for unit in taken.families.in_order(account_ids):
        drawn = calculation.Drawn() if len(unit) > 1 else None
        for account_id in unit:
            account = taken.accounts.get(account_id)
            if account is None:
                continue  # deleted since the job began; its row went with it
            try:
                bills = calculation.calculate(account, drawn)
            except Exception as error:
                work.parked[account_id] = parking.reason(error, job=job, account_id=account_id)
                continue
            work.calculated[account_id] = (account.facts, bills)
            if drawn is not None:
                drawn.add(bills)
    return work


def _write(job: BillJob, taken: Snapshot | None, work: _Work) -> None:
    """Store bills with their events, the rows of the job, alerts and progress, all at once."""
    at = clock.now()
    with transaction.atomic():
        account_ids = sorted(work.calculated.keys() | work.parked.keys())
        lock_accounts(account_ids)
        rows = _lock_pending(job, account_ids)
        outcomes: dict[UUID, JobAccountStatus] = {}
        if taken is not None:
            _calculate_stale_again(job, taken, work, rows)
            outcomes = writer.write(
                taken,
                [pair for account_id, pair in work.calculated.items() if account_id in rows],
                job=job,
                by=principals.system(job.organization_id),
                at=at,
            )
            _alert_faults(job, work, outcomes, at)
        _finish_rows(job, rows, outcomes, work.parked, at)


def _alert_faults(job: BillJob, work: _Work, outcomes: Collection[UUID], at: datetime) -> None:
    """Tell of calculations that failed on the bills that were written."""
    faults = {}
    for account_id in outcomes:
        facts, bills = work.calculated[account_id]
        reasons = dict.fromkeys(fault for bill in bills for fault in bill.source.faults)
        if reasons:
            faults[account_id] = (facts.code, list(reasons))
    if faults:
        parking.alert_faults(job, faults, at=at)


def lock_accounts(account_ids: Sequence[UUID]) -> None:
    """Hold the billing lock of the accounts until the transaction ends; ingest takes no part.

    Ids come sorted, so that two runs never wait for each other.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key",
            [sorted(lock_key(account_id) for account_id in account_ids)],
        )


def lock_key(account_id: UUID) -> int:
    """Return the number of an account's lock: the random half of a time-ordered id is a hash."""
    return (account_id.int & (2**64 - 1)) - 2**63


def _lock_pending(job: BillJob, account_ids: Sequence[UUID]) -> dict[UUID, _Pending]:
    """Lock the job's rows that are still to do; another worker may have been quicker."""
    status = BillJob.objects.filter(pk=job.pk).values_list("status", flat=True).first()
    if status != BillJobStatus.RUNNING:
        raise Cancelled
    rows = (
        BillJobAccount.objects.filter(
            Among("account_id", account_ids), bill_job=job, status=JobAccountStatus.PENDING
        )
        .select_for_update()
        .order_by("account_id")
        .values_list("account_id", "pk", "due_bills")
    )
    return {account_id: _Pending(row_id, due) for account_id, row_id, due in rows}


def _calculate_stale_again(
    job: BillJob, taken: Snapshot, work: _Work, rows: Collection[UUID]
) -> None:
    """Calculate again the accounts of which what money depends on was written since."""
    account_ids = [account_id for account_id in work.calculated if account_id in rows]
    now, current = families.fingerprints(job.organization_id, account_ids)
    moved = {
        account_id
        for account_id in account_ids
        if current.get(account_id, fingerprints.NOTHING) != taken.accounts[account_id].fingerprint
    }
    # Of a family all are calculated again: they share usage and credit.
    stale = [one for unit in now.in_order(account_ids) if moved & set(unit) for one in unit]
    if not stale:
        return
    fresh = snapshot.take(job.organization_id, stale, wanted(job))
    again = _calculate(job, fresh, stale)
    taken.accounts.update(fresh.accounts)
    taken.families = fresh.families if fresh.families else taken.families
    for account_id in stale:
        del work.calculated[account_id]
    work.calculated.update(again.calculated)
    work.parked.update(again.parked)


def _finish_rows(
    job: BillJob,
    rows: dict[UUID, _Pending],
    outcomes: dict[UUID, JobAccountStatus],
    parked: dict[UUID, str],
    at: datetime,
) -> None:
    """Say of each row what became of it, raise alerts, and count, last and so briefly, progress."""
    if not rows:
        return
    became = {account_id: outcomes.get(account_id, JobAccountStatus.PARKED) for account_id in rows}
    now_parked = {
        account_id: parked.get(account_id, "")
        for account_id, status in became.items()
        if status == JobAccountStatus.PARKED
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE billing_billjobaccount r"
            "   SET status = s.status, reason = s.reason, finished_at = %s"
            "  FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS s(id, status, reason)"
            " WHERE r.id = s.id",
            [
                at,
                ids.array(row.id for row in rows.values()),
                [str(became[account_id]) for account_id in rows],
                [now_parked.get(account_id, "") for account_id in rows],
            ],
        )
    parking.alert(job, now_parked, at=at)
    billed = sum(status == JobAccountStatus.BILLED for status in became.values())
    BillJob.objects.filter(pk=job.pk).update(
        pending=F("pending") - len(rows),
        pending_bills=F("pending_bills") - sum(row.due_bills for row in rows.values()),
        billed=F("billed") + billed,
        parked=F("parked") + len(now_parked),
        skipped=F("skipped") + len(rows) - billed - len(now_parked),
    )
