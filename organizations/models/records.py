"""What happened: events for other systems, audit entries for auditors, alerts for people."""

from django.db import models
from django.utils import timezone

from organizations.kernel import ids
from organizations.kernel.exact_json import KeptJSONField
from organizations.kernel.tenancy import TenantQuerySet, organization_field


class Event(models.Model):
    """A committed change, frozen when it happened: the outbox, and what the events API lists."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    organization = organization_field(editable=True, db_index=False)
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(default=timezone.now)
    payload = KeptJSONField(default=dict)
    resource_id = models.UUIDField(null=True)
    account_id = models.UUIDField(null=True)
    actioned_at = models.DateTimeField(null=True, blank=True)
    # Set by the dispatcher once every delivery row exists.
    dispatched_at = models.DateTimeField(null=True, editable=False)
    # Of a notification: the rule that fired, and the event it fired upon.
    rule_id = models.UUIDField(null=True, editable=False)
    cause_id = models.UUIDField(null=True, editable=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cause_id", "rule_id"],
                name="event_once_for_rule",
                condition=models.Q(cause_id__isnull=False),
            )
        ]
        indexes = [
            models.Index(fields=["organization", "-created_at", "-id"], name="event_newest"),
            models.Index(
                fields=["organization", "rule_id", "-created_at", "-id"],
                name="event_rule_newest",
                condition=models.Q(rule_id__isnull=False),
            ),
            models.Index(
                fields=["organization", "-created_at", "-id"],
                name="event_notification_newest",
                condition=models.Q(rule_id__isnull=False),
            ),
            models.Index(
                fields=["organization", "name", "-created_at", "-id"], name="event_name_newest"
            ),
            models.Index(fields=["organization", "resource_id"], name="event_resource"),
            models.Index(fields=["organization", "account_id"], name="event_account"),
            models.Index(
                fields=["created_at", "id"],
                name="event_undispatched",
                condition=models.Q(dispatched_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} [{self.pk}]"


class AuditEntry(models.Model):
    """Who did what to which row, with the difference. Append-only (A9.7)."""

    id = models.BigAutoField(primary_key=True)
    organization = organization_field(editable=True, db_index=False)
    at = models.DateTimeField(default=timezone.now)
    principal_id = models.UUIDField(null=True)
    principal_kind = models.CharField(max_length=16)
    access_key_id = models.UUIDField(null=True)
    source_address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=100, blank=True)
    action = models.CharField(max_length=40)
    resource = models.CharField(max_length=60)
    entity_id = models.UUIDField(null=True)
    difference = KeptJSONField(default=dict)
    is_allowed = models.BooleanField(default=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["organization", "-id"], name="audit_entry_newest"),
            models.Index(fields=["organization", "entity_id", "-id"], name="audit_entry_entity"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.resource} {self.entity_id}"


class AlertSeverity(models.TextChoices):
    INFO = "INFO", "Info"
    WARN = "WARN", "Warning"
    ERROR = "ERROR", "Error"


class AlertStatus(models.TextChoices):
    NEW = "NEW", "New"
    IN_PROGRESS = "IN_PROGRESS", "In progress"
    RESOLVED = "RESOLVED", "Resolved"


class Alert(models.Model):
    """Something a person should know or do."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    modified_at = models.DateTimeField(default=timezone.now)
    severity = models.CharField(max_length=8, choices=AlertSeverity)
    status = models.CharField(max_length=16, choices=AlertStatus, default=AlertStatus.NEW)
    type = models.CharField(max_length=60)
    description = models.TextField()
    account_id = models.UUIDField(null=True)
    resource_id = models.UUIDField(null=True)
    mailed_at = models.DateTimeField(null=True, editable=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["organization", "-created_at", "-id"], name="alert_newest"),
            models.Index(fields=["organization", "mailed_at"], name="alert_mailed"),
        ]

    def __str__(self) -> str:
        return f"{self.severity} {self.type} [{self.pk}]"
