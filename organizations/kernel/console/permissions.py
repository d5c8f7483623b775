"""What the person of a console request may do, decided from policies read once per request."""

from functools import cached_property
from typing import Any

from django.db.models import QuerySet

from organizations.access import Rights
from organizations.kernel.errors import Forbidden
from organizations.kernel.principals import Principal

VERBS = {"view": "retrieve", "add": "create", "change": "update", "delete": "delete"}


class Permissions:
    """Answers for one principal; without principal every answer is no.

    The same decisions as over the API: both ask ``access.Rights``.
    """

    def __init__(self, principal: Principal | None) -> None:
        self.principal = principal

    @cached_property
    def _rights(self) -> Rights | None:
        return Rights(self.principal) if self.principal else None

    @property
    def holds_nothing(self) -> bool:
        """Return whether no policy says anything about the person, so that every page is empty."""
        rights = self._rights
        return rights is None or not (rights.is_unbounded or rights.statements)

    def allows(self, action: str, resource: str, item_id: Any = None) -> bool:
        """Return whether ``config:update`` is allowed on ``config:plan``, or on one row of it."""
        return self._rights is not None and self._rights.allows(action, resource, item_id)

    def allows_some(self, action: str, resource: str) -> bool:
        """Return whether any row of the type could be allowed; otherwise there is no list."""
        return self._rights is not None and self._rights.allows_some(action, resource)

    def allows_all(self, action: str, resource: str) -> bool:
        """Return whether the action is allowed on each and every row of the type."""
        return self._rights is not None and self._rights.allows_all(action, resource)

    def allows_verb(self, verb: str, resource: str, item_id: Any = None) -> bool:
        """As ``allows``, with Django's word for the action: view, add, change or delete."""
        return self.allows(f"config:{VERBS[verb]}", resource, item_id)

    def require(self, action: str, resource: str, item_id: Any = None) -> None:
        """Raise ``Forbidden`` unless the action is allowed."""
        if not self.allows(action, resource, item_id):
            raise Forbidden

    def denies_some(self, action: str, resource: str) -> bool:
        """Return whether a statement denies the action on any row."""
        return self._rights is not None and self._rights.denies_some(action, resource)

    def not_denied(self, rows: QuerySet, action: str, resource: str) -> QuerySet:
        """Leave out only the rows that a statement denies."""
        rights = self._rights
        return rows.none() if rights is None else rights.not_denied(rows, action, resource)

    def visible(self, rows: QuerySet, action: str, resource: str) -> QuerySet:
        """Return only the rows the action is allowed on."""
        return rows.none() if self._rights is None else self._rights.visible(rows, action, resource)
