"""Write rows of one table at once: several times as fast as the ORM's inserts.

Row-level security forbids COPY, so many rows are copied, in binary, into a temporary table and
inserted from there: every policy and constraint holds, and it takes no longer than a COPY in text.
For a few rows one INSERT is quicker than that; its text is made once for each table.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection, models, transaction
from psycopg import sql

from organizations.kernel import exact_json, isolation

# Fewer rows are inserted by one statement of their own.
WORTH_COPYING = 20
# Written as text and cast where the rows are inserted: JSON and addresses are texts already, and
# writing a decimal in PostgreSQL's binary form takes ten times as long as writing its digits.
AS_TEXT = frozenset({"jsonb", "inet", "numeric"})
KIND = "number_of_kind"
# Said once, when the row was made.
_KEPT = ("created_at", "created_by")


@dataclass(frozen=True, slots=True)
class Rows:
    """Values for one table; JSON, addresses and decimals are texts, all else is of its own type.

    ``values`` are those of ``columns``, row by row. ``same`` is what all rows have in common, by
    column. Where rows come in kinds, ``kind_columns`` and ``kinds`` hold what those of one kind
    have in common, and each row ends with the number of its kind: such values travel once.
    """

    columns: Sequence[str]
    values: Sequence[Sequence[Any]]
    same: Mapping[str, Any] = field(default_factory=dict)
    kind_columns: Sequence[str] = ()
    kinds: Sequence[Sequence[Any]] = ()

    @property
    def all_columns(self) -> tuple[str, ...]:
        """Every column that is written, in the order in which ``Staging.read`` has them."""
        return (*self.columns, *self.same, *self.kind_columns)

    def whole(self) -> Iterator[list[Any]]:
        """Yield each row with all its values."""
        same = self.same.values()
        for row in self.values:
            if self.kind_columns:
                yield [*row[:-1], *same, *self.kinds[row[-1]]]
            else:
                yield [*row, *same]


class Staging(NamedTuple):
    """Where staged rows are: what to SELECT FROM, and the expressions for all columns."""

    rows: sql.Composable
    read: sql.Composable


class _Table(NamedTuple):
    """A temporary table: its name, how its columns are made and read, their types."""

    name: sql.Identifier
    made: sql.Composable
    read: tuple[sql.Composable, ...]
    types: tuple[str, ...]


def insert(rows: Sequence[models.Model]) -> None:
    """Store new rows of one model; a key that the database counts is left to it."""
    if rows:
        insert_values(type(rows[0]), rows_of(rows))


def rows_of(rows: Sequence[models.Model]) -> Rows:
    """Return rows of one model as values; the first column is the key, if the model gives it."""
    if not rows:
        return Rows((), ())
    columns, attributes, texts = _layout(type(rows[0]))
    return Rows(columns, [_values(row, attributes, texts) for row in rows])


def _values(
    row: models.Model, attributes: Sequence[str], texts: Mapping[str, Callable[[Any], str]]
) -> list[Any]:
    stored = row.__dict__
    values = [stored[name] for name in attributes]
    return [
        texts[name](value) if name in texts and value is not None else value
        for name, value in zip(attributes, values, strict=True)
    ]


def insert_values(model: type[models.Model], rows: Rows) -> None:
    """Store new rows of values in the model's table."""
    if not rows.values:
        return
    if len(rows.values) < WORTH_COPYING:
        start, row_of = _insertion(model, rows.all_columns)
        with connection.cursor() as cursor:
            statement = start + ", ".join([row_of] * len(rows.values))
            cursor.execute(statement, [value for row in rows.whole() for value in row])
        return
    names = sql.SQL(", ").join(map(sql.Identifier, rows.all_columns))
    with staged(model, rows) as staging, connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
                sql.Identifier(model._meta.db_table), names, staging.read, staging.rows
            )
        )


def update(model: type[models.Model], rows: Rows, *, stamps: Sequence[str] = ()) -> None:
    """Set the columns of rows that exist; the first column is the key.

    A row whose other columns are all as they were, ``stamps`` left aside, is not written.
    """
    if not rows.values:
        return
    key, *others = rows.all_columns
    changed = [sql.Identifier(column) for column in others if column not in _KEPT]
    compared = [sql.Identifier(column) for column in others if column not in (*stamps, *_KEPT)]
    with staged(model, rows) as staging, connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "UPDATE {table} t SET {changes} FROM (SELECT {read} FROM {rows}) s ({names})"
                " WHERE t.{key} = s.{key} AND ({old}) IS DISTINCT FROM ({new})"
            ).format(
                table=sql.Identifier(model._meta.db_table),
                rows=staging.rows,
                read=staging.read,
                names=sql.SQL(", ").join(map(sql.Identifier, rows.all_columns)),
                key=sql.Identifier(key),
                changes=sql.SQL(", ").join(sql.SQL("{0} = s.{0}").format(n) for n in changed),
                old=sql.SQL(", ").join(sql.SQL("t.{}").format(n) for n in compared),
                new=sql.SQL(", ").join(sql.SQL("s.{}").format(n) for n in compared),
            )
        )


