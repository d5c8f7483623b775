"""Write rows of one table at once: several times as fast as the ORM's inserts.

Row-level security forbids COPY, so many rows are copied, in binary, into a temporary table and
inserted from there: every policy and constraint holds, and it takes no longer than a COPY in text.
For a few rows one INSERT is quicker than that; its text is made once for each model.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection, models, transaction
from psycopg import sql

from organizations.kernel import exact_json, isolation

# Fewer rows are inserted by one statement of their own.
WORTH_COPYING = 20
# Written as text and cast where the rows are inserted: JSON is text already, addresses too.
AS_TEXT = {"jsonb", "inet"}

_TYPES = """
    SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
"""


class Staging(NamedTuple):
    """A temporary table: its name, how its columns are made and read, their types."""

    name: sql.Identifier
    made: sql.Composable
    read: sql.Composable
    types: tuple[str, ...]


def insert(rows: Sequence[models.Model]) -> None:
    """Store new rows of one model; a key that the database counts is left to it."""
    if not rows:
        return
    table = rows[0]._meta.db_table
    columns, attributes, json = _layout(type(rows[0]))
    written = [values(row, attributes, json) for row in rows]
    if len(rows) >= WORTH_COPYING:
        insert_values(table, columns, written)
        return
    start, row_of = _insertion(type(rows[0]))
    with connection.cursor() as cursor:
        statement = start + ", ".join([row_of] * len(written))
        cursor.execute(statement, [value for row in written for value in row])


def values(row: models.Model, attributes: Sequence[str], json: frozenset[str]) -> list[Any]:
    """Return the row's values as ``insert_values`` takes them: JSON as text."""
    return [
        exact_json.dumps(value).decode() if name in json and value is not None else value
        for name, value in ((name, getattr(row, name)) for name in attributes)
    ]


def insert_values(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Store new rows of values; JSON and addresses are texts, all else is of its own type."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    with staged(table, columns, rows) as staging, connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} s").format(
                sql.Identifier(table), names, staging.read, staging.name
            )
        )


@contextmanager
def staged(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[Staging]:
    """Have the rows in a temporary table inside the block, there to be read as ``s``."""
    staging = _staging(table, tuple(columns), isolation.current().role)
    with (
        transaction.atomic(savepoint=False),  # a commit empties the temporary table
        connection.cursor() as cursor,
        connection.wrap_database_errors,
    ):
        cursor.execute(
            sql.SQL(
                "CREATE TEMPORARY TABLE IF NOT EXISTS {} ON COMMIT DELETE ROWS"
                " AS SELECT {} FROM {} s WITH NO DATA"
            ).format(staging.name, staging.made, sql.Identifier(table))
        )
        statement = sql.SQL("COPY {} FROM STDIN WITH (FORMAT BINARY)").format(staging.name)
        with cursor.copy(statement) as copying:
            copying.set_types(staging.types)
            for row in rows:
                copying.write_row(row)
        yield staging
        # Inside a larger transaction the next call must not see these rows again.
        cursor.execute(sql.SQL("DELETE FROM {}").format(staging.name))


@lru_cache(maxsize=64)
def _insertion(model: type[models.Model]) -> tuple[str, str]:
    """Return an INSERT as far as its VALUES, and the placeholders of one row."""
    columns = _layout(model)[0]
    of_column = {field.column: field.db_type(connection) for field in model._meta.concrete_fields}
    start = sql.SQL("INSERT INTO {} ({}) VALUES ").format(
        sql.Identifier(model._meta.db_table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    casts = (f"::{of_column[column]}" if of_column[column] in AS_TEXT else "" for column in columns)
    return start.as_string(None), f"({', '.join(f'%s{cast}' for cast in casts)})"


def _types(table: str) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(_TYPES, [table])
        return dict(cursor.fetchall())


@lru_cache(maxsize=64)
def _staging(table: str, columns: tuple[str, ...], role: str) -> Staging:
    """Return the temporary table for these columns; each role has its own, for it owns it."""
    types = _types(table)
    made, read = [], []
    for column in columns:
        cast = {"column": sql.Identifier(column), "type": sql.SQL(types[column])}
        is_text = types[column] in AS_TEXT
        made.append(sql.SQL("{column}::text" if is_text else "{column}").format(**cast))
        read.append(sql.SQL("s.{column}::{type}" if is_text else "s.{column}").format(**cast))
    number = zlib.crc32(" ".join((table, role, *columns)).encode())
    return Staging(
        sql.Identifier(f"staged_{number:08x}"),
        sql.SQL(", ").join(made),
        sql.SQL(", ").join(read),
        tuple("text" if types[column] in AS_TEXT else types[column] for column in columns),
    )


@lru_cache(maxsize=64)
def _layout(model: type[models.Model]) -> tuple[list[str], list[str], frozenset[str]]:
    """Return columns, attributes, and which attributes hold JSON."""
    fields = [
        field
        for field in model._meta.concrete_fields
        if not isinstance(field, models.AutoField | models.BigAutoField)
    ]
    json = frozenset(field.attname for field in fields if isinstance(field, models.JSONField))
    return [field.column for field in fields], [field.attname for field in fields], json
