"""Narrow a query to rows that resource groups hold, quickly for few rows and for very many.

A list shows the newest hundred rows. What holds few rows is fetched, or put into a hash table;
what holds many is merged with the list (``merging``). So the held rows are counted first, up to a
small bound, with the query that resolves nested groups, and the shape of the condition follows
from the count. All shapes mean the same.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, QuerySet

from organizations import merging, policies
from organizations.kernel import ids
from organizations.models import ResourceGroupItem, TargetType

# As many held rows are fetched by their keys (allowed) or put into a hash table (denied).
FEW = 5_000

# Groups with all that are nested in them, and how many rows they hold, as far as it matters.
CONTENTS = """
    WITH RECURSIVE below(id) AS (
        SELECT id FROM organizations_resourcegroup WHERE organization_id = %(organization)s
            AND (id = ANY(%(groups)s) OR type = %(type)s)
        UNION
        SELECT item.target_id FROM below
        JOIN organizations_resourcegroupitem item
            ON item.group_id = below.id AND item.target_type = 'GROUP'
            AND item.organization_id = %(organization)s
    ), held AS (
        SELECT 1 FROM organizations_resourcegroupitem
        WHERE group_id = ANY(ARRAY(SELECT id FROM below)) AND organization_id = %(organization)s
            AND target_type = 'ITEM'
        LIMIT %(bound)s
    )
    SELECT ARRAY(SELECT id FROM below), (SELECT count(*) FROM held)
"""


@dataclass(frozen=True, slots=True)
class Contents:
    """Groups at every level of nesting, and how many rows they hold (at most one past a bound)."""

    organization_id: UUID
    groups: Collection[UUID]
    count: int

    @property
    def is_few(self) -> bool:
        """Return whether the rows can be had at once."""
        return self.count <= FEW


def contents(organization_id: UUID, kind: str, wanted: policies.Rows) -> Contents:
    """Return the groups that are meant, those nested in them included (A6.7).

    ``kind`` is the type of the rows, in normal form: "any group" means any group of that type.
    """
    values = {
        "organization": organization_id,
        "groups": [found for one in wanted.groups if (found := ids.parse(one))],
        "type": kind if wanted.is_any_group else "",
        "bound": FEW + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(CONTENTS, values)
        return Contents(organization_id, *cursor.fetchone())


def inside(rows: QuerySet, column: str, found: Contents, others: QuerySet) -> QuerySet:
    """Return the rows that a group holds, or that are among the ``others``.

    ``column`` has the id rows are held by; ``others`` are ids under the name ``row``.
    """
    if found.is_few:
        held = _items(found).annotate(row=F("target_id")).values("row")
        return rows.filter(among(column, held.union(others, all=True)))
    if merging.is_possible(rows.model, column):
        return rows.filter(merging.Held(_groups(rows, found), ArraySubquery(others)))
    return rows.filter(Q(_is_item(column, found)) | Q(among(column, others)))


def outside(rows: QuerySet, column: str, found: Contents) -> QuerySet:
    """Return the rows that none of the groups holds."""
    if found.is_few:
        # The limit tells PostgreSQL that all of it fits into a hash table; it cuts nothing off.
        return rows.exclude(**{f"{column}__in": _items(found).values("target_id")[: 2 * FEW]})
    if not merging.is_possible(rows.model, column):
        return rows.filter(~_is_item(column, found))
    return rows.filter(merging.NotHeld(_groups(rows, found)))


def among(column: str, keys: QuerySet) -> Any:
    """Return the condition that the column is one of the keys, which are fetched first."""
    return Func(
        F(column),
        ArraySubquery(keys),
        template="%(expressions)s)",
        arg_joiner=" = ANY(",
        output_field=BooleanField(),
    )


def _groups(rows: QuerySet, found: Contents) -> merging.Groups:
    return merging.Groups(rows.model, found.organization_id, found.groups)


def _is_item(column: str, found: Contents) -> Exists:
    return Exists(_items(found).filter(target_id=OuterRef(column)))


def _items(found: Contents) -> QuerySet:
    # The organization is named although its groups imply it: compared row by row with what the
    # connection was told, 100,000 rows would take 40 ms more.
    return ResourceGroupItem.objects.for_organization(found.organization_id).filter(
        group_id__in=list(found.groups), target_type=TargetType.ITEM
    )
