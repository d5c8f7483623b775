"""How runs and credentials look outside. Never with a secret."""

import base64
from typing import Any

from integrations.models import Delivery, IntegrationCredential, IntegrationRun
from integrations.runs import logs
from organizations.kernel.representing import audit, identity, text


def credential(row: IntegrationCredential) -> dict[str, Any]:
    """A credential, without what it consists of."""
    return {
        **identity(row),
        "name": row.name,
        "type": row.type,
        "destination": row.destination,
        "empty": row.is_empty,
        "authorized": row.is_authorized,
        **audit(row),
    }


def run(row: IntegrationRun) -> dict[str, Any]:
    """One sending of one entity."""
    return {
        "id": str(row.pk),
        "version": row.attempts_begun + 1,
        "entityType": row.entity_type,
        "entityId": row.entity_id,
        "dtStarted": row.started_at,
        "dtCompleted": row.finished_at,
        "status": row.status,
        "destination": row.destination,
        "destinationId": text(row.destination_id),
        "error": row.error or None,
        "url": row.url,
        "externalId": row.external_id,
        "parentIntegrationRunId": text(row.parent_run_id),
        "replayedFromIntegrationRunId": text(row.replayed_from_id),
        "dtCreated": row.created_at,
        "dtLastModified": row.modified_at,
        "createdBy": None,
        "lastModifiedBy": None,
    }


def delivery_as_run(row: Delivery) -> dict[str, Any]:
    """A delivery to a webhook, which is the run of a notification."""
    return {
        "id": str(row.pk),
        "version": row.attempts_made + 1,
        "entityType": "Notification",
        "entityId": str(row.rule_id or row.event_id),
        "dtStarted": row.created_at,
        "dtCompleted": row.finished_at,
        "status": row.status,
        "destination": "WEBHOOK",
        "destinationId": str(row.destination_id),
        "error": row.error or None,
        "url": None,
        "externalId": None,
        "parentIntegrationRunId": None,
        "replayedFromIntegrationRunId": None,
        "dtCreated": row.created_at,
        "dtLastModified": row.finished_at or row.created_at,
        "createdBy": None,
        "lastModifiedBy": None,
    }


def log(row: IntegrationRun | Delivery) -> dict[str, Any]:
    """The log, as base64 of its text."""
    if isinstance(row, Delivery):
        lines = [
            f"{one.started_at.isoformat()} attempt {one.number}: "
            f"{one.status_code or ''} {one.error} ({one.duration_ms} ms)\n{one.response_head}"
            for one in row.attempts.order_by("number")
        ]
        written = "\n".join(lines)
    else:
        written = logs.text_of(row)
    return {"Payload": base64.b64encode(written.encode()).decode()}
