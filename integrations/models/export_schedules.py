"""Data exports: what is exported when."""

from django.db import models
from django.db.models import Q

from integrations.models.export_jobs import ExportSource
from organizations.kernel import ids
from organizations.kernel.exact_json import ExactJSONField
from organizations.kernel.tenancy import TenantModel, newest_first_index


class ScheduleType(models.TextChoices):
    """What a period counts."""

    MINUTE = "MINUTE", "minutes"
    HOUR = "HOUR", "hours"
    DAY = "DAY", "days"


class ExportSchedule(TenantModel):
    """An export that repeats (D2).

    ``settings`` is what to export, in the words of the contract. Whoever wrote the schedule last
    is whose rights say which rows are in it. ``next_run_at`` is the first slot without a job.
    """

    name = models.CharField(max_length=200)
    code = models.CharField(max_length=80, validators=[ids.relaxed_code])
    source_type = models.CharField("data", max_length=11, choices=ExportSource.choices)
    schedule_type = models.CharField(
        "counted in", max_length=6, choices=ScheduleType.choices, null=True, blank=True
    )
    period = models.PositiveIntegerField(null=True, blank=True)
    offset = models.PositiveIntegerField(null=True, blank=True)
    cron_expression = models.CharField(max_length=200, null=True, blank=True)
    settings = ExactJSONField(default=dict)
    destination_ids = models.JSONField(default=list, blank=True)
    run_as_id = models.UUIDField(editable=False)
    run_as_kind = models.CharField(max_length=12, editable=False)
    next_run_at = models.DateTimeField("next", editable=False)

    class Meta:
        verbose_name = "export schedule"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "code"], name="export_schedule_code_unique"
            ),
            models.CheckConstraint(
                condition=Q(cron_expression__isnull=False)
                | Q(schedule_type__isnull=False, period__gte=1),
                name="export_schedule_has_times",
            ),
        ]
        indexes = [
            newest_first_index("export_schedule_newest"),
            models.Index(fields=["next_run_at"], name="export_schedule_due"),
        ]

    def __str__(self) -> str:
        return self.name
