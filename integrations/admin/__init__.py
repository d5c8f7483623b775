"""Console pages of integrations: webhook destinations, what was sent to them, exports."""

from integrations.admin import (
    connections,
    deliveries,
    destinations,
    export_destinations,
    export_jobs,
    mappings,
)

__all__ = [
    "connections",
    "deliveries",
    "destinations",
    "export_destinations",
    "export_jobs",
    "mappings",
]
