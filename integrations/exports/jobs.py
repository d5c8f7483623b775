"""Jobs: made, handed out, done under a lease, tried again, failed (D3).

A worker works as long as it holds the lease and renews it on the way. When it is killed, the
sweep gives the job to another, who begins anew: files of a job have the same names each time, so
what was copied half-way is written over.
"""

import logging
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q

from integrations.exports import asking, copying, encoding, making
from integrations.models import ExportJob, ExportStatus
from organizations.access import Rights
from organizations.kernel import changes, clock, events, files
from organizations.kernel.errors import DomainError, FieldRefused
from organizations.kernel.principals import Principal
from organizations.models import StoredFile, User

logger = logging.getLogger(__name__)

FAILED = "dataexport.job.failure"
LEASE = timedelta(seconds=120)
RENEWED_AFTER = timedelta(seconds=20)
# Between the tries (Open in D3; our choice).
WAITS = (timedelta(minutes=1), timedelta(minutes=10))
KEPT_FOR = timedelta(hours=24)
OPERATOR = "OPERATOR"
OPEN = (ExportStatus.PENDING, ExportStatus.RUNNING)


class NotYours(Exception):
    """Another worker has the lease, or the job is done."""


# Made ----------------------------------------------------------------------------------------


def ask(organization_id: UUID, source: str, asked: dict[str, Any], *, by: Principal) -> ExportJob:
    """Make a job by hand; whoever asks is whose rights count."""
    asking.check(organization_id, source, asked)
    job = ExportJob(
        organization_id=organization_id,
        source_type=source,
        settings={key: value for key, value in asked.items() if key != "destinationIds"},
        destination_ids=list(asked.get("destinationIds") or ()),
        run_as_id=by.id,
        run_as_kind=OPERATOR if by.is_superuser else by.kind,
    )
    with transaction.atomic():
        changes.create(job, by=by)
        transaction.on_commit(partial(enqueue, job.pk))
    return job


def enqueue(job_id: UUID) -> None:
    """Hand a job to a worker; should the broker be away, the sweep does it again."""
    from kombu.exceptions import OperationalError

    from integrations.export_tasks import run_export

    try:
        run_export.apply_async(kwargs={"job_id": str(job_id)}, retry=False)
    except OperationalError as error:
        logger.warning("The broker took no export: %s", type(error).__name__)


def due(at: datetime) -> list[UUID]:
    """Return the jobs nobody works on and that are to be worked on now."""
    free = Q(leased_until=None) | Q(leased_until__lt=at)
    waiting = Q(next_attempt_at=None) | Q(next_attempt_at__lte=at)
    rows = ExportJob.objects.filter(free, waiting, status__in=OPEN)
    return list(rows.order_by("created_at").values_list("pk", flat=True)[:100])


# Done ----------------------------------------------------------------------------------------


def run(job_id: UUID) -> None:
    """Write the files of a job and copy them. Safe to run twice."""
    lease = uuid4()
    try:
        job = _claim(job_id, lease)
    except NotYours:
        return
    try:
        if job.attempts > len(WAITS) + 1:
            raise DomainError("The worker stopped each time it was tried.")
        _work(job, lease)
    except NotYours:
        return
    except (encoding.TooLarge, DomainError) as refusal:
        _give_up(job, lease, str(refusal))
    except Exception as error:  # a store that is away, a database that restarts
        logger.warning("Export %s failed: %s", job.pk, type(error).__name__, exc_info=True)
        _try_later(job, lease, _told(error))


def _work(job: ExportJob, lease: UUID) -> None:
    rights = Rights(principal_of(job))
    asking.require(rights, job.source_type)
    renew = _Renewing(job.pk, lease)
    parts = making.write(job, rights, renew)
    try:
        problems = copying.copy(job, parts, renew)
        file, count = making.joined(job, parts, renew), sum(part.row_count for part in parts)
    except BaseException:
        making.forget(parts)
        raise
    making.forget([part for part in parts if part.file.pk != file.pk])
    with transaction.atomic():
        row = _locked(job.pk, lease)
        before, row.file, row.row_count = row.file, file, count
        if not problems:
            _end(row, ExportStatus.SUCCEEDED)
        row.save()
        _keep(file, row.finished_at or clock.now())
        if before is not None:
            files.delete(before)
    if problems:
        raise copying.NotCopied(problems)


