"""The rows of a file that were not stored: kept while it is taken in, then written to a file."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

import msgspec

from billing.models import MeasurementUpload, UploadFault
from billing.usage.upload_rows import Fault
from organizations.kernel import bulk, clock, exact_json, files
from organizations.models import StoredFile

KIND = "measurement_errors"
KEPT_FOR = timedelta(days=90)
# So many stay as rows, for the page of the upload.
MOST_SHOWN = 200
DELETED_AT_ONCE = 5000
# More of a row is not kept.
LONGEST_ORIGINAL = 65_536


def record(upload: MeasurementUpload, faults: Sequence[Fault]) -> None:
    """Save faults, in the transaction that counts them."""
    bulk.insert(
        [
            UploadFault(
                organization_id=upload.organization_id,
                upload=upload,
                row=fault.row,
                type=fault.type,
                message=fault.message,
                original=fault.original[:LONGEST_ORIGINAL]
                .decode(errors="replace")
                .replace("\0", "\ufffd"),
            )
            for fault in faults
        ]
    )


def _text(original: bytes) -> str:
    """Return what PostgreSQL can store of a row."""
    return original[:LONGEST_ORIGINAL].decode(errors="replace").replace("\0", "\ufffd")


def write_file(upload: MeasurementUpload) -> StoredFile | None:
    """Write all faults to a file, a JSON array of objects; None when there are none."""
    if not upload.faults.exists():
        return None
    file = files.write(
        upload.organization_id,
        kind=KIND,
        name=f"errors of {upload.file_name}",
        content_type="application/json",
        chunks=_array(upload.faults.order_by("row").iterator(chunk_size=1000)),
        expires_at=clock.now() + KEPT_FOR,
    )
    _forget(upload)
    return file


def _array(faults: Iterable[UploadFault]) -> Iterator[bytes]:
    """Yield the text of the file; the original stands as text where it is no JSON."""
    before = b"[\n"
    for fault in faults:
        row = {"row": fault.row, "errorType": fault.type, "message": fault.message}
        yield before + exact_json.dumps(row)[:-1] + b',"measurement":'
        yield _json(fault.original) + b"}"
        before = b",\n"
    yield b"\n]\n"


def _json(original: str) -> bytes:
    try:
        exact_json.loads(original)
    except msgspec.MsgspecError:
        return exact_json.dumps(original)
    return original.encode()


def _forget(upload: MeasurementUpload) -> None:
    """Delete the rows that no page shows: they are in the file."""
    rows = upload.faults.order_by("row")
    last = rows.values_list("row", flat=True)[MOST_SHOWN - 1 : MOST_SHOWN].first()
    while last is not None:
        some = rows.filter(row__gt=last).values("pk")[:DELETED_AT_ONCE]
        deleted, _ = UploadFault.objects.filter(pk__in=some).delete()
        if not deleted:
            return
