"""The records a system has at this moment, to choose from when a mapping is made (A8)."""

from uuid import UUID

from integrations.systems import values
from integrations.systems.base import Record


def records(
    organization_id: UUID,
    *,
    destination: str,
    entity: str,
    table: str | None,
    credential: str | None,
) -> list[Record]:
    """Return what a system can be asked for; nothing where it cannot, which is no error."""
    return values.records(
        organization_id, destination=destination, table=table, credential=credential
    )
