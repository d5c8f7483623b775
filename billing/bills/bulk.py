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
    """COPY new rows into the model's table; JSON values are texts already."""
    if rows:
        bulk.copy(sql.Identifier(model._meta.db_table), columns, rows)


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
    table = sql.Identifier(model._meta.db_table)
    staged = sql.Identifier(f"staged_{model._meta.db_table}")
    names = [sql.Identifier(column) for column in columns]
    changed = [sql.Identifier(column) for column in columns[1:] if column not in KEPT]
    compared = [sql.Identifier(column) for column in columns[1:] if column not in (*stamps, *KEPT)]
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "CREATE TEMPORARY TABLE IF NOT EXISTS {} ON COMMIT DELETE ROWS"
                " AS SELECT {} FROM {} WITH NO DATA"
            ).format(staged, sql.SQL(", ").join(names), table)
        )
        bulk.copy(staged, columns, rows)
        cursor.execute(
            sql.SQL(
                "UPDATE {table} t SET {changes} FROM {staged} s"
                " WHERE t.{key} = s.{key} AND ({old}) IS DISTINCT FROM ({new})"
            ).format(
                table=table,
                staged=staged,
                key=names[0],
                changes=sql.SQL(", ").join(sql.SQL("{0} = s.{0}").format(n) for n in changed),
                old=sql.SQL(", ").join(sql.SQL("t.{}").format(n) for n in compared),
                new=sql.SQL(", ").join(sql.SQL("s.{}").format(n) for n in compared),
            )
        )
        # Inside a larger transaction the next call must not see these rows again.
        cursor.execute(sql.SQL("DELETE FROM {}").format(staged))
