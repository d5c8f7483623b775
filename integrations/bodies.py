"""The bytes a receiver gets for an event: written once, the same on every attempt (C3)."""

from typing import Any

from organizations.kernel import exact_json
from organizations.models import Event

LIMIT_BYTES = 256 * 1024


def of_event(event: Event) -> bytes:
    """Return the body for an event, minified UTF-8 JSON with exact numbers.

    Over 256 KiB the arrays of the changed rows are left out and ``truncated`` is true: receivers
    fetch the event by its id. Should that not be enough, the rows are left out altogether.
    """
    written = exact_json.dumps(_content(event, event.payload))
    if len(written) <= LIMIT_BYTES:
        return written
    truncated = {"truncated": True}
    written = exact_json.dumps(_content(event, _without_arrays(event.payload)) | truncated)
    if len(written) <= LIMIT_BYTES:
        return written
    return exact_json.dumps(_content(event, {"eventData": {}}) | truncated)


def _content(event: Event, payload: Any) -> dict[str, Any]:
    return {
        "type": event.name,
        "id": str(event.pk),
        "timestamp": event.created_at,
        "organizationId": str(event.organization_id),
        "event": {
            "id": str(event.pk),
            "eventName": event.name,
            "eventTime": event.created_at,
            "m3terEvent": payload,
        },
    }


def _without_arrays(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _without_arrays(item) for key, item in value.items() if not isinstance(item, list)}
