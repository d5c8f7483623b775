"""What this app tells the kernel's registry when Django starts."""

from typing import Any

from integrations import connections, delivery, disabling, waking
from integrations import representations as look
from integrations.exports import registration as exports
from integrations.mappings import registration as mappings
from integrations.models import (
    Delivery,
    IntegrationConfiguration,
    IntegrationCredential,
    IntegrationRun,
    WebhookDestination,
)
from integrations.runs import representations as look_at_runs
from integrations.runs import trouble
from organizations.kernel import event_types, events, registry


def register() -> None:
    """Register entities, delete guards and sentences for constraints; listen for events."""
    # Not on the closed list of events (B2): a change of a destination records none.
    registry.register(
        WebhookDestination,
        "config:webhookDestination",
        represent=look.webhook_destination,
    )
    for event in (delivery.AUTHENTICATION_FAILED, delivery.DELIVERY_FAILED, disabling.EVENT):
        registry.other_event(event, _sample_of_trouble)
    registry.name(Delivery, "config:webhookDestination")
    registry.explain_constraint(
        "webhook_destination_code_unique",
        "code",
        "another webhook destination of this organization already has this code",
    )
    registry.register(
        IntegrationConfiguration,
        "config:integrationConfiguration",
        represent=look.integration_configuration,
        check=connections.check,
    )
    registry.refers(WebhookDestination, "integration configurations", connections.of_destination)
    registry.follow_deletes(connections.forget_rules)
    registry.explain_constraint(
        "integration_link_unique", "destinationId", "is connected with this already"
    )
    _register_runs()
    mappings.register()
    events.listen(waking.wake)
    exports.register()


def _register_runs() -> None:
    registry.register(
        IntegrationCredential,
        "config:integrationCredentials",
        represent=look_at_runs.credential,
    )
    registry.refers(IntegrationCredential, "integration configurations", connections.of_credential)
    registry.name(IntegrationRun, "config:integrationRun")
    for event in (trouble.INVALID, trouble.MISSING_ACCOUNT):
        registry.other_event(event, _sample_of_trouble)


def _sample_of_trouble() -> dict[str, Any]:
    destination = event_types.sample(WebhookDestination)
    return look.trouble(
        destination, "", entity_type="Event", entity_id=destination.pk, account_id=destination.pk
    )
