"""How the rows of this app look outside: answers, audit."""

from typing import Any

from notifications.models import NotificationConfiguration, ScheduledEventConfiguration
from organizations.kernel.representing import audit, identity


def scheduled_event_configuration(row: ScheduledEventConfiguration) -> dict[str, Any]:
    """A scheduled event configuration."""
    return {
        **identity(row),
        "name": row.name,
        "entity": row.entity,
        "field": row.field,
        "offset": row.offset,
        **audit(row),
    }


def notification_configuration(row: NotificationConfiguration) -> dict[str, Any]:
    """A rule."""
    return {
        **identity(row),
        "name": row.name,
        "description": row.description,
        "code": row.code,
        "active": row.is_active,
        "alwaysFireEvent": row.always_fires,
        "eventName": row.event_name,
        "calculation": row.calculation,
        **audit(row),
    }
