"""Data exports: one run, and how far it is."""

from django.db import models
from django.db.models import Q

from organizations.kernel.exact_json import ExactJSONField
from organizations.kernel.tenancy import TenantModel, newest_first_index
from organizations.models import StoredFile


class ExportSource(models.TextChoices):
    """What is exported."""

    USAGE = "USAGE", "Usage"
    OPERATIONAL = "OPERATIONAL", "Operational data"


class ExportStatus(models.TextChoices):
    """How far a job is."""

    PENDING = "PENDING", "Pending"
    RUNNING = "RUNNING", "Running"
    SUCCEEDED = "SUCCEEDED", "Succeeded"
    FAILED = "FAILED", "Failed"


class ExportJob(TenantModel):
    """One export: asked for by hand, or of one slot of a schedule (D3).

    ``settings`` is what was asked for, in the words of the contract. ``run_as_id`` is whose rights
    say which rows are in it. ``slot_at`` is the moment of the schedule it was made for. A schedule
    may be deleted while its jobs are kept, so ``schedule_id`` refers to nothing.
    """

    schedule_id = models.UUIDField(null=True, editable=False)
    slot_at = models.DateTimeField("for", null=True, editable=False)
    source_type = models.CharField("data", max_length=11, choices=ExportSource.choices)
    settings = ExactJSONField(default=dict)
    destination_ids = models.JSONField(default=list)
    run_as_id = models.UUIDField(editable=False)
    run_as_kind = models.CharField(max_length=12, editable=False)
    status = models.CharField(
        max_length=9, choices=ExportStatus.choices, default=ExportStatus.PENDING
    )
    started_at = models.DateTimeField("started", null=True, editable=False)
    finished_at = models.DateTimeField("finished", null=True, editable=False)
    row_count = models.PositiveBigIntegerField("rows", default=0, editable=False)
    attempts = models.PositiveSmallIntegerField("tries", default=0, editable=False)
    next_attempt_at = models.DateTimeField(null=True, editable=False)
    failure_reason = models.TextField(blank=True, default="", editable=False)
    file = models.ForeignKey(
        StoredFile, on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    # Whose turn it is: a worker that falls silent loses it when the lease is over.
    lease = models.UUIDField(null=True, editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "export job"
        constraints = [
            models.UniqueConstraint(fields=["schedule_id", "slot_at"], name="export_job_slot_once")
        ]
        indexes = [
            newest_first_index("export_job_newest"),
            models.Index(
                fields=["organization", "schedule_id", "-created_at"], name="export_job_schedule"
            ),
            models.Index(
                fields=["organization", "status", "-created_at"], name="export_job_status"
            ),
            models.Index(
                fields=["leased_until"],
                condition=Q(status__in=["PENDING", "RUNNING"]),
                name="export_job_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_source_type_display()} {self.pk}"