def principal_of(job: ExportJob) -> Principal:
    """Return whose rights count; an operator who is none any more is a plain person."""
    is_operator = (
        job.run_as_kind == OPERATOR
        and User.objects.filter(pk=job.run_as_id, is_superuser=True, is_active=True).exists()
    )
    kind: Any = "USER" if job.run_as_kind == OPERATOR else job.run_as_kind
    return Principal(job.run_as_id, kind, job.organization_id, is_superuser=is_operator)


class _Renewing:
    """Keeps the lease while work goes on; raises ``NotYours`` when somebody else has it."""

    def __init__(self, job_id: UUID, lease: UUID) -> None:
        self.job_id, self.lease, self.at = job_id, lease, clock.now()

    def __call__(self) -> None:
        now = clock.now()
        if now - self.at < RENEWED_AFTER:
            return
        self.at = now
        mine = ExportJob.objects.filter(pk=self.job_id, lease=self.lease)
        if not mine.update(leased_until=now + LEASE):
            raise NotYours


def _claim(job_id: UUID, lease: UUID) -> ExportJob:
    now = clock.now()
    with transaction.atomic():
        job = ExportJob.objects.select_for_update(of=("self",)).filter(pk=job_id).first()
        if job is None or job.status not in OPEN:
            raise NotYours
        if (job.leased_until or now) > now or (job.next_attempt_at or now) > now:
            raise NotYours
        job.lease, job.leased_until = lease, now + LEASE
        job.status, job.attempts = ExportStatus.RUNNING, job.attempts + 1
        job.started_at = job.started_at or now
        job.next_attempt_at = None
        job.version += 1
        job.save()
    return job


def _locked(job_id: UUID, lease: UUID) -> ExportJob:
    rows = ExportJob.objects.select_for_update(of=("self",)).select_related("file")
    job = rows.filter(pk=job_id, lease=lease, status=ExportStatus.RUNNING).first()
    if job is None:
        raise NotYours
    return job


def _end(job: ExportJob, status: str) -> None:
    job.status, job.finished_at = status, clock.now()
    job.lease = job.leased_until = None
    job.version += 1


def _keep(file: StoredFile, since: datetime) -> None:
    StoredFile.objects.filter(pk=file.pk).update(expires_at=since + KEPT_FOR)


def _try_later(job: ExportJob, lease: UUID, reason: str) -> None:
    if job.attempts > len(WAITS):
        _give_up(job, lease, reason)
        return
    with transaction.atomic():
        try:
            row = _locked(job.pk, lease)
        except NotYours:
            return
        row.status, row.failure_reason = ExportStatus.PENDING, reason
        row.next_attempt_at = clock.now() + WAITS[job.attempts - 1]
        row.lease = row.leased_until = None
        row.version += 1
        row.save()


def _give_up(job: ExportJob, lease: UUID, reason: str) -> None:
    from integrations.exports import representations

    with transaction.atomic():
        try:
            row = _locked(job.pk, lease)
        except NotYours:
            return
        _end(row, ExportStatus.FAILED)
        row.failure_reason = reason
        row.save()
        new = representations.failure(row)
        payload = events.data(row.organization_id, new=new)
        events.record(row.organization_id, FAILED, payload, resource_id=row.pk)


def _told(error: Exception) -> str:
    if isinstance(error, copying.NotCopied):
        return str(error)
    return f"Something went wrong while the export was written ({type(error).__name__})."


# Fetched -------------------------------------------------------------------------------------


def download(job: ExportJob) -> StoredFile:
    """Return the file of a job; refuses while there is none and after a day (D3)."""
    if job.status in OPEN:
        raise FieldRefused("jobId", "the export is not finished yet")
    if job.file is None:
        raise FieldRefused("jobId", "the export failed and left no file")
    ended = job.finished_at or job.created_at
    if clock.now() >= ended + KEPT_FOR or not files.is_readable(job.file):
        raise FieldRefused("jobId", "the export is older than 24 hours; its file was deleted")
    return job.file
