"""Statements: how usage is broken down, and the jobs that write it to files."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from billing.models.bills import Bill
from organizations.kernel.tenancy import TenantModel, newest_first_index
from organizations.models import StoredFile


class AggregationFrequency(models.TextChoices):
    DAY = "DAY", "Day"
    WEEK = "WEEK", "Week"
    MONTH = "MONTH", "Month"
    QUARTER = "QUARTER", "Quarter"
    YEAR = "YEAR", "Year"
    WHOLE_PERIOD = "WHOLE_PERIOD", "Whole period"


class StatementDefinition(TenantModel):
    """How a statement breaks the usage of a bill down: by time slice and dimension (STM-1).

    ``dimensions`` are {name, filter, attributes, meterId}, ``measures`` {meterId, name,
    aggregations}, as the wire has them.
    """

    name = models.CharField(max_length=200, default="", blank=True)
    aggregation_frequency = models.CharField(max_length=12, choices=AggregationFrequency)
    include_price_per_unit = models.BooleanField(default=False)
    generate_slim_statements = models.BooleanField(
        "slim", default=False, help_text="Only lines with usage, and no more of each than needed."
    )
    dimensions = models.JSONField(default=list, blank=True)
    measures = models.JSONField(default=list, blank=True)

    class Meta:
        indexes = [newest_first_index("statement_definition_newest")]

    def __str__(self) -> str:
        return self.name or f"by {self.get_aggregation_frequency_display().lower()}"


class StatementJobStatus(models.TextChoices):
    PENDING = "PENDING", "Pending"
    RUNNING = "RUNNING", "Running"
    COMPLETE = "COMPLETE", "Complete"
    CANCELLED = "CANCELLED", "Cancelled"
    FAILED = "FAILED", "Failed"


class StatementJob(TenantModel):
    """Writing the statement of one bill: what was asked, how far it is, and the files.

    ``bill_calculated_at`` and ``definition_version`` are those the files were made of: when the
    bill was calculated since, they are stale; when the definition was changed, invalid (STM-5).
    """

    bill = models.ForeignKey(
        Bill, on_delete=models.CASCADE, related_name="statement_jobs", db_index=False
    )
    definition = models.ForeignKey(
        StatementDefinition, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    definition_version = models.PositiveBigIntegerField(null=True)
    bill_calculated_at = models.DateTimeField(null=True)
    include_csv_format = models.BooleanField("with CSV", default=False)
    meter_ids = ArrayField(models.UUIDField(), default=list, blank=True)
    status = models.CharField(
        max_length=9, choices=StatementJobStatus, default=StatementJobStatus.PENDING
    )
    failure_reason = models.TextField(default="", blank=True)
    json_file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, null=True, related_name="+")
    csv_file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, null=True, related_name="+")
    finished_at = models.DateTimeField("finished", null=True)
    # Whose turn it is: a worker that falls silent loses it when the lease is over.
    lease = models.UUIDField(null=True, editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        indexes = [
            newest_first_index("statement_job_newest"),
            models.Index(
                fields=["organization", "status", "-created_at", "-id"], name="statement_job_status"
            ),
            models.Index(fields=["bill", "-created_at", "-id"], name="statement_job_bill"),
            models.Index(
                fields=["created_at"],
                name="statement_job_waiting",
                condition=Q(status__in=["PENDING", "RUNNING"]),
            ),
        ]

    def __str__(self) -> str:
        return f"statement of {self.bill_id} [{self.pk}]"
