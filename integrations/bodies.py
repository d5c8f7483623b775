"""The bytes a receiver gets for a notification: written once, the same on every attempt (C3)."""

from typing import Any

from notifications.firing import Firing
from organizations.kernel import exact_json
from organizations.models import Event

LIMIT_BYTES = 256 * 1024
TRIGGERED = "notification.triggered"


def of_notification(firing: Firing) -> bytes:
    """Return the body for a rule that fired: the rule, and the event it fired upon."""
    rule, notification = firing.rule, firing.notification
    return _written(
        {
            "type": TRIGGERED,
            "id": str(notification.pk),
            "timestamp": notification.created_at,
            "organizationId": str(rule.organization_id),
            "notification": {
                "id": str(rule.pk),
                "code": rule.code,
                "name": rule.name,
                "description": rule.description,
            },
        },
        firing.cause,
    )


def of_event(event: Event) -> bytes:
    """Return the body for an event that no rule is about: a test of the destination."""
    return _written(
        {
            "type": event.name,
            "id": str(event.pk),
            "timestamp": event.created_at,
            "organizationId": str(event.organization_id),
        },
        event,
    )


def _written(head: dict[str, Any], event: Event) -> bytes:
    """Return minified UTF-8 JSON with exact numbers.

    Over 256 KiB the arrays of the changed rows are left out and ``truncated`` is true: receivers
    fetch the event by its id. Should that not be enough, the rows are left out altogether.
    """
    written = exact_json.dumps({**head, "event": _event(event, event.payload)})
    if len(written) <= LIMIT_BYTES:
        return written
    head = {**head, "truncated": True}
    written = exact_json.dumps({**head, "event": _event(event, _without_arrays(event.payload))})
    if len(written) <= LIMIT_BYTES:
        return written
    return exact_json.dumps({**head, "event": _event(event, {"eventData": {}})})


def _event(event: Event, payload: Any) -> dict[str, Any]:
    return {
        "id": str(event.pk),
        "eventName": event.name,
        "eventTime": event.created_at,
        "m3terEvent": payload,
    }


def _without_arrays(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _without_arrays(item) for key, item in value.items() if not isinstance(item, list)}
