"""One sending of one entity by one configuration, and what was said on the way."""

from django.db import models
from django.db.models import Q

from integrations.models.configurations import IntegrationConfiguration
from organizations.kernel import ids
from organizations.kernel.tenancy import TenantQuerySet, newest_first_index, organization_field


class RunStatus(models.TextChoices):
    WAITING = "WAITING", "Waiting"
    STARTED = "STARTED", "Being sent"
    COMPLETE = "COMPLETE", "Sent"
    ERROR = "ERROR", "Failed"
    AWAITING_RETRY = "AWAITING_RETRY", "Awaiting retry"
    RATE_LIMIT_RETRY = "RATE_LIMIT_RETRY", "Slowed down by the system"
    AUTH_FAILED = "AUTH_FAILED", "Credential refused"
    ACCOUNTING_PERIOD_CLOSED = "ACCOUNTING_PERIOD_CLOSED", "Books are closed there"
    INVOICE_ALREADY_PAID = "INVOICE_ALREADY_PAID", "Cannot be changed there any more"
    DISABLED = "DISABLED", "Integration was disabled"
    TIMEOUT_LIMIT_EXCEEDED = "TIMEOUT_LIMIT_EXCEEDED", "Took too long"


class IntegrationRun(models.Model):
    """An entity on its way to a system (A6).

    ``next_attempt_at`` lives here, so a broker restart loses nothing, and is null once the run has
    ended. ``claimed_until`` is a lease of the worker; ``attempts_begun`` says whose it is. Of one
    configuration and entity at most one run has begun and at most one waits: a change meanwhile is
    in the one that waits.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    organization = organization_field(db_index=False)
    configuration = models.ForeignKey(
        IntegrationConfiguration, on_delete=models.SET_NULL, null=True, related_name="runs"
    )
    entity_type = models.CharField(max_length=60)
    entity_id = models.CharField("entity", max_length=80)
    account_id = models.UUIDField(null=True)
    destination = models.CharField(max_length=60)
    destination_id = models.UUIDField(null=True)
    status = models.CharField(max_length=24, choices=RunStatus, default=RunStatus.WAITING)
    error = models.TextField(default="", blank=True)
    external_id = models.CharField(max_length=255, null=True)
    url = models.CharField(max_length=2048, null=True)
    parent_run = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="children"
    )
    replayed_from_id = models.UUIDField(null=True)
    # Started by an event about an integration: tells of no other one (A13).
    is_about_trouble = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    modified_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)
    attempts_begun = models.PositiveIntegerField(default=0)
    attempts_made = models.PositiveIntegerField(default=0)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["configuration", "entity_type", "entity_id"],
                name="integration_run_one_waits",
                condition=Q(finished_at__isnull=True, started_at__isnull=True),
            ),
            models.UniqueConstraint(
                fields=["configuration", "entity_type", "entity_id"],
                name="integration_run_one_begun",
                condition=Q(finished_at__isnull=True, started_at__isnull=False),
            ),
        ]
        indexes = [
            newest_first_index("integration_run_newest"),
            models.Index(
                fields=["organization", "entity_type", "entity_id", "-created_at", "-id"],
                name="integration_run_of_entity",
            ),
            models.Index(
                fields=["organization", "destination_id", "-created_at", "-id"],
                name="integration_run_of_destination",
                condition=Q(destination_id__isnull=False),
            ),
            models.Index(
                fields=["next_attempt_at", "id"],
                name="integration_run_due",
                condition=Q(next_attempt_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entity_type} {self.entity_id} to {self.destination}"


class RunLogEntry(models.Model):
    """A line of the log of a run: what was done, or a request with its answer. No secrets."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(IntegrationRun, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField()
    text = models.TextField()

    belongs_to = "run"

    class Meta:
        indexes = [models.Index(fields=["at"], name="integration_log_at")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.text[:60]}"
