"""Jobs that move the data of revisions: copies, uploads, downloads and archives (usage.md 15.5).

Data are written in one transaction with the end of the job, so a worker that is killed has written
nothing. While a worker is at a job its ``ready_at`` lies ahead; when that has passed, the sweep
gives the job to another. Files are read and written outside of any transaction.
"""

import tempfile
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db import transaction

from catalog.lookups import data, formats, moving, rules
from catalog.models import (
    LookupJobStatus,
    LookupJobType,
    LookupTableData,
    LookupTableJob,
    LookupTableRevision,
    RevisionStatus,
)
from organizations.kernel import changes, clock, files, principals
from organizations.kernel.errors import DomainError, FieldRefused, VersionMismatch
from organizations.kernel.principals import Principal
from organizations.models import StoredFile

UPLOAD_KIND, DOWNLOAD_KIND = "lookup_upload", "lookup_download"
MOST_BYTES = 100 * 1024**2
KEPT_FOR = timedelta(days=7)
LEASE = timedelta(minutes=5)
# A job that is not over by then, such as an upload that never came, has failed.
WITHIN = timedelta(days=1)
HANDED_OUT = 100
LONGEST_NAME = 200
PENDING, SUCCEEDED, FAILED = (
    LookupJobStatus.PENDING,
    LookupJobStatus.SUCCEEDED,
    LookupJobStatus.FAILED,
)


# Making ----------------------------------------------------------------------------------------


def copy(
    source: LookupTableRevision, target: LookupTableRevision | None, *, by: Principal
) -> LookupTableJob:
    """Copy the data of a revision into another one, without one into a new draft."""
    with changes.refusing():
        if target is None:
            target = _new_draft(source, by=by)
        moving.check_copy(source, target)
        return _start(source, LookupJobType.COPY, by=by, destination=target)


def _new_draft(source: LookupTableRevision, *, by: Principal) -> LookupTableRevision:
    ending = " Copy"
    draft = LookupTableRevision(
        organization_id=source.organization_id,
        lookup_table_id=source.lookup_table_id,
        name=source.name[: LONGEST_NAME - len(ending)] + ending,
        start_date=source.start_date,
        fields=source.fields,
        keys=source.keys,
        custom_fields=source.custom_fields,
    )
    return changes.create(draft, by=by)


def expect(
    revision: LookupTableRevision,
    *,
    file_name: str,
    content_type: str,
    size: int,
    version: int | None,
    by: Principal,
) -> LookupTableJob:
    """Make the job of a file that will be uploaded into a draft."""
    with transaction.atomic():
        found = rules.data_of(revision.pk)
        data.check_draft(found)
        if version is None and found.item_count:
            raise FieldRefused("version", "is needed to change data: the version you have read")
        if version is not None and version != found.version:
            raise VersionMismatch(sent=version, stored=found.version)
        file = files.expect(
            revision.organization_id,
            kind=UPLOAD_KIND,
            name=file_name,
            content_type=content_type,
            size=size,
            expires_at=clock.now() + KEPT_FOR,
            by=by.id,
        )
        job = LookupTableJob(
            organization_id=revision.organization_id,
            revision=revision,
            type=LookupJobType.UPLOAD,
            file=file,
            file_name=file_name,
            content_type=content_type,
            data_version=version,
        )
        return changes.create(job, by=by)


def download(revision: LookupTableRevision, content_type: str, *, by: Principal) -> LookupTableJob:
    """Have all data of a revision written to a file."""
    with transaction.atomic():
        return _start(revision, LookupJobType.DOWNLOAD, by=by, content_type=content_type)


def archived(revision: LookupTableRevision, content_type: str, *, by: Principal) -> StoredFile:
    """Return the file of the data of an archived revision; the first who asks waits for it."""
    if revision.status != RevisionStatus.ARCHIVED:
        raise FieldRefused(
            "revisionId",
            f"is {revision.status.lower()}: only archived revisions have archived data",
        )
    of_type = LookupTableJob.objects.for_organization(revision.organization_id).filter(
        revision=revision, type=LookupJobType.ARCHIVE, content_type=content_type, status=SUCCEEDED
    )
    for job in of_type.select_related("file").order_by("-created_at")[:5]:
        is_lasting = job.file is not None and (
            job.file.expires_at is None or job.file.expires_at > clock.now() + timedelta(hours=2)
        )
        if is_lasting and files.is_readable(job.file):
            return job.file
    with transaction.atomic():
        job = _start(
            revision, LookupJobType.ARCHIVE, by=by, content_type=content_type, is_handed_out=False
        )
    work_off(job.pk)
    done = LookupTableJob.objects.select_related("file").get(pk=job.pk)
    if done.file is None:
        raise DomainError(done.failure_reason or "The file could not be written. Ask again.")
    return done.file


