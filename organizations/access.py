"""The one question the API, the console and tasks ask: may this principal do this?

``Rights`` answers it for one principal: for a type, for one row, and as a narrowed query for all
rows of a list. Allows of types and of single rows are guardian's: what ``grants`` has derived
from policies, read for the hidden groups that speak for the principal. Denies, and whatever is
said of resource groups, are asked of the statements.
"""

from functools import cached_property
from typing import Any
from uuid import UUID

from django.contrib.contenttypes.models import ContentType
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Cast
from guardian.models import GroupObjectPermission

from organizations import (
    narrowing,
    permission_names,
    policies,
    policy_words,
    resource_groups,
)
from organizations.kernel import ids, registry
from organizations.kernel.errors import Forbidden
from organizations.kernel.principals import Principal
from organizations.standings import Standing, standing


class Rights:
    """What one principal may do. Keep it for one request only: policies change (A5.13.6)."""

    def __init__(self, principal: Principal) -> None:
        self.principal = principal
        self._scopes: dict[tuple[str, str], policies.Scope] = {}

    @cached_property
    def is_unbounded(self) -> bool:
        """Return whether no policy binds the principal: the system, and operators."""
        return self.principal.kind == "SYSTEM" or self.principal.is_superuser

    @cached_property
    def standing(self) -> Standing:
        """Grants and statements, read at the first question."""
        return standing(self.principal)

    @property
    def statements(self) -> list[dict[str, Any]]:
        """The statements that speak of the principal."""
        return self.standing.statements

    def allows(self, action: str, resource: str, item_id: Any = None) -> bool:
        """Return whether ``action`` is allowed on ``resource`` (``config:plan``).

        Without ``item_id`` the answer is about the type: whether a row may be created, say.
        """
        if self.is_unbounded:
            return True
        scope = self._scope(action, resource)
        if scope.denied.is_all:
            return False
        if item_id is None:
            return self._is_granted_wide(action, resource)
        identity = str(item_id).lower()
        groups = self._groups_of(scope, identity)
        if scope.denied.holds(identity, groups):
            return False
        if self._is_granted_wide(action, resource) or scope.allowed.holds_by_group(groups):
            return True
        return self._is_granted(action, resource, identity)

    def allows_some(self, action: str, resource: str) -> bool:
        """Return whether any row of the type could be allowed; otherwise a list is refused."""
        if self.is_unbounded:
            return True
        scope = self._scope(action, resource)
        if scope.denied.is_all:
            return False
        if self._is_granted_wide(action, resource) or scope.allowed.needs_groups:
            return True
        kinds = _kinds(resource)
        return self._granted(action).filter(content_type__in=kinds).exists()

    def allows_all(self, action: str, resource: str) -> bool:
        """Return whether the action is allowed on each and every row of the type."""
        return not self.denies_some(action, resource) and self.allows(action, resource)

    def denies_some(self, action: str, resource: str) -> bool:
        """Return whether a row or a group of rows of the type is denied by name."""
        return not self.is_unbounded and not self._scope(action, resource).denied.is_empty

    def require(self, action: str, resource: str, item_id: Any = None) -> None:
        """Raise ``Forbidden`` unless the action is allowed."""
        if not self.allows(action, resource, item_id):
            raise Forbidden

    def require_some(self, action: str, resource: str) -> None:
        """Raise ``Forbidden`` when no row of the type could be allowed (A5.13.9)."""
        if not self.allows_some(action, resource):
            raise Forbidden

    def visible(self, rows: QuerySet, action: str, resource: str) -> QuerySet:
        """Narrow a query of ``resource`` rows to those the action is allowed on (A5.13.10)."""
        if self.is_unbounded:
            return rows
        scope = self._scope(action, resource)
        if scope.denied.is_all:
            return rows.none()
        if not self._is_granted_wide(action, resource):
            rows = self._allowed_rows(rows, action, resource, scope.allowed)
        return self.not_denied(rows, action, resource)

    def not_denied(self, rows: QuerySet, action: str, resource: str) -> QuerySet:
        """Leave out only the rows that a statement denies, also without one that allows."""
        if self.is_unbounded:
            return rows
        scope = self._scope(action, resource)
        if scope.denied.is_all:
            return rows.none()
        if items := _identities(scope.denied):
            rows = rows.exclude(**{f"{_item_column(rows)}__in": items})
        if scope.denied.needs_groups:
            held = self._contents(resource, scope.denied)
            rows = narrowing.outside(rows, _item_column(rows), held)
        return rows

    def _scope(self, action: str, resource: str) -> policies.Scope:
        """Return what the statements say of an action; a page asks the same many times."""
        known = self._scopes.get((action, resource))
        if known is None:
            service, _, kind = resource.partition(":")
            known = policies.scope(self.statements, action, service, kind)
            self._scopes[action, resource] = known
        return known

    # What guardian knows -----------------------------------------------------------------------

    def _is_granted_wide(self, action: str, resource: str) -> bool:
        """Return whether the action is granted on all rows of a type."""
        names = permission_names.of_type(action, *resource.split(":", 1))
        return not self.standing.types.isdisjoint(names)

    def _granted(self, action: str) -> QuerySet:
        """Return the grants on single rows that allow the action."""
        return GroupObjectPermission.objects.filter(
            group__in=self.standing.groups,
            permission__codename__in=permission_names.of_row(action),
        )

    def _is_granted(self, action: str, resource: str, identity: str) -> bool:
        """Return whether the action is granted on one row, known by the id policies know it by."""
        either = Q()
        for model, name, item_field in registry.named():
            if not policies.is_same_type(name, resource):
                continue
            kind = ContentType.objects.get_for_model(model)
            if item_field == "pk":
                either |= Q(content_type=kind, object_pk=identity)
            elif (one := ids.parse(identity)) is not None:
                found = model._base_manager.filter(
                    **{"organization_id": self.principal.organization_id, item_field: one}
                ).values_list("pk", flat=True)
                either |= Q(content_type=kind, object_pk__in=[str(pk) for pk in found])
        return bool(either) and self._granted(action).filter(either).exists()

    # What is asked of rows -------------------------------------------------------------------

    def _groups_of(self, scope: policies.Scope, identity: str) -> frozenset[str]:
        """Return the groups that hold a row, when a statement that matters speaks of groups."""
        row_id = ids.parse(identity)
        if row_id is None or not (scope.allowed.needs_groups or scope.denied.needs_groups):
            return frozenset()
        found = resource_groups.above(self.principal.organization_id, row_id)
        return frozenset(str(group) for group in found)

    def _allowed_rows(
        self, rows: QuerySet, action: str, resource: str, allowed: policies.Rows
    ) -> QuerySet:
        """Return the rows granted one by one, or held by an allowed group."""
        granted = (
            self._granted(action)
            .filter(content_type=ContentType.objects.get_for_model(rows.model))
            .annotate(row=Cast(F("object_pk"), rows.model._meta.pk))
            .values("row")
        )
        column = _item_column(rows)
        if column != "pk":
            keyed = rows.model._base_manager.filter(narrowing.among("pk", granted))
            granted = keyed.annotate(row=F(column)).values("row")
        if not allowed.needs_groups:
            return rows.filter(narrowing.among(column, granted))
        return narrowing.inside(rows, column, self._contents(resource, allowed), granted)

    def _contents(self, resource: str, wanted: policies.Rows) -> narrowing.Contents:
        kind = policy_words.group_type(resource.partition(":")[2]) or ""
        return narrowing.contents(self.principal.organization_id, kind, wanted)


