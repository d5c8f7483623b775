"""What the kernel has to know of saved queries of usage."""

from typing import Any

from billing.models import SavedQuery
from billing.usage.queries import saved
from organizations.kernel import registry
from organizations.kernel.representing import audit, identity


def represent(row: SavedQuery) -> dict[str, Any]:
    """A saved query."""
    return {**identity(row), "name": row.name, "usageQuery": row.usage_query, **audit(row)}


def register() -> None:
    """Register the entity."""
    registry.register(
        SavedQuery,
        "config:savedQuery",
        represent=represent,
        check=saved.check,
    )
