"""The one question the API, the console and tasks ask: may this principal do this?

``Rights`` answers it for one principal out of policies read once: for a type, for one row, and as
a narrowed query for all rows of a list. All three read the same statements with the same engine.
"""

from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from organizations import policies, resource_groups
from organizations.kernel import exact_json, ids, registry
from organizations.kernel.errors import Forbidden
from organizations.kernel.principals import Principal
from organizations.models import ResourceGroupItem, TargetType

# Asked once per request, so they do without the cost of building a query.
OF_SERVICE_USER = """
    SELECT policy.statements FROM organizations_policyattachment attachment
    JOIN organizations_permissionpolicy policy ON policy.id = attachment.policy_id
    WHERE attachment.organization_id = %(organization)s
        AND attachment.principal_type = 'SERVICEUSER' AND attachment.principal_id = %(principal)s
"""
# Attached to the person, to a group that holds them at any level, or to all support users
# while their window is open (A7.4); and the statements of window and membership themselves.
OF_PERSON = """
    WITH RECURSIVE above(id) AS (
        SELECT group_id FROM organizations_resourcegroupitem
        WHERE organization_id = %(organization)s
            AND target_id = %(principal)s AND target_type = 'ITEM'
        UNION
        SELECT item.group_id FROM organizations_resourcegroupitem item
        JOIN above ON item.target_id = above.id AND item.target_type = 'GROUP'
    ), support_window AS (
        SELECT support.statements FROM organizations_supportaccess support
        JOIN organizations_user person ON person.id = %(principal)s AND person.is_support
        WHERE support.organization_id = %(organization)s AND support.ends_at > now()
    )
    SELECT policy.statements FROM organizations_policyattachment attachment
    JOIN organizations_permissionpolicy policy ON policy.id = attachment.policy_id
    WHERE attachment.organization_id = %(organization)s AND (
        attachment.principal_type = 'USER' AND attachment.principal_id = %(principal)s
        OR attachment.principal_type = 'USERGROUP'
            AND attachment.principal_id IN (SELECT id FROM above)
        OR attachment.principal_type = 'SUPPORTUSERS' AND EXISTS (SELECT 1 FROM support_window)
    )
    UNION ALL
    SELECT statements FROM support_window
    UNION ALL
    SELECT statements FROM organizations_membership
    WHERE organization_id = %(organization)s AND user_id = %(principal)s
"""
QUERIES = {"SERVICE_USER": OF_SERVICE_USER, "USER": OF_PERSON}


def statements_of(principal: Principal) -> list[dict[str, Any]]:
    """Return every statement that speaks of the principal, inline ones included (A5.13.1)."""
    with connection.cursor() as cursor:
        values = {"organization": principal.organization_id, "principal": principal.id}
        cursor.execute(QUERIES[principal.kind], values)
        return [one for (text,) in cursor.fetchall() for one in exact_json.loads(text)]


class Rights:
    """What one principal may do. Keep it for one request only: policies change (A5.13.6)."""

    def __init__(self, principal: Principal) -> None:
        self.principal = principal

    @cached_property
    def is_unbounded(self) -> bool:
        """Return whether no policy binds the principal: the system, and operators."""
        return self.principal.kind == "SYSTEM" or self.principal.is_superuser

    @cached_property
    def statements(self) -> list[dict[str, Any]]:
        """The statements that speak of the principal, read at the first question."""
        return statements_of(self.principal)

    def decide(self, action: str, resource: str, item_id: Any = None) -> policies.Decision:
        """Return whether ``action`` is allowed on ``resource`` (``config:plan``), and why.

        Without ``item_id`` the answer is about the type: whether a row may be created, say.
        """
        if self.is_unbounded:
            return policies.Decision(True)
        service, _, kind = resource.partition(":")
        asked = policies.Resource(service, kind)
        if item_id is not None:
            groups = self._groups_of(action, resource, item_id)
            asked = policies.Resource(service, kind, str(item_id), groups)
        return policies.decide(self.statements, action, asked)

    def allows_some(self, action: str, resource: str) -> bool:
        """Return whether any row of the type could be allowed; otherwise a list is refused."""
        return self.is_unbounded or not self._scope(action, resource).is_nothing

    def require(self, action: str, resource: str, item_id: Any = None) -> None:
        """Raise ``Forbidden`` unless the action is allowed."""
        if not self.decide(action, resource, item_id).is_allowed:
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
        if scope.is_nothing:
            return rows.none()
        if not scope.allowed.is_all:
            rows = rows.filter(self._any(rows, scope.allowed))
        for condition in self._conditions(rows, scope.denied):
            rows = rows.filter(~condition)
        return rows

    def _scope(self, action: str, resource: str) -> policies.Scope:
        service, _, kind = resource.partition(":")
        return policies.scope(self.statements, action, service, kind)

    def _groups_of(self, action: str, resource: str, item_id: Any) -> frozenset[str]:
        """Return the groups that hold a row, when a statement that matters speaks of groups."""
        scope, identity = self._scope(action, resource), ids.parse(str(item_id))
        if identity is None or not (scope.allowed.needs_groups or scope.denied.needs_groups):
            return frozenset()
        found = resource_groups.above(self.principal.organization_id, identity)
        return frozenset(str(group) for group in found)

    def _any(self, rows: QuerySet, wanted: policies.Rows) -> Q:
        either = Q()
        for condition in self._conditions(rows, wanted):
            either |= Q(condition)
        return either or Q(pk__in=[])

    def _conditions(self, rows: QuerySet, wanted: policies.Rows) -> list[Any]:
        """Return what holds of the rows meant; the rows are those for which any of it holds."""
        column = _item_column(rows)
        conditions: list[Any] = []
        if items := [found for one in wanted.items if (found := ids.parse(one))]:
            conditions.append(Q(**{f"{column}__in": items}))
        held = ResourceGroupItem.objects.filter(
            organization_id=self.principal.organization_id,
            target_type=TargetType.ITEM,
            target_id=OuterRef(column),
        )
        if wanted.is_any_group:
            conditions.append(Exists(held))
        elif groups := [found for one in wanted.groups if (found := ids.parse(one))]:
            conditions.append(Exists(held.filter(group_id__in=self._with_nested(groups))))
        return conditions

    def _with_nested(self, groups: list[UUID]) -> list[UUID]:
        return list(resource_groups.below(self.principal.organization_id, groups))


def _item_column(rows: QuerySet) -> str:
    """Return the column that holds the id policies know a row by."""
    known = registry.find(rows.model)
    return known.item_field if known else "pk"


def decide(
    principal: Principal, action: str, resource: str, item_id: Any = None
) -> policies.Decision:
    """Return whether ``action`` is allowed on ``resource`` (``config:plan``), and why."""
    return Rights(principal).decide(action, resource, item_id)


def require(principal: Principal, action: str, resource: str, item_id: Any = None) -> None:
    """Raise ``Forbidden`` unless the action is allowed."""
    Rights(principal).require(action, resource, item_id)


def visible(principal: Principal, rows: QuerySet, action: str, resource: str) -> QuerySet:
    """Narrow a query of ``resource`` rows to those the action is allowed on."""
    return Rights(principal).visible(rows, action, resource)
