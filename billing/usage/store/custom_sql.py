"""Run a query that somebody wrote, over the measurements of one quantity (usage.md 9.8).

It was parsed and written again (catalog/custom_sql). Here it sees as ``measurements`` only what the
quantity is about, as a role that may read one view of this organization's measurements and nothing
else, in a read-only transaction of at most five seconds that is rolled back.
"""

from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import DatabaseError, OperationalError, connection, transaction
from psycopg import errors, sql

from billing.usage.store import segments
from billing.usage.store.requests import CustomQuery, Quantity, QuantityRequest
from organizations.kernel import isolation
from organizations.kernel.row_security import CUSTOM_SQL_VIEW

SECONDS: Final = 5
RESERVED: Final = frozenset({"account_id", "meter_id", "uid", "ts", "ets", "received_at"})
_MOST_ROWS: Final = 2  # one, and another that is one too many
_LIMIT: Final = Decimal("1E20")
# Names are found in the schema of the system only: ours is named where it is meant.
_SETTINGS: Final = (
    "SET LOCAL transaction_read_only = on",
    f"SET LOCAL statement_timeout = '{SECONDS}s'",
    "SET LOCAL search_path = pg_catalog",
    "SET LOCAL work_mem = '16MB'",
)
_STATEMENT: Final = """
WITH measurements AS (
    SELECT m.account_id, m.meter_id, m.uid, m.ts, m.ets, m.received_at{columns}
      FROM public.{view} m
     WHERE (m.account_id = ANY({accounts}::uuid[]){spans}) AND m.meter_id = {meter}
       AND m.ts >= {start} AND m.ts < {end}{segment}
)
SELECT q.value::numeric, (SELECT count(*) FROM measurements) FROM ({query}) AS q (value) LIMIT $1
"""


class _Done(Exception):
    """The answer is there; what was set for it is rolled back."""


def quantity(organization_id: UUID, request: QuantityRequest) -> Quantity:
    """Return the number the query gives; null where it gives none."""
    if not settings.ALLOWS_CUSTOM_SQL:
        return Quantity(refusal="queries are turned off in this installation")
    if request.query is None:
        return Quantity(refusal="its query may not be run any more; save it again")
    try:
        rows = _rows(organization_id, _statement(request, request.query))
    except OperationalError as error:
        if isinstance(error.__cause__, errors.QueryCanceled):
            return Quantity(refusal=f"the query takes more than {SECONDS} seconds")
        raise
    except DatabaseError as error:
        return Quantity(refusal=_words(error))
    return _only(rows)


def _only(rows: list[tuple[Any, ...]]) -> Quantity:
    if len(rows) > 1:
        return Quantity(refusal="the query gives more than one row")
    if not rows or rows[0][0] is None:
        return Quantity()
    value, count = rows[0]
    if not (value.is_finite() and -_LIMIT < value < _LIMIT):
        return Quantity(refusal="the result must be a number smaller than 1e20")
    return Quantity(value, count)


def _rows(organization_id: UUID, statement: sql.Composed) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                for setting in _SETTINGS:
                    cursor.execute(setting)
            with isolation.as_custom_sql(organization_id), connection.cursor() as cursor:
                cursor.execute("SELECT 1")  # enters the role
                found = _one_statement(statement)
            raise _Done
    except _Done:
        return found


def _one_statement(statement: sql.Composed) -> list[tuple[Any, ...]]:
    """Run it with a parameter: the protocol then takes a single statement only."""
    with connection.wrap_database_errors, psycopg.RawCursor(connection.connection) as cursor:
        cursor.execute(statement, [_MOST_ROWS])
        return cursor.fetchall()


def _statement(request: QuantityRequest, query: CustomQuery) -> sql.Composed:
    segment: sql.Composable = sql.SQL("")
    if request.segmentation is not None and request.segment is not None:
        number = request.segmentation.segments.index(request.segment)
        segment = sql.SQL(" AND {} = {}").format(
            segments.number_of_segment(request.segmentation), sql.Literal(number)
        )
    return sql.SQL(_STATEMENT).format(
        columns=_columns(query),
        view=sql.Identifier(CUSTOM_SQL_VIEW),
        accounts=sql.Literal([str(one) for one in request.account_ids]),
        spans=_spans(request),
        meter=sql.Literal(request.meter_id),
        start=sql.Literal(request.start_at),
        end=sql.Literal(request.end_at),
        segment=segment,
        query=sql.SQL(query.sql),
    )


def _spans(request: QuantityRequest) -> sql.Composed:
    """Return the time of those accounts of which only a part of the window counts."""
    return sql.Composed(
        sql.SQL(" OR (m.account_id = {} AND m.ts >= {} AND m.ts < {})").format(
            sql.Literal(str(account_id)), sql.Literal(start_at), sql.Literal(end_at)
        )
        for account_id, start_at, end_at in request.spans
    )


def _columns(query: CustomQuery) -> sql.Composable:
    """Return the fields as columns; a name that every measurement has wins over a field."""
    numbers = [
        sql.SQL(", (m.fields ->> {})::numeric AS {}").format(sql.Literal(one), sql.Identifier(one))
        for one in query.numbers
        if one not in RESERVED
    ]
    texts = [
        sql.SQL(", m.fields ->> {} AS {}").format(sql.Literal(one), sql.Identifier(one))
        for one in query.texts
        if one not in RESERVED
    ]
    return sql.SQL("").join([*numbers, *texts])


def _words(error: DatabaseError) -> str:
    """Return the first line of what the database says, which is about the query alone."""
    cause = error.__cause__
    said = getattr(getattr(cause, "diag", None), "message_primary", None) or "it failed"
    return f"the query cannot be run: {said}"
