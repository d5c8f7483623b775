"""Take the measurements of an uploaded file in, batch by batch (usage.md 6).

First the whole file is read once: a file that is not JSON stores nothing, and its rows are
counted. Then each batch is one transaction, which stores measurements, faults, and how far the
file is. A worker works as long as it holds the lease; when it is killed, the sweep gives the file
to another, who goes on behind the last batch that was committed.
"""

from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q

from billing.models import MeasurementUpload, UploadStatus
from billing.usage import array_files, ingest, upload_faults, upload_rows
from organizations.kernel import changes, clock, files
from organizations.kernel.errors import FieldRefused, NotFound
from organizations.kernel.principals import Principal
from organizations.models import FileState, StoredFile

KIND = "measurement_upload"
CONTENT_TYPES = ("application/json", "text/json")
MOST_BYTES = 1024**3
# The original is kept this long, so that it can be looked at and sent again.
KEPT_FOR = timedelta(days=90)
LEASE = timedelta(seconds=60)


class NotYours(Exception):
    """Another worker has the lease, or the file is finished."""


def expect(
    organization_id: UUID, *, file_name: str, content_type: str, size: int, by: Principal
) -> MeasurementUpload:
    """Make the job of a file that will be uploaded."""
    with transaction.atomic():
        file = files.expect(
            organization_id,
            kind=KIND,
            name=file_name,
            content_type=content_type,
            size=size,
            expires_at=clock.now() + KEPT_FOR,
            by=by.id,
        )
        upload = MeasurementUpload(
            organization_id=organization_id,
            file=file,
            file_name=file_name,
            content_length=size,
        )
        return changes.create(upload, by=by)


def begin(file: StoredFile) -> None:
    """Start the job of a file that has just been stored; in the transaction that says so."""
    upload = MeasurementUpload.objects.select_for_update().get(file=file)
    upload.status, upload.uploaded_at = UploadStatus.RUNNING, clock.now()
    upload.save(update_fields=["status", "uploaded_at"])
    transaction.on_commit(partial(_enqueue, upload.pk))


def sweep() -> None:
    """Hand out files nobody works on."""
    waiting = Q(leased_until=None) | Q(leased_until__lt=clock.now())
    rows = MeasurementUpload.objects.filter(waiting, status=UploadStatus.RUNNING)
    for upload_id in rows.order_by("uploaded_at").values_list("pk", flat=True)[:100]:
        _enqueue(upload_id)


def take_in(upload_id: UUID) -> None:
    """Take in what of a file is not taken in yet. Safe to run twice."""
    lease = uuid4()
    try:
        upload = _claim(upload_id, lease)
        with files.opened(upload.file) as body:
            if upload.total_rows is None:
                upload.total_rows = _count(upload, body, lease)
            if upload.handled_rows < upload.total_rows:
                for piece in array_files.pieces(body, begin=upload.handled_bytes):
                    ingest.again_after_deadlock(partial(_store, upload, piece, lease))
        _finish(upload, lease)
    except NotYours:
        return
    except (array_files.NotAnArray, NotFound) as error:
        _fail(upload_id, lease, str(error))


def _enqueue(upload_id: UUID) -> None:
    from billing.tasks import take_in_upload

    take_in_upload.delay(upload_id=str(upload_id))


def _claim(upload_id: UUID, lease: UUID) -> MeasurementUpload:
    now = clock.now()
    with transaction.atomic():
        rows = MeasurementUpload.objects.select_for_update(of=("self",)).select_related("file")
        upload = rows.filter(pk=upload_id, status=UploadStatus.RUNNING).first()
        if upload is None or (upload.leased_until is not None and upload.leased_until > now):
            raise NotYours
        upload.lease, upload.leased_until = lease, now + LEASE
        upload.save(update_fields=["lease", "leased_until"])
    return upload


def _locked(upload_id: UUID, lease: UUID) -> MeasurementUpload:
    """Return the row, locked and with a longer lease (unsaved); raises ``NotYours``."""
    rows = MeasurementUpload.objects.select_for_update()
    row = rows.filter(pk=upload_id, lease=lease, status=UploadStatus.RUNNING).first()
    if row is None:
        raise NotYours
    row.leased_until = clock.now() + LEASE
    return row


def _count(upload: MeasurementUpload, body: array_files.Body, lease: UUID) -> int:
    """Read the file once: is it JSON, and how many rows has it?"""
    total, renewed = 0, clock.now()
    for piece in array_files.pieces(body):
        total += len(piece.items)
        if clock.now() - renewed > LEASE / 4:
            renewed = clock.now()
            _renew(upload.pk, lease)
    with transaction.atomic():
        row = _locked(upload.pk, lease)
        row.total_rows = total
        row.save(update_fields=["total_rows", "leased_until"])
    return total


def _renew(upload_id: UUID, lease: UUID) -> None:
    with transaction.atomic():
        _locked(upload_id, lease).save(update_fields=["leased_until"])


def _store(upload: MeasurementUpload, piece: array_files.Piece, lease: UUID) -> None:
    """Store a piece, and with it how far the file is."""
    row = _locked(upload.pk, lease)
    first, at = row.handled_rows + 1, clock.now()
    faults = upload_rows.store(row.organization_id, piece.items, first=first, at=at)
    upload_faults.record(row, faults)
    row.handled_rows += len(piece.items)
    row.failed_rows += len(faults)
    row.handled_bytes = piece.ends_at
    row.save(update_fields=["handled_rows", "handled_bytes", "failed_rows", "leased_until"])


def _finish(upload: MeasurementUpload, lease: UUID) -> None:
    """Write the file of errors, then say that the job is done."""
    _renew(upload.pk, lease)
    errors = upload_faults.write_file(upload)
    with transaction.atomic():
        row = _locked(upload.pk, lease)
        row.status, row.finished_at, row.errors_file = UploadStatus.SUCCEEDED, clock.now(), errors
        row.lease = row.leased_until = None
        row.save()


def _fail(upload_id: UUID, lease: UUID, reason: str) -> None:
    with transaction.atomic():
        try:
            row = _locked(upload_id, lease)
        except NotYours:
            return
        row.status, row.finished_at, row.failure_reason = UploadStatus.FAILED, clock.now(), reason
        row.lease = row.leased_until = None
        row.save()


def original(upload: MeasurementUpload) -> StoredFile:
    """Return the file as it was uploaded; raises a refusal while, or when, it is not there."""
    if upload.status == UploadStatus.NOT_UPLOADED:
        raise FieldRefused("id", "the file of this job has not been uploaded yet")
    return _readable(upload.file)


def errors(upload: MeasurementUpload) -> StoredFile:
    """Return the file of the rows that were not stored."""
    if upload.errors_file is None:
        raise FieldRefused("id", "this job has no file of errors: see its status and failed rows")
    return _readable(upload.errors_file)


def _readable(file: StoredFile) -> StoredFile:
    if file.state != FileState.STORED or not files.is_readable(file):
        raise files.Gone
    return file
