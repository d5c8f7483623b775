"""What resource groups hold, directly and through nesting; putting rows in and taking them out.

A group holds rows of its own type and groups of its own type. Which groups hold a row is asked
of the database each time, in one recursive query: a group of 100,000 rows costs nothing to
attach a policy to.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from organizations import policy_words
from organizations.kernel import changes, ids, locking, registry
from organizations.kernel.errors import FieldRefused, NotFound, VersionMismatch
from organizations.kernel.principals import Principal
from organizations.models import (
    PolicyAttachment,
    PrincipalType,
    ResourceGroup,
    ResourceGroupItem,
    TargetType,
)

DEEPEST = 10
USER_TYPE = "orguser"

ABOVE = """
    WITH RECURSIVE above(id, depth) AS (
        SELECT group_id, 1 FROM organizations_resourcegroupitem
        WHERE organization_id = %s AND target_id = %s AND target_type = %s
        UNION
        SELECT item.group_id, above.depth + 1 FROM organizations_resourcegroupitem item
        JOIN above ON item.target_id = above.id AND item.target_type = 'GROUP'
        WHERE above.depth < 100
    )
    SELECT id, max(depth) FROM above GROUP BY id
"""
BELOW = """
    WITH RECURSIVE below(id, depth) AS (
        SELECT unnest(%s::uuid[]), 0
        UNION
        SELECT item.target_id, below.depth + 1 FROM organizations_resourcegroupitem item
        JOIN below ON item.group_id = below.id AND item.target_type = 'GROUP'
        WHERE item.organization_id = %s AND below.depth < 100
    )
    SELECT id, max(depth) FROM below GROUP BY id
"""


def _rows(query: str, values: list[Any]) -> dict[UUID, int]:
    """Return ids of groups and how far away each is at most."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return dict(cursor.fetchall())


def above(
    organization_id: UUID, target_id: UUID, target_type: TargetType = TargetType.ITEM
) -> dict[UUID, int]:
    """Return every group that holds the target, directly or through nesting, with its height."""
    return _rows(ABOVE, [organization_id, target_id, target_type])


