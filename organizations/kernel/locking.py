"""Hold rows that a rule was checked against until the transaction ends.

A reference by code, or a rule about a field of another row, is no foreign key: between the check
and the commit somebody could delete or change that row. ``changes`` locks whatever it changes or
deletes, so it waits for who holds the row, and counts referrers only then.
"""

from typing import Any, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import transaction
from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)


def current(row: Row) -> Row:
    """Return a row as it is now, held; the one that was given when it is gone: the database then
    refuses whatever refers to it."""
    return next(iter(held(type(row)._base_manager.filter(pk=row.pk))), row)


def held(rows: QuerySet) -> list[Any]:
    """Return the rows as they are now; until the transaction ends they are neither changed nor
    deleted. Others may hold them too (``FOR KEY SHARE``). Outside of a transaction only read.
    """
    if not transaction.get_connection(rows.db).in_atomic_block:
        return list(rows)
    try:
        statement, values = rows.query.sql_with_params()
    except EmptyResultSet:
        return []
    return list(rows.model._base_manager.raw(f"{statement} FOR KEY SHARE", values))
