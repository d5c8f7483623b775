"""What the kernel has to know of uploads of measurements."""

from typing import Any

from billing.models import MeasurementUpload, UploadStatus
from billing.usage import uploads
from organizations.kernel import files, registry


def represent(row: MeasurementUpload) -> dict[str, Any]:
    """The job of an uploaded file. Rows that were handed over but not stored count as failed."""
    is_known = row.status in {UploadStatus.RUNNING, UploadStatus.SUCCEEDED}
    return {
        "id": str(row.pk),
        "version": row.version,
        "fileName": row.file_name,
        "uploadDate": row.uploaded_at,
        "contentLength": row.content_length,
        "status": str(row.status),
        "totalRows": row.total_rows if is_known else None,
        "processedRows": row.stored_rows,
        "failedRows": row.failed_rows,
    }


def register() -> None:
    """Register the job, and what begins when its file is there."""
    registry.register(MeasurementUpload, "data:fileUpload", represent=represent)
    files.when_stored(uploads.KIND, uploads.begin)
