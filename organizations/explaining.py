"""Say why a principal may or may not do something: the deciding statement, and how it got there.

The answer itself is ``access.Rights``'; the statement is found by the engine of ``policies`` among
all statements that speak of the principal, each with the policy it stands in and the user groups
through which the policy comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.db import connection
from django.db.models import Q

from organizations import access, policies, policy_words, resource_groups
from organizations.kernel import clock, ids
from organizations.kernel.errors import FieldRefused, NotFound
from organizations.kernel.principals import Principal
from organizations.models import (
    Membership,
    PolicyAttachment,
    PrincipalType,
    ResourceGroup,
    ServiceUser,
    SupportAccess,
    User,
)

Way = Literal["ATTACHED", "USERGROUP", "INLINE", "SUPPORT"]

# Each group that holds a person, with the shortest way to it: the group they are in comes first.
PATHS = """
    WITH RECURSIVE above(id, path) AS (
        SELECT group_id, ARRAY[group_id] FROM organizations_resourcegroupitem
        WHERE organization_id = %(organization)s
            AND target_id = %(person)s AND target_type = 'ITEM'
        UNION ALL
        SELECT item.group_id, above.path || item.group_id
        FROM organizations_resourcegroupitem item
        JOIN above ON item.target_id = above.id AND item.target_type = 'GROUP'
        WHERE item.group_id <> ALL(above.path)
    )
    SELECT DISTINCT ON (id) id, path FROM above ORDER BY id, cardinality(path), path
"""


@dataclass(frozen=True, slots=True)
class Source:
    """One statement that speaks of a principal, and where it comes from.

    ``number`` counts the statements of its policy from 1. ``groups`` are id and name of the user
    groups from the one that holds the person to the one the policy is attached to.
    """

    statement: policies.Statement
    way: Way
    number: int
    policy: tuple[UUID, str] | None = None
    groups: tuple[tuple[UUID, str], ...] = ()

    @property
    def effect(self) -> str:
        """``allow`` or ``deny``."""
        return policies.effect(self.statement)

    @property
    def origin(self) -> str:
        """Where the statement stands, as people say it."""
        if self.way == "INLINE":
            return f"statement {self.number} written at the user"
        if self.policy is None:
            return f"statement {self.number} of the support access"
        text = f"statement {self.number} of the policy “{self.policy[1]}”"
        if self.way == "SUPPORT":
            return f"{text}, attached to the support users"
        if not self.groups:
            return f"{text}, attached directly"
        names = [f"“{name}”" for _, name in self.groups]
        within = f", reached through {', '.join(names[:-1])}" if len(names) > 1 else ""
        return f"{text}, attached to the user group {names[-1]}{within}"


@dataclass(frozen=True, slots=True)
class Question:
    """Who wants to do what to which type, or to which row of it."""

    principal: Principal
    action: str
    resource: str
    item_id: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether it is allowed, the source that decides (None: nothing allows it), all that apply."""

    is_allowed: bool
    deciding: Source | None
    applying: tuple[Source, ...]

    @property
    def reason(self) -> str:
        """Why, in a sentence."""
        if self.deciding is None:
            return "No statement allows it, and what is not allowed is denied."
        if self.is_allowed:
            return f"It is allowed by {self.deciding.origin}."
        if self.deciding.effect == "deny":
            return f"It is denied by {self.deciding.origin}; a deny beats every allow."
        return f"It is named by {self.deciding.origin}, but there is no such row."


def principal_of(organization_id: UUID, principal_id: Any) -> Principal:
    """Return the member, service user or support user with this id; raises ``NotFound``."""
    identity = ids.parse(principal_id)
    if identity is not None:
        people = Membership.objects.for_organization(organization_id).filter(user_id=identity)
        robots = ServiceUser.objects.for_organization(organization_id).filter(pk=identity)
        if robots.exists():
            return Principal(identity, "SERVICE_USER", organization_id)
        if people.exists() or User.objects.filter(pk=identity, is_support=True).exists():
            return Principal(identity, "USER", organization_id)
    raise NotFound("No such user or service user.")


def question(principal: Principal, action: str, resource: str) -> Question:
    """Return what is asked; ``resource`` is ``config:plan`` or ``config:plan/item/{id}``.

    Raises ``FieldRefused`` for what is no single action, no single type or no single row.
    """
    parts = policy_words.action_parts(action)
    if parts is None or "*" in parts:
        raise FieldRefused("action", f"{action[:80]!r} is not an action")
    pattern = policies.parse(resource)
    if pattern is None or "*" in (pattern.service, pattern.type) or pattern.reach == "group":
        raise FieldRefused("resource", f"{resource[:80]!r} is not a resource type, or a row of one")
    item_id = pattern.id if pattern.reach == "item" else None
    return Question(principal, ":".join(parts), f"{pattern.service}:{pattern.type}", item_id)


