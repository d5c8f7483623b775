"""The chunks of a bill run: leased by one worker, finished, or handed to another by the sweep.

A chunk is read at once and written in slices (``slices``). Whatever a worker leaves behind when
it dies, another goes on with: accounts that are done are skipped, the lease of a dead worker
ends, and the sweep enqueues the chunk again. Running a chunk twice bills nothing twice.
"""

import gc
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, OuterRef, Q

from billing import tasks
from billing.bills import job_rows, leases, numbering, parking, slices, snapshot
from billing.bills.job_requests import wanted
from billing.models import (
    Bill,
    BillJob,
    BillJobAccount,
    BillJobChunk,
    BillJobStatus,
    ChunkStatus,
    JobAccountStatus,
)
from organizations.kernel import changes, clock, isolation, principals

# Accounts that are locked and written together.
SLICE = settings.BILL_SLICE_ACCOUNTS
# The sweep leaves alone what the broker has been given this recently.
PATIENCE = leases.LEASE / 2
CHUNKS_PER_SWEEP = 20

logger = logging.getLogger(__name__)


def bill_chunk(chunk_id: UUID | str) -> None:
    """Bill the accounts of one chunk that are not done yet.

    Does nothing when another worker holds the chunk, or when it is done.
    """
    chunk = leases.take(chunk_id)
    if chunk is None:
        return
    pending = (
        BillJobAccount.objects.filter(chunk=chunk, status=JobAccountStatus.PENDING)
        .order_by("account_id")
        .values_list("account_id", flat=True)
    )
    try:
        with leases.keeping(chunk), _without_collecting():
            _bill(chunk, list(pending))
    except slices.Cancelled:
        logger.info("Chunk %s stops: bill job %s was cancelled.", chunk.number, chunk.bill_job_id)
    numbering.number(chunk.bill_job.organization_id)
    _finish(chunk)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Keep the garbage collector from walking, again and again, all that a chunk has read.

    None of it refers to itself, so it is freed without the collector; a tenth of the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def sweep() -> None:
    """Go on with whatever stands still: jobs not prepared, chunks without a worker, numbers.

    A chunk that no worker ever took is enqueued again only while nobody works on its job:
    otherwise the queue is moving and its turn will come.
    """
    now = clock.now()
    for job_id in BillJob.objects.filter(
        status__in=(BillJobStatus.PENDING, BillJobStatus.INITIALIZING),
        modified_at__lt=now - PATIENCE,
    ).values_list("pk", flat=True):
        tasks.prepare_bill_job.delay(job_id=str(job_id))
    for chunk_id in _standing_still(now):
        tasks.bill_chunk.delay(chunk_id=str(chunk_id))
    for job in BillJob.objects.filter(status=BillJobStatus.RUNNING).exclude(
        chunks__status=ChunkStatus.PENDING
    ):
        with isolation.within(job.organization_id):
            complete(job)
    waiting = Bill.objects.filter(is_awaiting_number=True, created_at__lt=now - 10 * PATIENCE)
    for organization_id in set(waiting.values_list("organization_id", flat=True)):
        with isolation.within(organization_id):
            numbering.number(organization_id)


def complete(job: BillJob) -> None:
    """Close a job that has no pending chunk; of several workers the first one does it."""
    with transaction.atomic():
        running = BillJob.objects.filter(pk=job.pk, status=BillJobStatus.RUNNING)
        if not running.select_for_update(no_key=True).exists():
            return
        if BillJobChunk.objects.filter(bill_job=job, status=ChunkStatus.PENDING).exists():
            return
        now = clock.now()
        with changes.editing(job, by=principals.system(job.organization_id)) as locked:
            # An account that was deleted meanwhile took its row with it.
            job_rows.count(locked)
            locked.status = BillJobStatus.COMPLETE
            locked.finished_at = now
        parking.alert_complete(locked, at=now)
        _check_late_usage(job)


def _check_late_usage(job: BillJob) -> None:
    """Look for usage of locked bills after the commit; lost, the hourly look finds it."""
    organization_id = str(job.organization_id)

    def enqueue() -> None:
        tasks.check_late_usage.apply_async(kwargs={"organization_id": organization_id}, retry=False)

    transaction.on_commit(enqueue, robust=True)


def _bill(chunk: BillJobChunk, account_ids: Sequence[UUID]) -> None:
    """Read the accounts together, write them slice by slice.

    When reading fails for a reason nobody expected, each half is tried alone, so that in the end
    only the account at fault is parked.
    """
    job = chunk.bill_job
    if not account_ids:
        return
    try:
        taken = snapshot.take(job.organization_id, account_ids, wanted(job))
    except (OperationalError, InterfaceError):
        raise  # the database is away or gave up: the chunk is tried again as it is
    except Exception as error:
        if len(account_ids) == 1:
            slices.park(job, account_ids[0], error)
            return
        middle = len(account_ids) // 2
        _bill(chunk, account_ids[:middle])
        _bill(chunk, account_ids[middle:])
        return
    for slice_ids in _slices(taken.families.in_order(account_ids)):
        slices.bill(job, taken, slice_ids)


def _slices(units: Iterable[list[UUID]]) -> Iterator[list[UUID]]:
    """Yield accounts to write together; a family is never cut."""
    slice_ids: list[UUID] = []
    for unit in units:
        if slice_ids and len(slice_ids) + len(unit) > SLICE:
            yield slice_ids
            slice_ids = []
        slice_ids += unit
    if slice_ids:
        yield slice_ids


def _finish(chunk: BillJobChunk) -> None:
    """Mark the chunk done when none of its accounts is left, and the job with the last chunk."""
    left = BillJobAccount.objects.filter(chunk=OuterRef("pk"), status=JobAccountStatus.PENDING)
    BillJobChunk.objects.filter(~Exists(left), pk=chunk.pk, status=ChunkStatus.PENDING).update(
        status=ChunkStatus.DONE, finished_at=clock.now(), lease_ends_at=None
    )
    complete(chunk.bill_job)


def _standing_still(now: datetime) -> list[UUID]:
    """Return pending chunks whose lease has ended, or that were never taken, oldest first."""
    running = BillJobChunk.objects.filter(
        status=ChunkStatus.PENDING, bill_job__status=BillJobStatus.RUNNING
    )
    at_work = running.filter(bill_job=OuterRef("bill_job"), lease_ends_at__gte=now)
    never_taken = Q(lease_ends_at__isnull=True, bill_job__modified_at__lt=now - PATIENCE)
    found = running.filter(Q(lease_ends_at__lt=now) | (never_taken & ~Exists(at_work))).order_by(
        "bill_job__created_at", "number"
    )
    return list(found.values_list("pk", flat=True)[:CHUNKS_PER_SWEEP])
