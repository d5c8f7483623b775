"""Read, with one query, what the database says of a principal: grants and statements."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.contenttypes.models import ContentType
from django.db import connection

from organizations.kernel import exact_json
from organizations.kernel.principals import Principal
from organizations.models import Organization

# Asked once per request, so they do without the cost of building a query. Each row is either a
# hidden group with the name of one permission it has on the organization (A5.14), or statements.
GRANTS = """
    SELECT held.id, permission.codename, NULL::jsonb
    FROM auth_group held
    LEFT JOIN (
        guardian_groupobjectpermission granted
        JOIN auth_permission permission ON permission.id = granted.permission_id
    ) ON granted.group_id = held.id AND granted.content_type_id = %(kind)s
        AND granted.object_pk = %(organization_text)s
"""
OF_SERVICE_USER = f"""
    {GRANTS} WHERE held.name = %(organization_text)s || '/SERVICEUSER/' || %(principal_text)s
    UNION ALL
    SELECT NULL, NULL, policy.statements FROM organizations_policyattachment attachment
    JOIN organizations_permissionpolicy policy ON policy.id = attachment.policy_id
    WHERE attachment.organization_id = %(organization)s
        AND attachment.principal_type = 'SERVICEUSER' AND attachment.principal_id = %(principal)s
"""  # noqa: S608 - put together from constants
# Attached to the person, to a group that holds them at any level, or to all support users
# while their window is open (A7.4); and the statements of window and membership themselves.
OF_PERSON = f"""
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
    ), speaking AS MATERIALIZED (
        SELECT %(organization_text)s || '/USER/' || %(principal_text)s AS name
        UNION ALL
        SELECT %(organization_text)s || '/USERGROUP/' || id FROM above
        UNION ALL
        SELECT %(organization_text)s || '/SUPPORTUSERS/' || %(organization_text)s
        FROM support_window
    )
    {GRANTS} WHERE held.name IN (SELECT name FROM speaking)
    UNION ALL
    SELECT NULL, NULL, policy.statements FROM organizations_policyattachment attachment
    JOIN organizations_permissionpolicy policy ON policy.id = attachment.policy_id
    WHERE attachment.organization_id = %(organization)s AND (
        attachment.principal_type = 'USER' AND attachment.principal_id = %(principal)s
        OR attachment.principal_type = 'USERGROUP'
            AND attachment.principal_id IN (SELECT id FROM above)
        OR attachment.principal_type = 'SUPPORTUSERS' AND EXISTS (SELECT 1 FROM support_window)
    )
    UNION ALL
    SELECT NULL, NULL, statements FROM support_window
    UNION ALL
    SELECT NULL, NULL, statements FROM organizations_membership
    WHERE organization_id = %(organization)s AND user_id = %(principal)s
"""  # noqa: S608 - put together from constants
QUERIES = {"SERVICE_USER": OF_SERVICE_USER, "USER": OF_PERSON}


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database says of a principal.

    ``groups`` are the hidden groups that speak for it, ``types`` the names of what they are
    granted on the organization, ``statements`` all of theirs, denies included (A5.13.1).
    """

    groups: tuple[int, ...]
    types: frozenset[str]
    statements: list[dict[str, Any]]


MOST_KNOWN = 10_000
REVISION = "SELECT catalog_revision FROM organizations_organization WHERE id = %s"
# What this process knows of service users, each at the revision it was read at. Every change of a
# policy, an attachment or a service user raises the organization's revision, in its transaction.
_known: dict[UUID, tuple[int, "Standing"]] = {}


def standing(principal: Principal) -> Standing:
    """Return what speaks of the principal now.

    Of a service user it is kept, and each call reads only the organization's revision to know
    that nothing has changed (a third of the time of reading one row by the API). Not of people:
    their support windows end by the clock. Not inside a transaction either, whose rollback would
    take a revision back.
    """
    if principal.kind != "SERVICE_USER" or connection.in_atomic_block:
        return read(principal)
    with connection.cursor() as cursor:
        cursor.execute(REVISION, [principal.organization_id])
        row = cursor.fetchone()
    revision, known = row[0] if row else 0, _known.get(principal.id)
    if known is not None and known[0] == revision:
        return known[1]
    # Read after the revision: should something change in between, it is only read once more.
    found = read(principal)
    if len(_known) >= MOST_KNOWN:
        _known.clear()
    _known[principal.id] = (revision, found)
    return found


def read(principal: Principal) -> Standing:
    """Ask the database what speaks of the principal, with one query."""
    values = {
        "organization": principal.organization_id,
        "organization_text": str(principal.organization_id),
        "principal": principal.id,
        "principal_text": str(principal.id),
        "kind": ContentType.objects.get_for_model(Organization).pk,
    }
    groups: dict[int, None] = {}
    types, statements = set(), []
    with connection.cursor() as cursor:
        cursor.execute(QUERIES[principal.kind], values)
        for group_id, permission, text in cursor.fetchall():
            if text is not None:
                statements += exact_json.loads(text)
            else:
                groups[group_id] = None
                types.add(permission)
    return Standing(tuple(groups), frozenset(types), statements)