def _identities(wanted: policies.Rows) -> list[UUID]:
    return [found for one in wanted.items if (found := ids.parse(one))]


def _kinds(resource: str) -> list[ContentType]:
    """Return the content types of the rows a resource name stands for."""
    return [
        ContentType.objects.get_for_model(model)
        for model, name, _ in registry.named()
        if policies.is_same_type(name, resource)
    ]


def _item_column(rows: QuerySet) -> str:
    """Return the column that holds the id policies know a row by."""
    known = registry.find(rows.model)
    return known.item_field if known else "pk"


def is_bypassing(principal: Principal) -> bool:
    """Return whether an operator works beyond what policies give them here (A5.13.12)."""
    if not principal.is_superuser:
        return False
    return not policies.is_everything_allowed(standing(principal).statements)


def allowed(principal: Principal, action: str, resource: str, item_id: Any = None) -> bool:
    """Return whether ``action`` is allowed on ``resource`` (``config:plan``), or on a row of it."""
    return Rights(principal).allows(action, resource, item_id)


def require(principal: Principal, action: str, resource: str, item_id: Any = None) -> None:
    """Raise ``Forbidden`` unless the action is allowed."""
    Rights(principal).require(action, resource, item_id)


def visible(principal: Principal, rows: QuerySet, action: str, resource: str) -> QuerySet:
    """Narrow a query of ``resource`` rows to those the action is allowed on."""
    return Rights(principal).visible(rows, action, resource)
