"""Console pages of integrations: webhook destinations, what was sent to them, exports."""

from integrations.admin import (
    connections,
    deliveries,
    destinations,
    export_destinations,
    export_jobs,
    export_schedules,
    mappings,
)

__all__ = [
    "connections",
    "deliveries",
    "destinations",
    "export_destinations",
    "export_jobs",
    "export_schedules",
    "mappings",
]
