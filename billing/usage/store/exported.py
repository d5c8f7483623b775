"""Measurements on their way out of the system: raw in pieces, or aggregated by groups.

Raw rows come by keyset, a statement for each piece, so that no transaction stays open meanwhile.
Numbers are read as text: jsonb keeps every digit, and so do we.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg import sql

from organizations.kernel import exact_json

PIECE = 5000
RAW = """
    SELECT account_id, meter_id, uid, ts, ets, received_at, fields::text
    FROM billing_measurement m
    WHERE {where} AND {after}
    ORDER BY account_id, meter_id, ts, uid LIMIT {limit}
"""
AFTER = "(account_id, meter_id, ts, uid) > ({}, {}, {}, {})"
GROUPED = "SELECT {columns} FROM billing_measurement m WHERE {where} {grouped}"
NUMBER = "CASE WHEN jsonb_typeof(fields -> {0}) = 'number' THEN (fields -> {0})::numeric END"
OF_METER = " FILTER (WHERE meter_id = {meter})"
FOLDS = {
    "SUM": f"sum({NUMBER})" + OF_METER,
    "MIN": f"min({NUMBER})" + OF_METER,
    "MAX": f"max({NUMBER})" + OF_METER,
    "MEAN": f"avg({NUMBER})" + OF_METER,
    "COUNT": "count(fields -> {0})" + OF_METER,
    "UNIQUE": "count(DISTINCT fields ->> {0})" + OF_METER,
    "LATEST": f"(array_agg({NUMBER} ORDER BY ts DESC, uid DESC) FILTER (WHERE meter_id = {{meter}}"
    " AND fields ? {0}))[1]",
}
BUCKET = "date_trunc({}, ts AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"
DIMENSION = "CASE WHEN meter_id = {meter} THEN fields ->> {field} END"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which measurements: ``start_at <= ts < end_at``; None as accounts or meters means all.

    A filter says of the measurements of one meter which values a field may have.
    """

    organization_id: UUID
    start_at: datetime
    end_at: datetime
    accounts: Sequence[UUID] | None = None
    meters: Sequence[UUID] | None = None
    filters: Sequence[tuple[UUID, str, Sequence[str]]] = ()


@dataclass(frozen=True, slots=True)
class Fold:
    """A function of one field of one meter."""

    meter_id: UUID
    field: str
    function: str


@dataclass(frozen=True, slots=True)
class Group:
    """What rows are grouped by: an account, a length of time in UTC, or a field of a meter."""

    kind: str
    frequency: str = ""
    meter_id: UUID | None = None
    field: str = ""


def raw(wanted: Wanted) -> Iterator[list[tuple[Any, ...]]]:
    """Yield pieces of rows: account, meter, uid, ts, ets, received at, fields."""
    after: sql.Composable = sql.SQL("TRUE")
    while True:
        statement = sql.SQL(RAW).format(where=_where(wanted), after=after, limit=sql.Literal(PIECE))
        with connection.cursor() as cursor:
            cursor.execute(statement)
            rows = cursor.fetchall()
        if rows:
            yield [(*row[:6], exact_json.loads(row[6])) for row in rows]
        if len(rows) < PIECE:
            return
        account, meter, uid, ts = rows[-1][:4]
        after = sql.SQL(AFTER).format(*(sql.Literal(key) for key in (account, meter, ts, uid)))


def grouped(
    wanted: Wanted, groups: Sequence[Group], folds: Sequence[Fold]
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield pieces of rows: the groups in their order, then the folds in theirs."""
    numbers = sql.SQL(", ").join(sql.Literal(place + 1) for place in range(len(groups)))
    statement = sql.SQL(GROUPED).format(
        columns=sql.SQL(", ").join([*map(_group, groups), *map(_fold, folds)]),
        where=_where(wanted),
        grouped=sql.SQL("GROUP BY {0} ORDER BY {0}").format(numbers) if groups else sql.SQL(""),
    )
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement)
        while rows := cursor.fetchmany(PIECE):
            yield list(rows)


def _where(wanted: Wanted) -> sql.Composed:
    parts = [
        sql.SQL("organization_id = {}").format(sql.Literal(wanted.organization_id)),
        sql.SQL("ts >= {} AND ts < {}").format(
            sql.Literal(wanted.start_at), sql.Literal(wanted.end_at)
        ),
    ]
    for column, chosen in (("account_id", wanted.accounts), ("meter_id", wanted.meters)):
        if chosen is not None:
            parts.append(
                sql.SQL("{} = ANY({}::uuid[])").format(
                    sql.Identifier(column), sql.Literal([str(one) for one in chosen])
                )
            )
    for meter, field, values in wanted.filters:
        parts.append(
            sql.SQL("(meter_id <> {} OR fields ->> {} = ANY({}::text[]))").format(
                sql.Literal(meter), sql.Literal(field), sql.Literal(list(values))
            )
        )
    return sql.SQL(" AND ").join(parts)


def _group(group: Group) -> sql.Composable:
    if group.kind == "ACCOUNT":
        return sql.SQL("account_id")
    if group.kind == "TIME":
        return sql.SQL(BUCKET).format(sql.Literal(group.frequency.lower()))
    return sql.SQL(DIMENSION).format(
        meter=sql.Literal(group.meter_id), field=sql.Literal(group.field)
    )


def _fold(fold: Fold) -> sql.Composed:
    return sql.SQL(FOLDS[fold.function]).format(
        sql.Literal(fold.field), meter=sql.Literal(fold.meter_id)
    )
