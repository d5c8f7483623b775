"""Rules: which events matter, and what each rule did lately."""

from django.db import models
from django.utils import timezone

from organizations.kernel import ids
from organizations.kernel.tenancy import (
    TenantModel,
    TenantQuerySet,
    newest_first_index,
    organization_field,
)

EVERY_EVENT = "*"


class NotificationConfiguration(TenantModel):
    """A rule: of events of one type, those for which a calculation is true (B7).

    ``active_since``: what happened before is none of its business. ``*`` as ``event_name`` means
    every type. The error is that of the last event that could not be evaluated.
    """

    name = models.CharField(max_length=200)
    description = models.TextField(max_length=2000)
    code = models.CharField(max_length=80, validators=[ids.relaxed_code])
    event_name = models.CharField("event", max_length=100)
    is_active = models.BooleanField("active", default=False)
    always_fires = models.BooleanField(
        "fires always", default=False, help_text="On every such event, whatever is calculated."
    )
    calculation = models.TextField(blank=True, default="")
    active_since = models.DateTimeField(default=timezone.now, editable=False)
    last_error = models.TextField(default="", blank=True, editable=False)
    last_error_at = models.DateTimeField(null=True, editable=False)
    last_error_event_id = models.UUIDField(null=True, editable=False)

    class Meta:
        verbose_name = "rule"
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="rule_code_unique")
        ]
        indexes = [
            newest_first_index("rule_newest"),
            models.Index(fields=["organization", "event_name", "-created_at"], name="rule_event"),
            models.Index(fields=["organization", "is_active", "-created_at"], name="rule_active"),
        ]

    def __str__(self) -> str:
        return self.name


class RuleActivity(models.Model):
    """How often a rule fired, did not, and could not be evaluated on one day (UTC)."""

    organization = organization_field(editable=True, db_index=False)
    rule = models.ForeignKey(
        NotificationConfiguration,
        on_delete=models.CASCADE,
        related_name="activity",
        db_index=False,
    )
    day = models.DateField()
    fired = models.PositiveBigIntegerField(default=0)
    not_fired = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "rule activity"
        constraints = [
            models.UniqueConstraint(fields=["rule", "day"], name="rule_activity_day_unique")
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.day}"
