"""Many rows of lookup tables at once: from revision to revision, and out of files."""

from collections.abc import Iterable
from itertools import islice

from django.db import connection
from psycopg import sql

from catalog.lookups import data, items, rules
from catalog.lookups.formats import NotReadable, Row
from catalog.models import LookupRow, LookupTableData, LookupTableRevision, RevisionStatus
from organizations.kernel.errors import DomainError, FieldRefused
from organizations.kernel.wording import counted

BATCH = 5000
FIELD = "revisionId"


class RowsRefused(DomainError):
    """Rows of a file break rules, so nothing of it is stored."""

    def __init__(self, wrong: int, rows: int, told: Iterable[str], *, are_all: bool) -> None:
        ending = "" if are_all else " And so on."
        super().__init__(
            f"{counted(wrong, 'rows')} of {rows:,} cannot be stored, so nothing is: "
            f"{' '.join(told)}{ending}"
        )


def check_copy(source: LookupTableRevision, target: LookupTableRevision) -> None:
    """Refuse a target that cannot take the rows of the source (15.4, 15.5)."""
    if target.pk == source.pk:
        raise FieldRefused(FIELD, "is the revision that is copied")
    if target.status != RevisionStatus.DRAFT:
        raise FieldRefused(FIELD, f"is {target.status.lower()}: data are copied into drafts only")
    if rules.schema_of(source) != rules.schema_of(target):
        raise FieldRefused(FIELD, "has other fields or keys than the revision that is copied")


def copy_rows(source: LookupTableData, target: LookupTableData) -> int:
    """Write the rows of one revision into another, locked one; return how many are new."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "WITH written AS (INSERT INTO {table} ({columns})"
                " SELECT organization_id, %(target)s, key, item FROM {table}"
                " WHERE organization_id = %(organization)s AND data_id = %(source)s"
                " ON CONFLICT (data_id, key) DO UPDATE SET item = excluded.item"
                " RETURNING xmax = 0 AS is_new)"
                " SELECT count(*) FILTER (WHERE is_new) FROM written"
            ).format(
                table=sql.Identifier(LookupRow._meta.db_table),
                columns=sql.SQL(", ").join(map(sql.Identifier, data.COLUMNS)),
            ),
            {
                "target": target.pk,
                "organization": target.organization_id,
                "source": source.pk,
            },
        )
        return int(cursor.fetchone()[0])


def take_in(locked: LookupTableData, rows: Iterable[Row], schema: items.Schema) -> int:
    """Write the rows of a file into locked data; return how many are new.

    Raises ``RowsRefused`` with the first faults once all rows are read, so that their number is
    told too; from the first fault on nothing is written any more.
    """
    new = wrong = total = 0
    told: list[str] = []
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        total += len(batch)
        faulty = [row for row in batch if row.faults]
        wrong += len(faulty)
        told += [_told(row) for row in faulty[: items.MOST_FAULTS - len(told)]]
        if not wrong:
            keyed = ((items.key_of(schema, row.item), row.item) for row in batch)
            new += data.upsert(locked, keyed)
    if wrong:
        raise RowsRefused(wrong, total, told, are_all=len(told) == wrong)
    if not total:
        raise NotReadable("The file has no rows.")
    return new


def _told(row: Row) -> str:
    faults = ", ".join(f"{fault.field} {fault.message}".strip() for fault in row.faults[:10])
    return f"Row {row.number}: {faults}."
