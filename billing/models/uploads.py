"""Files of measurements that were uploaded, and the rows of them that were not stored."""

from django.db import models
from django.db.models import F, Q

from organizations.kernel import ids
from organizations.kernel.tenancy import (
    TenantModel,
    TenantQuerySet,
    newest_first_index,
    organization_field,
)
from organizations.models import StoredFile


class UploadStatus(models.TextChoices):
    NOT_UPLOADED = "notUploaded", "Not uploaded"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"


class MeasurementUpload(TenantModel):
    """A file of measurements: what it holds and how far it is (usage.md 6).

    ``handled_rows`` and ``handled_bytes`` say where the next batch begins. They are written in
    the transaction that stores a batch, so whoever goes on after a crash counts nothing twice.
    """

    file = models.OneToOneField(StoredFile, on_delete=models.PROTECT, related_name="+")
    errors_file = models.OneToOneField(
        StoredFile, on_delete=models.PROTECT, null=True, related_name="+"
    )
    file_name = models.CharField(max_length=100)
    content_length = models.PositiveBigIntegerField("bytes")
    status = models.CharField(
        max_length=11, choices=UploadStatus, default=UploadStatus.NOT_UPLOADED
    )
    total_rows = models.PositiveBigIntegerField("rows", null=True)
    handled_rows = models.PositiveBigIntegerField(default=0)
    handled_bytes = models.PositiveBigIntegerField(default=0)
    failed_rows = models.PositiveBigIntegerField("not stored", default=0)
    failure_reason = models.TextField(blank=True)
    uploaded_at = models.DateTimeField("uploaded", null=True)
    finished_at = models.DateTimeField("finished", null=True)
    # Whose turn it is: a worker that falls silent loses it when the lease is over.
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "file upload"
        constraints = [
            models.CheckConstraint(
                condition=Q(failed_rows__lte=F("handled_rows")), name="upload_failed_of_handled"
            )
        ]
        indexes = [
            newest_first_index("measurement_upload_newest"),
            models.Index(
                fields=["leased_until"],
                condition=Q(status="running"),
                name="measurement_upload_running",
            ),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def stored_rows(self) -> int:
        """How many rows are in sums and queries now."""
        return self.handled_rows - self.failed_rows


class UploadFault(models.Model):
    """A row of a file that was not stored, as it was sent, with the reason."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    organization = organization_field(db_index=False)
    upload = models.ForeignKey(MeasurementUpload, on_delete=models.CASCADE, related_name="faults")
    row = models.PositiveBigIntegerField(help_text="Counted from 1.")
    type = models.CharField(max_length=20)
    message = models.TextField()
    original = models.TextField(help_text="The row as it stands in the file.")

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["upload", "row"], name="upload_fault_row_unique")
        ]

    def __str__(self) -> str:
        return f"{self.row}: {self.message}"
