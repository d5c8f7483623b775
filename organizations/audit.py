"""Write audit entries about what is no change of a row: calls that were denied, mails sent.

Changes of rows are audited by ``organizations.kernel.changes``, in their own transaction.
"""

from typing import Any
from uuid import UUID

from organizations.kernel import clock
from organizations.kernel.principals import Principal
from organizations.models import AuditEntry


def record(
    by: Principal,
    action: str,
    resource: str,
    entity_id: UUID | None = None,
    *,
    difference: dict[str, Any] | None = None,
    is_allowed: bool = True,
) -> None:
    """Append one entry; ``resource`` is the name policies use (``config:orgUser``)."""
    AuditEntry.objects.create(
        organization_id=by.organization_id,
        at=clock.now(),
        principal_id=by.id,
        principal_kind=by.kind,
        access_key_id=by.access_key_id,
        source_address=by.source_address,
        request_id=by.request_id,
        action=action,
        resource=resource,
        entity_id=entity_id,
        difference=difference or {},
        is_allowed=is_allowed,
    )
