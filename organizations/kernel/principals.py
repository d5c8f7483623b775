"""Whoever a request or a task acts for, with what the audit trail wants to know about the call."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

SYSTEM_ID = UUID("00000000-0000-7000-8000-000000000001")

PrincipalKind = Literal["USER", "SERVICE_USER", "SYSTEM"]


@dataclass(frozen=True, slots=True)
class Principal:
    """A user, a service user or the system, in one organization."""

    id: UUID
    kind: PrincipalKind
    organization_id: UUID
    is_superuser: bool = False
    access_key_id: UUID | None = None
    source_address: str | None = None
    request_id: str = ""

    # What Django REST framework asks of a request's user.
    @property
    def is_authenticated(self) -> bool:
        """A principal is always somebody."""
        return True

    @property
    def pk(self) -> UUID:
        """The id under the name Django uses."""
        return self.id


def system(organization_id: UUID) -> Principal:
    """Return the built-in principal background work acts as (A9.2)."""
    return Principal(SYSTEM_ID, "SYSTEM", organization_id)
