"""Change many rows of one table with one statement."""

from collections.abc import Sequence
from typing import Any

from django.db import connection, models
from psycopg import sql

from organizations.kernel import bulk

# Said once, when the row was made.
KEPT = ("created_at", "created_by")


def insert(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Store new rows in the model's table; JSON values are texts already."""
    if rows:
        bulk.insert_values(model._meta.db_table, columns, rows)


def update(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    stamps: Sequence[str] = (),
) -> None:
    """Set the columns of rows that exist; the first column is the key.

    A row whose other columns are all as they were, ``stamps`` left aside, is not written.
    """
    if not rows:
        return
    names = [sql.Identifier(column) for column in columns]
    changed = [sql.Identifier(column) for column in columns[1:] if column not in KEPT]
    compared = [sql.Identifier(column) for column in columns[1:] if column not in (*stamps, *KEPT)]
    table = model._meta.db_table
    with bulk.staged(table, columns, rows) as staging, connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "UPDATE {table} t SET {changes} FROM (SELECT {read} FROM {staged} s) s ({names})"
                " WHERE t.{key} = s.{key} AND ({old}) IS DISTINCT FROM ({new})"
            ).format(
                table=sql.Identifier(table),
                staged=staging.name,
                read=staging.read,
                names=sql.SQL(", ").join(names),
                key=names[0],
                changes=sql.SQL(", ").join(sql.SQL("{0} = s.{0}").format(n) for n in changed),
                old=sql.SQL(", ").join(sql.SQL("t.{}").format(n) for n in compared),
                new=sql.SQL(", ").join(sql.SQL("s.{}").format(n) for n in compared),
            )
        )
