"""Bill runs: start, prepare, cancel, retry, recalculate (billing.md 14).

A run is data: a job, a row per account and chunks of accounts. The work on a chunk is in
``chunks``; whatever dies, the sweep there goes on where it stopped.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from celery import Task
from django.db import transaction

from billing import balance_schedules, tasks
from billing.bills import chunks, job_rows
from billing.bills.job_requests import JobRequest, check, check_recalculation, with_families
from billing.models import BillJob, BillJobStatus, BillJobType, ChunkStatus
from organizations.kernel import changes, clock, principals
from organizations.kernel.errors import DomainError
from organizations.kernel.principals import Principal
from organizations.models import Organization, OrganizationConfig

RUNNING_JOBS_AT_MOST = 10
ACTIVE = (BillJobStatus.PENDING, BillJobStatus.INITIALIZING, BillJobStatus.RUNNING)


class TooManyJobs(DomainError):
    """JOB-3."""

    status_code = 429
    code = "TOO_MANY_REQUESTS"

    def __init__(self) -> None:
        super().__init__(
            f"{RUNNING_JOBS_AT_MOST} bill jobs of this organization are running already. "
            "Wait until one of them is complete, or cancel one."
        )


class JobNotRunning(DomainError):
    """The job is in a state in which the action makes no sense."""

    def __init__(self, job: BillJob, action: str) -> None:
        super().__init__(f"A bill job that is {job.status} cannot be {action}.")


class NothingParked(DomainError):
    """A retry of a job all of whose accounts were billed."""

    def __init__(self) -> None:
        super().__init__("No account of this bill job is parked.")


def start(
    organization: Organization,
    request: JobRequest,
    *,
    by: Principal,
    at: datetime,
    is_scheduled: bool = False,
) -> BillJob:
    """Start a run (JOB-1); returns the job, which a worker prepares after the commit.

    Raises ``FieldRefused`` naming what is wrong with the request (JOB-4), ``TooManyJobs``.
    """
    config = OrganizationConfig.objects.for_organization(organization).get()
    job = check(organization, config, request, at=at)
    job.is_scheduled = is_scheduled
    return _start(job, by=by)


def recalculate(
    organization: Organization, bill_ids: Sequence[str | UUID], *, by: Principal, at: datetime
) -> BillJob:
    """Start a job that calculates existing bills again, at most 100 (JOB-1, JOB-14).

    The bills of the same date in the families of theirs are calculated with them (PAR-10).
    """
    bills = with_families(organization.pk, check_recalculation(organization, bill_ids))
    return _start(
        BillJob(
            organization=organization,
            type=BillJobType.RECALCULATE,
            bill_ids=[str(bill_id) for bill_id in bills],
        ),
        by=by,
    )


def _start(job: BillJob, *, by: Principal) -> BillJob:
    with transaction.atomic():
        active = _count_active(job.organization_id)
        if not job.is_scheduled and active >= RUNNING_JOBS_AT_MOST:
            raise TooManyJobs
        job.total = job.pending = len(job_rows.account_ids(job))
        # Until a worker has planned the bills: most accounts have one.
        job.total_bills = job.pending_bills = len(job.bill_ids) or job.total
        changes.create(job, by=by)
        _enqueue_after_commit(tasks.prepare_bill_job, job_id=str(job.pk))
    return job


def _count_active(organization_id: UUID) -> int:
    """Count the jobs at work; of two requests at once the second counts the first one's (JOB-3)."""
    Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
    jobs = BillJob.objects.for_organization(organization_id)
    return jobs.filter(status__in=ACTIVE).count()


def prepare(job_id: UUID | str) -> None:
    """Make the rows and chunks of a job and enqueue the chunks. Safe to run twice.

    Charges that schedules have due are made first, so that a run misses none when beat was down.
    """
    started = BillJob.objects.filter(pk=job_id).only("organization_id").first()
    if started is not None:
        balance_schedules.run_due(clock.now(), organization_id=started.organization_id)
    _move_on(job_id, BillJobStatus.PENDING, BillJobStatus.INITIALIZING)
    with transaction.atomic():
        job = _move_on(job_id, BillJobStatus.INITIALIZING, BillJobStatus.RUNNING)
        if job is None:
            return
        _enqueue_chunks(job)
    if not job.total:
        chunks.complete(job)


def _move_on(job_id: UUID | str, since: BillJobStatus, to: BillJobStatus) -> BillJob | None:
    """Take the job to its next status; ``None`` when it is not in the one before (JOB-2)."""
    with transaction.atomic():
        job = BillJob.objects.select_for_update().filter(pk=job_id, status=since).first()
        if job is None:
            return None
        with changes.editing(job, by=principals.system(job.organization_id)) as locked:
            locked.status = to
            if to == BillJobStatus.RUNNING:
                job_rows.make(locked)
                locked.started_at = clock.now()
    return locked


def cancel(job: BillJob, *, by: Principal) -> BillJob:
    """Stop a job: no further account is billed, bills already written stay (JOB-11).

    Cancelling twice changes nothing; a complete job cannot be cancelled.
    """
    with transaction.atomic():
        current = BillJob.objects.select_for_update().get(pk=job.pk)
        if current.status == BillJobStatus.CANCELLED:
            return current
        if current.status not in ACTIVE:
            raise JobNotRunning(current, "cancelled")
        with changes.editing(current, by=by) as locked:
            locked.status = BillJobStatus.CANCELLED
            locked.finished_at = clock.now()
    # After the commit above no slice begins any more; the lock order is that of a slice.
    with transaction.atomic():
        job_rows.cancel(locked)
    locked.refresh_from_db()
    return locked


def retry(job: BillJob, *, by: Principal) -> BillJob:
    """Bill the parked accounts of a complete job once more; raises ``TooManyJobs`` (JOB-3)."""
    with transaction.atomic():
        if _count_active(job.organization_id) >= RUNNING_JOBS_AT_MOST:
            raise TooManyJobs
        with changes.editing(job, by=by) as locked:
            if locked.status != BillJobStatus.COMPLETE:
                raise JobNotRunning(locked, "tried again")
            if not job_rows.unpark(locked):
                raise NothingParked
            locked.status = BillJobStatus.RUNNING
            locked.finished_at = None
        _enqueue_chunks(locked)
    return locked


def _enqueue_chunks(job: BillJob) -> None:
    chunk_ids = job.chunks.filter(status=ChunkStatus.PENDING).order_by("number")
    for chunk_id in chunk_ids.values_list("pk", flat=True):
        _enqueue_after_commit(tasks.bill_chunk, chunk_id=str(chunk_id))


def _enqueue_after_commit(task: Task, **about: str) -> None:
    """Hand work to the broker; one that is away undoes nothing, the sweep enqueues it again."""

    # A function, not a partial: Django cannot log that a callback without a name has failed.
    def enqueue() -> None:
        task.apply_async(kwargs=about, retry=False)

    transaction.on_commit(enqueue, robust=True)