def below(organization_id: UUID, group_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return the groups and every group nested in them, with their depth (A6.7)."""
    return _rows(BELOW, [list(group_ids), organization_id])


def holding(
    organization_id: UUID, target_id: UUID, *, kind: str = USER_TYPE, is_inherited: bool = False
) -> QuerySet:
    """Return the groups of a type that hold a row: directly, or inherited through nesting too."""
    groups = ResourceGroup.objects.for_organization(organization_id).filter(type=kind)
    if is_inherited:
        return groups.filter(pk__in=above(organization_id, target_id))
    return groups.filter(items__target_type=TargetType.ITEM, items__target_id=target_id)


def type_of(word: str) -> str:
    """Return the type of the address as stored; ``FieldRefused`` for an unknown one (A6.1)."""
    kind = policy_words.group_type(word)
    if kind is None:
        raise FieldRefused("type", f"{word[:80]!r} is not a known resource type")
    return kind


def add(
    group: ResourceGroup,
    target_type: TargetType,
    target_id: Any,
    *,
    by: Principal,
    version: int | None = None,
) -> ResourceGroup:
    """Put a row or a group in and return the group; what is in already changes nothing (A6.5).

    Raises ``NotFound`` for a target of another type or organization and ``FieldRefused`` when the
    group would hold itself or be nested too deep.
    """
    with transaction.atomic():
        locked = _locked(group, version)
        identity, made_at = _target(group, target_type, target_id)
        if _items(group, target_type, identity).exists():
            return locked
        if target_type == TargetType.GROUP:
            _check_nesting(group, identity)
        _check_giving(group, by)
        item = ResourceGroupItem(
            organization_id=group.organization_id,
            group=group,
            target_type=target_type,
            target_id=identity,
            target_created_at=made_at,
        )
        with changes.editing(locked, by=by) as changed:
            changes.create(item, by=by)
        return changed


def remove(
    group: ResourceGroup,
    target_type: TargetType,
    target_id: Any,
    *,
    by: Principal,
    version: int | None = None,
) -> ResourceGroup:
    """Take a row or a group out and return the group; ``NotFound`` when it is not in it."""
    identity = ids.parse(target_id)
    with transaction.atomic():
        locked = _locked(group, version)
        found = _items(group, target_type, identity).first() if identity else None
        if found is None:
            raise NotFound("The group does not hold it.")
        _check_giving(group, by, is_taken_out=True)
        with changes.editing(locked, by=by) as changed:
            changes.delete(found, by=by)
        return changed


def forget(rows: Sequence[Any], *, by: Principal) -> None:
    """Take deleted rows out of their groups, and what was attached to them (A6.8)."""
    if isinstance(rows[0], (ResourceGroupItem, PolicyAttachment)):
        return
    gone = [registry.item_id(row) for row in rows]
    organization_ids = {row.organization_id for row in rows}
    scope = {"organization_id__in": organization_ids}
    ResourceGroupItem.objects.filter(target_id__in=gone, **scope).delete()
    attached = PolicyAttachment.objects.filter(principal_id__in=gone, **scope)
    represent = registry.of(PolicyAttachment).represent
    if attachments := [(row, represent(row)) for row in attached]:
        attached.delete()
        changes.deleted_many(attachments, by=by)


def attached_policies(group: ResourceGroup) -> dict[str, Any]:
    """Return the conditions on policies attached to the group."""
    return {
        "attachments__principal_type": PrincipalType.USERGROUP,
        "attachments__principal_id": group.pk,
    }


def _check_giving(group: ResourceGroup, by: Principal, *, is_taken_out: bool = False) -> None:
    """Refuse to give somebody, by a place in a user group, more rights than one may (A5.12).

    Whoever is taken out loses the denies of its policies.
    """
    if group.type != USER_TYPE:
        return
    from organizations import giving  # asks ``access``, which asks here what groups hold

    outer = above(group.organization_id, group.pk, TargetType.GROUP)
    given = giving.attached(group.organization_id, PrincipalType.USERGROUP, [group.pk, *outer])
    if is_taken_out:
        giving.require_to_take(by, given)
    else:
        giving.require(by, given)


def _locked(group: ResourceGroup, version: int | None) -> ResourceGroup:
    locked = ResourceGroup.objects.select_for_update().filter(pk=group.pk).first()
    if locked is None:
        raise NotFound
    if version is not None and version != locked.version:
        raise VersionMismatch(sent=version, stored=locked.version)
    return locked


def _items(group: ResourceGroup, target_type: TargetType, identity: UUID) -> QuerySet:
    return ResourceGroupItem.objects.filter(
        group=group, target_type=target_type, target_id=identity
    )


def _target(
    group: ResourceGroup, target_type: TargetType, target_id: Any
) -> tuple[UUID, datetime | None]:
    """Return the id of a row or group of the group's type and organization; of a row also when it
    was made."""
    identity = ids.parse(target_id)
    if identity is not None:
        if target_type == TargetType.GROUP:
            rows: QuerySet = ResourceGroup.objects.filter(type=group.type, pk=identity)
        else:
            rows = _rows_of_type(group.type, identity)
        # Held, so that nobody deletes it before it is seen to be in the group.
        for row in locking.held(rows.filter(organization_id=group.organization_id)):
            return identity, row.created_at if target_type == TargetType.ITEM else None
    what = "group" if target_type == TargetType.GROUP else "row"
    raise NotFound(f"No such {what} of type {group.type}.")


def _rows_of_type(kind: str, identity: UUID) -> QuerySet:
    resource = registry.of_type(kind)
    if resource is None:  # a type of the platform that has no rows here
        return ResourceGroup.objects.none()
    return resource.model._base_manager.filter(**{resource.item_field: identity})


def _check_nesting(group: ResourceGroup, nested_id: UUID) -> None:
    """Refuse a circle, and more than ten groups inside one another."""
    with connection.cursor() as cursor:
        # Two nestings at once could close a circle that neither of them sees.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"{group.organization_id}"])
    inside = below(group.organization_id, [nested_id])
    if group.pk in inside:
        raise FieldRefused("targetId", "the group would hold itself")
    outside = above(group.organization_id, group.pk, TargetType.GROUP)
    if max(outside.values(), default=0) + 1 + max(inside.values()) > DEEPEST:
        raise FieldRefused("targetId", f"groups may be nested at most {DEEPEST} deep")