def answer(asked: Question) -> Answer:
    """Return whether it is allowed, and why."""
    service, _, kind = asked.resource.partition(":")
    of_row = policies.Resource(service, kind, asked.item_id, _groups_of(asked))
    applying = tuple(
        source
        for source in sources(asked.principal)
        if policies.applies(source.statement, asked.action, of_row)
    )
    is_allowed = access.allowed(asked.principal, asked.action, asked.resource, asked.item_id)
    denying = next((one for one in applying if one.effect == "deny"), None)
    return Answer(is_allowed, denying or next(iter(applying), None), applying)


def _groups_of(asked: Question) -> frozenset[str]:
    identity = ids.parse(asked.item_id)
    if identity is None:
        return frozenset()
    found = resource_groups.above(asked.principal.organization_id, identity)
    return frozenset(str(group) for group in found)


def sources(principal: Principal) -> list[Source]:
    """Return every statement that speaks of the principal (A5.13.1), and where it comes from."""
    paths = _paths(principal) if principal.kind == "USER" else {}
    found = []
    for attachment in _attachments(principal, paths):
        policy = attachment.policy
        way: Way = {"USERGROUP": "USERGROUP", "SUPPORTUSERS": "SUPPORT"}.get(  # type: ignore[assignment]
            attachment.principal_type, "ATTACHED"
        )
        groups = paths.get(attachment.principal_id, ())
        for number, statement in enumerate(policy.statements, 1):
            found.append(Source(statement, way, number, (policy.pk, policy.name), groups))
    return [*found, *_inline(principal)]


def _attachments(
    principal: Principal, paths: dict[UUID, tuple[tuple[UUID, str], ...]]
) -> Iterable[PolicyAttachment]:
    own = PrincipalType.USER if principal.kind == "USER" else PrincipalType.SERVICEUSER
    either = Q(principal_type=own, principal_id=principal.id)
    either |= Q(principal_type=PrincipalType.USERGROUP, principal_id__in=list(paths))
    if _window(principal) is not None:
        either |= Q(principal_type=PrincipalType.SUPPORTUSERS)
    rows = PolicyAttachment.objects.for_organization(principal.organization_id).filter(either)
    return rows.select_related("policy").order_by("policy__name", "pk")


def _inline(principal: Principal) -> list[Source]:
    if principal.kind != "USER":
        return []
    members = Membership.objects.for_organization(principal.organization_id)
    member = members.filter(user_id=principal.id).first()
    window = _window(principal)
    return [
        *_numbered("INLINE", member.statements if member else ()),
        *_numbered("SUPPORT", window.statements if window else ()),
    ]


def _numbered(way: Way, statements: Sequence[policies.Statement]) -> list[Source]:
    return [Source(statement, way, number) for number, statement in enumerate(statements, 1)]


def _window(principal: Principal) -> SupportAccess | None:
    """Return the open window of a support user (A7.4)."""
    if not User.objects.filter(pk=principal.id, is_support=True).exists():
        return None
    windows = SupportAccess.objects.for_organization(principal.organization_id)
    return windows.filter(ends_at__gt=clock.now()).first()


def _paths(principal: Principal) -> dict[UUID, tuple[tuple[UUID, str], ...]]:
    """Return, for each user group that holds a person, the groups on the way to it."""
    with connection.cursor() as cursor:
        values = {"organization": principal.organization_id, "person": principal.id}
        cursor.execute(PATHS, values)
        found: dict[UUID, list[UUID]] = dict(cursor.fetchall())
    names = dict(
        ResourceGroup.objects.for_organization(principal.organization_id)
        .filter(pk__in=found)
        .values_list("pk", "name")
    )
    return {
        group: tuple((one, names.get(one, "")) for one in path) for group, path in found.items()
    }


@dataclass(frozen=True, slots=True)
class Cell:
    """What is allowed of one action on one type: every row, some rows, or none."""

    action: str
    extent: Literal["all", "some", "none"]


def matrix(principal: Principal) -> dict[str, list[tuple[str, list[Cell]]]]:
    """Return everything the principal may do, by service and resource type.

    Each type has the four actions of configuration first, then others that make sense for it.
    """
    rights = access.Rights(principal)
    return {
        service: [
            (kind, [_cell(rights, action, f"{service}:{kind}") for action in actions_of(service)])
            for kind in kinds
        ]
        for service, kinds in policy_words.RESOURCES.items()
    }


def actions_of(service: str) -> tuple[str, ...]:
    """Return the actions that are asked for on types of a service (A5.12)."""
    more = {
        "analytics": ("analytics:query",),
        "data": tuple(f"measurements:{verb}" for verb in policy_words.ACTIONS["measurements"]),
        "audit": ("audit:retrieve",),
    }.get(service, ())
    verbs = ("retrieve", "create", "update", "delete")
    plain = () if service in {"data", "audit"} else tuple(f"config:{verb}" for verb in verbs)
    return plain + more


def _cell(rights: access.Rights, action: str, resource: str) -> Cell:
    if rights.allows(action, resource):
        return Cell(action, "some" if rights.denies_some(action, resource) else "all")
    return Cell(action, "some" if rights.allows_some(action, resource) else "none")
