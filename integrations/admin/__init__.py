"""Console pages of integrations: webhook destinations, what was sent to them, exports."""

from integrations.admin import (
    channels,
    connections,
    credentials,
    deliveries,
    destinations,
    export_destinations,
    export_jobs,
    export_schedules,
    mappings,
    runs,
    systems,
)

__all__ = [
    "channels",
    "connections",
    "credentials",
    "deliveries",
    "destinations",
    "export_destinations",
    "export_jobs",
    "export_schedules",
    "mappings",
    "runs",
    "systems",
]
