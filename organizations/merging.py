"""Narrow a list to rows that groups hold, or do not hold, by merging the two in list order.

What a group holds is kept in the order of the list of its rows: newest first. PostgreSQL reads
both side by side and stops when the page is full, so that a page costs the rows it passes,
whatever the group holds, and nothing is counted, hashed or fetched before. Not merged is a query
that names the rows it wants: it is asked row by row; and one that counts or sorts otherwise: what
is allowed is fetched by key. Of a list that begins with thousands of denied rows the run is passed
over by comparing places, several times as quick.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import connection, models
from django.db.models import BooleanField, F, Func
from django.db.models.lookups import Exact, In
from django.db.models.sql.query import Query
from django.db.models.sql.where import AND, WhereNode

# Of more groups all rows are sorted together, instead of reading each group in its own order.
MERGED_AT_MOST = 24
FIRST_STEP, LONGEST_STEP = 128, 8192

# The ORDER BY of each arm and that around them let PostgreSQL read the index of each, and merge.
ARM = """(SELECT target_created_at AS at, target_id AS id FROM organizations_resourcegroupitem
    WHERE organization_id = %s AND group_id {of_group} AND target_type = 'ITEM' {beyond}
    ORDER BY 1 DESC, 2 DESC)"""
GRANTED = """(SELECT granted.created_at AS at, granted.id FROM {table} granted
    WHERE granted.organization_id = %s AND granted.id = ANY({keys}) ORDER BY 1 DESC, 2 DESC)"""
MERGED = """EXISTS (SELECT FROM (SELECT at, id FROM ({arms}) arms ORDER BY 1 DESC, 2 DESC) held
    WHERE held.at = {at} AND held.id = {id})"""
ASKED = """EXISTS (SELECT FROM organizations_resourcegroupitem asked
    WHERE asked.organization_id = %s AND asked.group_id = ANY(%s) AND asked.target_type = 'ITEM'
        AND asked.target_id = {id})"""
# In any other order all that is held is wanted, and fetching it by key is the quickest.
FETCHED = """{id} = ANY(ARRAY(SELECT target_id FROM organizations_resourcegroupitem
    WHERE organization_id = %s AND group_id = ANY(%s) AND target_type = 'ITEM'
    UNION ALL SELECT unnest({keys})))"""
# Each step passes rows whose last has the same place among the rows and in the groups: as the
# groups hold nothing but such rows, they hold all of them. A row in two groups has to be counted
# once, or it stands for one that none of them holds.
RUN = """
    WITH RECURSIVE run(at, id, step, is_growing) AS (
        SELECT 'infinity'::timestamptz, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid,
            %(first)s, true
        UNION ALL
        SELECT CASE WHEN is_held THEN held.at ELSE run.at END,
            CASE WHEN is_held THEN held.id ELSE run.id END,
            CASE WHEN NOT is_held THEN run.step / 4
                WHEN is_growing THEN least(run.step * 4, %(longest)s) ELSE run.step END,
            is_growing AND is_held
        FROM run
        LEFT JOIN LATERAL (
            SELECT {once} at, id FROM ({arms}) arms
            ORDER BY 1 DESC, 2 DESC OFFSET run.step - 1 LIMIT 1
        ) held ON true
        LEFT JOIN LATERAL (
            SELECT created_at AS at, id FROM {table}
            WHERE organization_id = %(organization)s AND (created_at, id) < (run.at, run.id)
                AND held.id IS NOT NULL
            ORDER BY 1 DESC, 2 DESC OFFSET run.step - 1 LIMIT 1
        ) listed ON true,
        LATERAL (SELECT coalesce(held.id = listed.id, false)) same(is_held)
        WHERE run.step >= %(first)s / 2
    )
    SELECT at, id FROM run WHERE isfinite(at) ORDER BY 1, 2 LIMIT 1
