"""How the rows of this app look outside: answers, audit."""

from typing import Any

from notifications.models import ScheduledEventConfiguration
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
