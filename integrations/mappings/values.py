"""The records a system has at this moment, to choose from when a mapping is made (A8)."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a system outside: its id there, and what people call it."""

    identity: str
    name: str


def records(
    organization_id: UUID,
    *,
    destination: str,
    entity: str,
    table: str | None,
    credential: str | None,
) -> list[Record]:
    """Return what a system can be asked for; nothing where it cannot, which is no error."""
    return []