"""


def is_possible(model: type[models.Model], column: str) -> bool:
    """Return whether an index keeps the rows in list order by the id that groups know them by."""
    wanted = ["organization", "-created_at", "-id"]
    return column == "pk" and any(index.fields == wanted for index in model._meta.indexes)


class Groups:
    """Groups at every level of nesting, whose rows a list of the model is merged with."""

    def __init__(
        self, model: type[models.Model], organization_id: UUID, groups: Collection[UUID]
    ) -> None:
        self.organization_id, self.groups = organization_id, list(groups)
        self.table = connection.ops.quote_name(model._meta.db_table)

    @cached_property
    def run_end(self) -> tuple[Any, ...] | None:
        """The place (when it was made, its id) of the last row of the run of held rows that the
        list begins with, when the run is long. Some more held rows may follow."""
        values = {"organization": self.organization_id, "first": FIRST_STEP}
        values["longest"] = LONGEST_STEP
        arms = []
        for number, (of_group, value) in enumerate(self._arms()):
            values[f"group{number}"] = value
            arm = ARM.replace("%s", "%(organization)s").format(
                of_group=of_group.replace("%s", f"%(group{number})s"),
                beyond="AND (target_created_at, target_id) < (run.at, run.id)",
            )
            arms.append(arm)
        once = "DISTINCT" if len(self.groups) > 1 else ""
        statement = RUN.format(once=once, arms=" UNION ALL ".join(arms), table=self.table)
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            found: tuple[Any, ...] | None = cursor.fetchone()
            return found

    def arms(self, place: tuple[Any, ...] | None = None) -> tuple[list[str], list[Any]]:
        """Return what reads each group in list order, from a place on, and its values."""
        texts, values = [], []
        beyond = "AND (target_created_at, target_id) < (%s, %s)" if place else ""
        for of_group, value in self._arms():
            texts.append(ARM.format(of_group=of_group, beyond=beyond))
            values += [self.organization_id, value, *(place or ())]
        return texts, values

    def _arms(self) -> Iterator[tuple[str, Any]]:
        """Yield the condition on the group of each arm, with its value."""
        if len(self.groups) > MERGED_AT_MOST:
            yield "= ANY(%s)", self.groups
            return
        for group in self.groups:
            yield "= %s", group


class Held(Func):
    """The condition that the groups hold the row, or that it is among the granted ids."""

    output_field = BooleanField()

    def __init__(self, groups: Groups, granted: Any) -> None:
        super().__init__(F("created_at"), F("pk"), granted)
        self.groups = groups

    def as_sql(self, compiler: Any, connection: Any, **_options: Any) -> tuple[str, list[Any]]:
        """Return an EXISTS, which PostgreSQL turns into a join."""
        groups = self.groups
        (at, at_values), (key, key_values), (keys, granted_values) = map(
            compiler.compile, self.get_source_expressions()
        )
        if _names_rows(compiler.query.where):
            asked, values = ASKED.format(id=key), [groups.organization_id, groups.groups]
            return f"({asked} OR {key} = ANY({keys}))", [
                *values, *key_values, *key_values, *granted_values
            ]  # fmt: skip
        if not _is_in_list_order(compiler.query):
            values = [groups.organization_id, groups.groups, *granted_values]
            return FETCHED.format(id=key, keys=keys), [*key_values, *values]
        arms, values = groups.arms()
        arms.append(GRANTED.format(table=groups.table, keys=keys))
        values += [groups.organization_id, *granted_values]
        condition = MERGED.format(arms=" UNION ALL ".join(arms), at=at, id=key)
        return condition, [*values, *at_values, *key_values]


class NotHeld(Func):
    """The condition that none of the groups holds the row."""

    output_field = BooleanField()

    def __init__(self, groups: Groups) -> None:
        super().__init__(F("created_at"), F("pk"))
        self.groups = groups

    def as_sql(self, compiler: Any, connection: Any, **_options: Any) -> tuple[str, list[Any]]:
        """Return a NOT EXISTS, which PostgreSQL turns into a join.

        The run is looked for only here: who names rows, counts, or sorts otherwise does not pay
        for it.
        """
        groups = self.groups
        (at, at_values), (key, key_values) = map(compiler.compile, self.get_source_expressions())
        if _names_rows(compiler.query.where):
            asked = ASKED.format(id=key)
            return f"NOT {asked}", [groups.organization_id, groups.groups, *key_values]
        place = groups.run_end if _is_in_list_order(compiler.query) else None
        arms, values = groups.arms(place)
        condition = "NOT " + MERGED.format(arms=" UNION ALL ".join(arms), at=at, id=key)
        values += [*at_values, *key_values]
        if place is None:
            return condition, values
        return f"({at}, {key}) < (%s, %s) AND {condition}", [
            *at_values, *key_values, *place, *values
        ]  # fmt: skip


def _is_in_list_order(query: Query) -> bool:
    return query.order_by[:1] == ("-created_at",)


def _names_rows(where: WhereNode) -> bool:
    """Return whether the query asks for certain rows, and so for few: by id, code or account."""
    if where.connector != AND or where.negated:
        return False
    return any(
        _names_rows(one) if isinstance(one, WhereNode) else _is_naming(one)
        for one in where.children
    )


def _is_naming(lookup: Any) -> bool:
    field = getattr(getattr(lookup, "lhs", None), "target", None)
    if not isinstance(lookup, Exact | In) or field is None or field.name == "organization":
        return False
    if field.unique or isinstance(field, models.UUIDField | models.ForeignKey):
        return True
    constraints = field.model._meta.constraints
    return any(field.name in getattr(one, "fields", ()) for one in constraints)
