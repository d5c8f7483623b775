"""Rows around usage that Django manages; measurement rows themselves belong to usage.store."""

from django.db import models
from django.utils import timezone

from organizations.kernel import ids
from organizations.kernel.exact_json import ExactJSONField
from organizations.kernel.tenancy import TenantQuerySet


class IngestFailureType(models.TextChoices):
    UndefinedMeter = "UndefinedMeter", "Undefined meter"
    MissingField = "MissingField", "Missing field"
    DuplicateUid = "DuplicateUid", "Duplicate uid"
    DuplicateField = "DuplicateField", "Duplicate field"
    CalculationError = "CalculationError", "Calculation error"
    InvalidAccountCode = "InvalidAccountCode", "Invalid account code"


# Something is stored under the uid: sent again they would be refused, or counted twice.
STORED_TYPES = (IngestFailureType.CalculationError, IngestFailureType.DuplicateUid)


class ResubmissionOutcome(models.TextChoices):
    NONE = "", "Not sent again"
    STORED = "STORED", "Stored"
    REFUSED = "REFUSED", "Refused again"


class IngestFailure(models.Model):
    """What could not be stored, as it was sent, with the reason (usage.md 5).

    ``event`` is the row the events API lists; the log behind the download address is built
    from this row when asked for. Duplicates of one request share one row that lists the uids.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    organization = models.ForeignKey(
        "organizations.Organization", on_delete=models.PROTECT, related_name="+"
    )
    event_id = models.UUIDField()
    created_at = models.DateTimeField(default=timezone.now)
    type = models.CharField(max_length=20, choices=IngestFailureType)
    message = models.TextField()
    meter_code = models.CharField(max_length=80, blank=True)
    account_code = models.CharField(max_length=80, blank=True)
    # The measurements as received, without what nobody asked for.
    measurements = ExactJSONField(default=list)
    uids = models.JSONField(default=list)
    # Done with: marked by a person, or sent again.
    actioned_at = models.DateTimeField(null=True)
    resubmitted_at = models.DateTimeField("sent again", null=True)
    outcome = models.CharField(
        max_length=8, choices=ResubmissionOutcome, default=ResubmissionOutcome.NONE, blank=True
    )

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = "failed measurement"
        verbose_name_plural = "failed usage"
        constraints = [
            models.UniqueConstraint(fields=["event_id"], name="ingest_failure_event_unique")
        ]
        indexes = [
            models.Index(
                fields=["organization", "-created_at", "-id"], name="ingest_failure_newest"
            ),
            models.Index(
                fields=["organization", "type", "-created_at"], name="ingest_failure_type"
            ),
            models.Index(
                fields=["organization", "-created_at", "-id"],
                condition=models.Q(actioned_at=None),
                name="ingest_failure_open",
            ),
        ]

    @property
    def may_be_resubmitted(self) -> bool:
        """Whether nothing of it is stored: neither then, nor under its uid before, nor since."""
        is_stored = self.type in {
            IngestFailureType.CalculationError,
            IngestFailureType.DuplicateUid,
        }
        return not is_stored and self.resubmitted_at is None

    def __str__(self) -> str:
        return f"{self.type} {self.meter_code} [{self.pk}]"
