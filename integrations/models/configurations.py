"""What joins an entity of ours to a destination: a rule to a webhook, bills to a system."""

from django.db import models

from integrations.models.credentials import IntegrationCredential
from organizations.kernel.exact_json import ExactJSONField
from organizations.kernel.tenancy import TenantModel, newest_first_index

NOTIFICATION = "Notification"
WEBHOOK = "WEBHOOK"


class IntegrationConfiguration(TenantModel):
    """An entity type, or one entity of it, sent to a destination (A2).

    For a webhook ``entity_id`` is the rule, ``destination_id`` the webhook destination (C2).
    """

    name = models.CharField(max_length=200, null=True, blank=True)
    entity_type = models.CharField(max_length=60, default=NOTIFICATION)
    entity_id = models.UUIDField(null=True, blank=True)
    destination = models.CharField(max_length=60, default=WEBHOOK)
    destination_id = models.UUIDField(null=True, blank=True)
    config_data = ExactJSONField(default=dict, blank=True)
    credential = models.ForeignKey(
        IntegrationCredential,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="configurations",
    )
    is_enabled = models.BooleanField("enabled", default=True)
    # What runs brought since the last success (A6); changed without a version, by runs alone.
    failures_in_row = models.PositiveIntegerField(default=0, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    disabled_reason = models.CharField(max_length=300, null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "entity_type", "entity_id", "destination_id"],
                name="integration_link_unique",
                condition=models.Q(entity_id__isnull=False, destination_id__isnull=False),
            )
        ]
        indexes = [
            newest_first_index("integration_config_newest"),
            models.Index(
                fields=["organization", "entity_type", "entity_id"], name="integration_entity"
            ),
            models.Index(fields=["organization", "destination_id"], name="integration_destination"),
        ]

    def __str__(self) -> str:
        return self.name or f"{self.entity_type} to {self.destination}"


class SystemIntegration(IntegrationConfiguration):
    """A configuration that sends to a system outside: what the page of integrations is about."""

    class Meta:
        proxy = True
        verbose_name = "integration"
