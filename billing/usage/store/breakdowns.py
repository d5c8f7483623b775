"""The usage behind one quantity, by time slice and dimension: what statements show."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg import sql

from billing.usage.store import segments
from billing.usage.store.requests import ANY, Filters, Method, Segmentation
from organizations.kernel import ids
from organizations.kernel.periods import sql_name

FETCHED = 2000

BREAKDOWN = """
    SELECT {groups}, {folds}
    FROM (
        SELECT {grouped}, {values}, m.ts, m.received_at, m.uid
        FROM billing_measurement m
        WHERE m.organization_id = {organization} AND m.account_id = ANY({accounts}::uuid[])
            AND m.meter_id = {meter} AND m.ts >= {start} AND m.ts < {end}
            AND m.received_at <= {until}{segment}{filtered}
        OFFSET 0
    ) v
    GROUP BY {numbers} ORDER BY {numbers}
"""
NUMBER = "CASE WHEN jsonb_typeof(m.fields -> {0}) = 'number' THEN (m.fields -> {0})::numeric END"
TEXT = "(m.fields ->> {0})"
FOLDS = {
    Method.SUM: "sum({0})",
    Method.MIN: "min({0})",
    Method.MAX: "max({0})",
    Method.MEAN: "avg({0})",
    Method.COUNT: "count({0})",
    Method.UNIQUE: "count(DISTINCT {0})",
    Method.LATEST: "(array_agg({0} ORDER BY v.ts DESC, v.received_at DESC, v.uid DESC)"
    " FILTER (WHERE {0} IS NOT NULL))[1]",
}
OF_TEXT = {Method.COUNT, Method.UNIQUE}


@dataclass(frozen=True, slots=True)
class Breakdown:
    """What is broken down, and how.

    ``slice`` is a word of PostgreSQL's ``date_trunc``, empty for the whole window. A dimension
    is a field and the texts that are told apart; all others are one group, without a text.
    ``folds`` are the values of each group.
    """

    account_ids: tuple[UUID, ...]
    meter_id: UUID
    start_at: datetime
    end_at: datetime
    received_until: datetime
    zone: tzinfo
    slice: str
    dimensions: tuple[tuple[str, tuple[str, ...]], ...]
    folds: tuple[tuple[Method, str], ...]
    segmentation: Segmentation | None = None
    segment: tuple[str, ...] | None = None
    filters: Filters = ()


@dataclass(frozen=True, slots=True)
class Group:
    """One time slice and one text of each dimension, with the folds in the order asked for."""

    first_day: date | None
    texts: tuple[str | None, ...]
    values: tuple[Decimal | None, ...]


def breakdown(organization_id: UUID, asked: Breakdown) -> Iterator[Group]:
    """Yield the groups in order of time and text; of any number, a few at a time."""
    statement = _statement(organization_id, asked)
    width = len(asked.dimensions)
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement)
        while rows := cursor.fetchmany(FETCHED):
            for first, *rest in rows:
                yield Group(
                    first.date() if first is not None else None,
                    tuple(rest[:width]),
                    tuple(None if value is None else Decimal(value) for value in rest[width:]),
                )


def _statement(organization_id: UUID, asked: Breakdown) -> sql.Composed:
    groups = ["slice", *(f"text{number}" for number in range(len(asked.dimensions)))]
    columns = [_slice(asked), *(_told_apart(*one) for one in asked.dimensions)]
    names = [f"value{number}" for number in range(len(asked.folds))]
    literals: dict[str, Any] = {
        "organization": organization_id,
        "accounts": ids.array(asked.account_ids),
        "meter": asked.meter_id,
        "start": asked.start_at,
        "end": asked.end_at,
        "until": asked.received_until,
    }
    parts: dict[str, sql.Composable] = {key: sql.Literal(one) for key, one in literals.items()}
    parts["groups"] = sql.SQL(", ").join(sql.SQL("v.") + sql.Identifier(one) for one in groups)
    parts["numbers"] = sql.SQL(", ".join(str(place + 1) for place in range(len(groups))))
    parts["grouped"] = _named(columns, groups)
    parts["values"] = _named([_value(*fold) for fold in asked.folds], names)
    parts["folds"] = sql.SQL(", ").join(
        sql.SQL(FOLDS[method]).format(sql.SQL("v.") + sql.Identifier(name))
        for (method, _), name in zip(asked.folds, names, strict=True)
    )
    parts["segment"] = _segment(asked)
    parts["filtered"] = sql.Composed(
        sql.SQL(" AND m.fields ->> {} = ANY({}::text[])").format(
            sql.Literal(field), sql.Literal(list(texts))
        )
        for field, texts in asked.filters
    )
    return sql.SQL(BREAKDOWN).format(**parts)


def _slice(asked: Breakdown) -> sql.Composable:
    if not asked.slice:
        return sql.SQL("NULL::timestamp")
    return sql.SQL("date_trunc({}, m.ts AT TIME ZONE {})").format(
        sql.Literal(asked.slice), sql.Literal(sql_name(asked.zone))
    )


def _told_apart(field: str, texts: tuple[str, ...]) -> sql.Composable:
    value = sql.SQL(TEXT).format(sql.Literal(field))
    if ANY in texts:
        return value
    return sql.SQL("CASE WHEN {0} = ANY({1}::text[]) THEN {0} END").format(
        value, sql.Literal(list(texts))
    )


def _value(method: Method, field: str) -> sql.Composable:
    return sql.SQL(TEXT if method in OF_TEXT else NUMBER).format(sql.Literal(field))


def _named(columns: list[sql.Composable], names: list[str]) -> sql.Composed:
    pairs = zip(columns, names, strict=True)
    return sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(column, sql.Identifier(name)) for column, name in pairs
    )


def _segment(asked: Breakdown) -> sql.Composable:
    if asked.segmentation is None or asked.segment is None:
        return sql.SQL("")
    number = asked.segmentation.segments.index(asked.segment)
    return sql.SQL(" AND {} = {}").format(
        segments.number_of_segment(asked.segmentation), sql.Literal(number)
    )
