"""What the person of a console request may do, decided from policies read once per request."""

from functools import cached_property
from typing import Any

from organizations import access, policies
from organizations.kernel.principals import Principal

VERBS = {"view": "retrieve", "add": "create", "change": "update", "delete": "delete"}


class Permissions:
    """Answers for one principal; without principal every answer is no.

    The same decision as ``access.decide``; the statements are kept for the request, so that a
    page with thirty links in its navigation reads them once.
    """

    def __init__(self, principal: Principal | None) -> None:
        self.principal = principal

    @cached_property
    def _statements(self) -> list[dict[str, Any]]:
        return access.statements_of(self.principal) if self.principal else []

    def allows(self, action: str, resource: str, item_id: Any = None) -> bool:
        """Return whether ``config:update`` is allowed on ``config:plan``, or on one row of it."""
        if self.principal is None:
            return False
        if self.principal.is_superuser:
            return True
        service, _, kind = resource.partition(":")
        asked = policies.Resource(service, kind, None if item_id is None else str(item_id))
        return policies.decide(self._statements, action, asked).is_allowed

    def allows_verb(self, verb: str, resource: str, item_id: Any = None) -> bool:
        """As ``allows``, with Django's word for the action: view, add, change or delete."""
        return self.allows(f"config:{VERBS[verb]}", resource, item_id)