@contextmanager
def staged(model: type[models.Model], rows: Rows) -> Iterator[Staging]:
    """Have the rows in a temporary table inside the block."""
    has_kinds = bool(rows.kind_columns)
    table = _table(model, tuple(rows.columns), has_kinds, isolation.current().role)
    with (
        transaction.atomic(savepoint=False),  # a commit empties the temporary table
        connection.cursor() as cursor,
        connection.wrap_database_errors,
    ):
        cursor.execute(
            sql.SQL(
                "CREATE TEMPORARY TABLE IF NOT EXISTS {} ON COMMIT DELETE ROWS"
                " AS SELECT {} FROM {} s WITH NO DATA"
            ).format(table.name, table.made, sql.Identifier(model._meta.db_table))
        )
        statement = sql.SQL("COPY {} FROM STDIN WITH (FORMAT BINARY)").format(table.name)
        with cursor.copy(statement) as copying:
            copying.set_types(table.types)
            for row in rows.values:
                copying.write_row(row)
        yield _staging(model, table, rows)
        # Inside a larger transaction the next call must not see these rows again.
        cursor.execute(sql.SQL("DELETE FROM {}").format(table.name))


def _staging(model: type[models.Model], table: _Table, rows: Rows) -> Staging:
    types = column_types(model)
    read = [*table.read, *(_literal(value, types[name]) for name, value in rows.same.items())]
    staged_rows: sql.Composable = sql.SQL("{} s").format(table.name)
    if rows.kind_columns:
        read += [sql.SQL("k.{}").format(sql.Identifier(name)) for name in rows.kind_columns]
        staged_rows += sql.SQL(" JOIN (VALUES {}) k (number, {}) ON k.number = s.{}").format(
            sql.SQL(", ").join(
                _kind(number, zip(kind, (types[name] for name in rows.kind_columns), strict=True))
                for number, kind in enumerate(rows.kinds)
            ),
            sql.SQL(", ").join(map(sql.Identifier, rows.kind_columns)),
            sql.Identifier(KIND),
        )
    return Staging(staged_rows, sql.SQL(", ").join(read))


def _kind(number: int, typed: Iterator[tuple[Any, str]]) -> sql.Composable:
    written = (_literal(value, of_type) for value, of_type in typed)
    return sql.SQL("({}, {})").format(sql.Literal(number), sql.SQL(", ").join(written))


def _literal(value: Any, of_type: str) -> sql.Composable:
    return sql.SQL("{}::{}").format(sql.Literal(value), sql.SQL(of_type))


@lru_cache(maxsize=64)
def _insertion(model: type[models.Model], columns: tuple[str, ...]) -> tuple[str, str]:
    """Return an INSERT as far as its VALUES, and the placeholders of one row."""
    types = column_types(model)
    start = sql.SQL("INSERT INTO {} ({}) VALUES ").format(
        sql.Identifier(model._meta.db_table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    casts = (f"::{types[column]}" if types[column] in AS_TEXT else "" for column in columns)
    return start.as_string(None), f"({', '.join(f'%s{cast}' for cast in casts)})"


@lru_cache(maxsize=64)
def _table(
    model: type[models.Model], columns: tuple[str, ...], has_kinds: bool, role: str
) -> _Table:
    """Return the temporary table for these columns; each role has its own, for it owns it."""
    types = column_types(model)
    made, read = [], []
    for column in columns:
        parts = {"column": sql.Identifier(column), "type": sql.SQL(types[column])}
        is_text = types[column] in AS_TEXT
        made.append(sql.SQL("{column}::text" if is_text else "{column}").format(**parts))
        read.append(sql.SQL("s.{column}::{type}" if is_text else "s.{column}").format(**parts))
    written = ["text" if types[column] in AS_TEXT else types[column] for column in columns]
    if has_kinds:
        made.append(sql.SQL("0 AS {}").format(sql.Identifier(KIND)))
        written.append("integer")
    number = zlib.crc32(" ".join((model._meta.db_table, role, str(has_kinds), *columns)).encode())
    name = sql.Identifier(f"staged_{number:08x}")
    return _Table(name, sql.SQL(", ").join(made), tuple(read), tuple(written))


@lru_cache(maxsize=64)
def column_types(model: type[models.Model]) -> dict[str, str]:
    """Return the database's type of each column, without its length."""
    return {
        one.column: (one.db_type(connection) or "").partition("(")[0]
        for one in model._meta.concrete_fields
    }


@lru_cache(maxsize=64)
def _layout(
    model: type[models.Model],
) -> tuple[list[str], list[str], dict[str, Callable[[Any], str]]]:
    """Return columns and attributes, and by attribute what makes a text where a text is wanted.

    Without a key that the database counts.
    """
    fields = [
        one
        for one in model._meta.concrete_fields
        if not isinstance(one, models.AutoField | models.BigAutoField)
    ]
    texts: dict[str, Callable[[Any], str]] = {}
    for one in fields:
        if isinstance(one, models.JSONField):
            texts[one.attname] = _json
        elif isinstance(one, models.DecimalField):
            texts[one.attname] = str
    return [one.column for one in fields], [one.attname for one in fields], texts


def _json(value: Any) -> str:
    return exact_json.dumps(value).decode()