def _start(
    revision: LookupTableRevision,
    kind: LookupJobType,
    *,
    by: Principal,
    is_handed_out: bool = True,
    destination: LookupTableRevision | None = None,
    content_type: str = "",
) -> LookupTableJob:
    name = f"{revision.name[:80]}.{formats.ENDINGS[content_type]}" if content_type else ""
    job = LookupTableJob(
        organization_id=revision.organization_id,
        revision=revision,
        destination=destination,
        type=kind,
        file_name=name,
        content_type=content_type,
        ready_at=clock.now(),
    )
    changes.create(job, by=by)
    if is_handed_out:
        transaction.on_commit(partial(_enqueue, job.pk))
    return job


def begin(file: StoredFile) -> None:
    """Start the job of a file that has just been stored; in the transaction that says so."""
    job = LookupTableJob.objects.select_for_update().filter(file=file, status=PENDING).first()
    if job is None:  # deleted, or given up, meanwhile
        return
    job.ready_at = clock.now()
    job.save(update_fields=["ready_at"])
    transaction.on_commit(partial(_enqueue, job.pk))


def delete(job: LookupTableJob, *, by: Principal) -> LookupTableJob:
    """Delete a job and its file; one that runs comes to nothing, or is over before."""
    with changes.refusing():
        gone = changes.delete(job, by=by)
        if job.file is not None:
            files.delete(job.file)
    return gone


# Working ---------------------------------------------------------------------------------------


def sweep() -> None:
    """Hand out jobs nobody works on, and end those that are too old."""
    now = clock.now()
    waiting = LookupTableJob.objects.filter(status=PENDING)
    for job_id in waiting.filter(created_at__lt=now - WITHIN).values_list("pk", flat=True)[
        :HANDED_OUT
    ]:
        _fail(job_id, "The job was not over within a day, or its file was not uploaded.")
    ready = waiting.filter(ready_at__lte=now).order_by("ready_at")
    for job_id in ready.values_list("pk", flat=True)[:HANDED_OUT]:
        _enqueue(job_id)


def _enqueue(job_id: UUID) -> None:
    from catalog.tasks import run_lookup_job

    run_lookup_job.delay(job_id=str(job_id))


def work_off(job_id: UUID) -> None:
    """Do what a job says. Safe to run twice."""
    now = clock.now()
    ready = LookupTableJob.objects.filter(pk=job_id, status=PENDING, ready_at__lte=now)
    if not ready.update(ready_at=now + LEASE):
        return
    job = LookupTableJob.objects.select_related("file", "revision", "destination").get(pk=job_id)
    try:
        if job.type == LookupJobType.COPY:
            _copy(job)
        elif job.type == LookupJobType.UPLOAD:
            _take_in(job)
        else:
            _write(job)
    except DomainError as refusal:
        _fail(job_id, refusal.message)


def _locked(job_id: UUID) -> LookupTableJob | None:
    """Return the job, locked, if it is not over and nobody else holds it."""
    rows = LookupTableJob.objects.select_for_update(of=("self",), skip_locked=True)
    return rows.filter(pk=job_id, status=PENDING).first()


def _succeed(job: LookupTableJob, file: StoredFile | None = None) -> None:
    with changes.editing(job, by=principals.system(job.organization_id)) as row:
        row.status, row.ready_at = SUCCEEDED, None
        row.file = file or row.file


def _fail(job_id: UUID, reason: str) -> None:
    with transaction.atomic():
        job = _locked(job_id)
        if job is None:
            return
        with changes.editing(job, by=principals.system(job.organization_id)) as row:
            row.status, row.ready_at, row.failure_reason = LookupJobStatus.FAILED, None, reason


def _copy(job: LookupTableJob) -> None:
    by = principals.system(job.organization_id)
    with transaction.atomic():
        row = _locked(job.pk)
        if row is None or job.destination is None:
            return
        source, target = rules.data_of(job.revision_id), rules.data_of(job.destination.pk)
        with changes.editing(target, by=by) as locked:
            data.check_draft(locked)
            moving.check_copy(source.revision, job.destination)
            locked.item_count += moving.copy_rows(source, locked)
        _succeed(row)


def _take_in(job: LookupTableJob) -> None:
    by = principals.system(job.organization_id)
    with tempfile.TemporaryFile() as body:
        for chunk in files.chunks(job.file) if job.file is not None else ():
            body.write(chunk)
        body.seek(0)
        with transaction.atomic():
            row = _locked(job.pk)
            if row is None:
                return
            found = rules.data_of(job.revision_id)
            with changes.editing(found, by=by, version=job.data_version) as locked:
                data.check_draft(locked)
                schema = rules.schema_of(locked.revision)
                read = formats.rows(body, job.content_type, schema)
                locked.item_count += moving.take_in(locked, read, schema)
            _succeed(row)


def _write(job: LookupTableJob) -> None:
    found: LookupTableData = rules.data_of(job.revision_id)
    names = [field["name"] for field in job.revision.fields]
    file = files.write(
        job.organization_id,
        kind=DOWNLOAD_KIND,
        name=job.file_name,
        content_type=job.content_type,
        chunks=formats.written(data.every(found), job.content_type, names),
        expires_at=clock.now() + KEPT_FOR,
        by=job.created_by,
    )
    with transaction.atomic():
        row = _locked(job.pk)
        if row is not None:
            _succeed(row, file)
        else:  # deleted meanwhile, or done by another worker
            files.delete(file)
