"""How the rows of this app look outside: answers, event payloads, audit. Never with a secret."""

from typing import Any
from uuid import UUID

from integrations.models import (
    NOTIFICATION,
    Channel,
    Delivery,
    DeliveryAttempt,
    IntegrationConfiguration,
    WebhookDestination,
)
from integrations.systems import known
from organizations.kernel.instants import iso_instant
from organizations.kernel.representing import audit, identity, text

MASK = "********"
CREDENTIALS_TYPE = "M3TER_SIGNED_REQUEST"
CREDENTIALS_DESTINATION = "WEBHOOK"


def webhook_destination(row: WebhookDestination) -> dict[str, Any]:
    """A webhook destination; the secret is masked, the API key is not (C1)."""
    return {
        **identity(row),
        "name": row.name,
        "description": row.description,
        "code": row.code,
        "active": row.is_active,
        "url": row.url,
        **({} if row.channel == Channel.WEBHOOK else {"channel": row.channel}),
        "credentials": {
            "id": str(row.credentials_id),
            "version": row.version,
            "type": CREDENTIALS_TYPE,
            "destination": CREDENTIALS_DESTINATION,
            "destinationId": str(row.pk),
            "name": row.credentials_name,
            "apiKey": row.api_key,
            "secret": MASK,
            **_written(audit(row)),
        },
        **audit(row),
    }


def integration_configuration(row: IntegrationConfiguration) -> dict[str, Any]:
    """What joins an entity with a destination; never with a secret."""
    system = known.find(row.destination)
    return {
        **identity(row),
        "name": row.name,
        "entityType": row.entity_type,
        "entityId": text(row.entity_id),
        "destination": row.destination,
        "destinationId": text(row.destination_id),
        "configData": row.config_data,
        "integrationCredentialsId": text(row.credential_id),
        "authorized": _is_authorized(row),
        "enabled": row.is_enabled,
        "triggerType": "SCHEDULE" if system and system.is_swept else "EVENT",
        **audit(row),
    }


def _is_authorized(row: IntegrationConfiguration) -> bool:
    if row.entity_type == NOTIFICATION:
        return True  # the destination has the secrets
    return row.credential is not None and row.credential.is_authorized


def trouble(
    destination: WebhookDestination,
    message: str,
    *,
    entity_type: str,
    entity_id: UUID,
    run_id: UUID | None = None,
    account_id: UUID | None = None,
) -> dict[str, Any]:
    """What an ``integration.<what>.error`` event tells (A13)."""
    return {
        "message": message,
        "integrationConfigId": None,
        "integrationRunId": text(run_id),
        "entityType": entity_type,
        "entityId": str(entity_id),
        "destination": CREDENTIALS_DESTINATION,
        "destinationId": str(destination.pk),
        "accountId": text(account_id),
    }


def delivery(row: Delivery) -> dict[str, Any]:
    """A delivery without its body, which is the event of ``eventId``."""
    return {
        "id": str(row.pk),
        "webhookId": str(row.destination_id),
        "eventId": str(row.event_id),
        "eventName": row.event_name,
        "notificationRuleId": text(row.rule_id),
        "status": row.status,
        "attempts": row.attempts_made,
        "nextAttemptAt": row.next_attempt_at,
        "dtCreated": row.created_at,
        "dtCompleted": row.finished_at,
        "error": row.error or None,
    }


def attempt(row: DeliveryAttempt) -> dict[str, Any]:
    """One request to the receiver and what came back."""
    return {
        "number": row.number,
        "dtStarted": row.started_at,
        "durationMs": row.duration_ms,
        "statusCode": row.status_code,
        "error": row.error or None,
        "responseHead": row.response_head,
    }


def _written(fields: dict[str, Any]) -> dict[str, Any]:
    # Nested instants are written here, so that audit entries can compare them as they are kept.
    return {
        key: iso_instant(value) if hasattr(value, "astimezone") else value
        for key, value in fields.items()
    }
