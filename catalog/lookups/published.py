"""What calculations find in lookup tables: the published revisions, remembered by each process.

What a code leads to is resolved once for each ``Tables``, which is kept for one revision of the
catalogue (``billing.usage.resolution``) or for one run. The rows behind it never change while a
revision is published, so they are remembered by the id of the revision. A table that is too large
to be held is asked key by key, and what was found, or not, is remembered.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from threading import Lock
from typing import Any
from uuid import UUID

from catalog.calculations import CalculationFailed, Value
from catalog.lookups import data, items, rules
from catalog.lookups.items import Schema
from catalog.models import LookupRow, LookupTable, LookupTableRevision, RevisionStatus

Keys = tuple[Value, ...]
Row = tuple[Value, ...]

# A table with more rows is asked key by key.
MOST_HELD = 100_000
# So many rows are remembered by a process, over all tables; the tables used last stay.
MOST_REMEMBERED = 400_000


class NeedsQuery(Exception):
    """The value is not remembered, and whoever asks wanted no query."""


class PublishedRows:
    """The rows of one revision by the values of their keys."""

    __slots__ = ("_data_id", "_is_whole", "_places", "_rows", "_schema", "code")

    def __init__(self, code: str, revision: LookupTableRevision) -> None:
        self.code = code
        self._schema = rules.schema_of(revision)
        self._places = {name: place for place, name in enumerate(self._schema.types)}
        self._data_id = revision.data.pk
        self._is_whole = revision.item_count <= MOST_HELD
        self._rows: dict[Keys, Row | None] = {}
        if self._is_whole:
            for item in data.every(revision.data):
                self._rows[_keys(self._schema, item)] = _row(self._schema, item)

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, field: str, keys: Keys, *, may_query: bool) -> Value:
        """Return a value of the row with these keys; None where there is none."""
        place = self._places.get(field)
        if place is None or len(keys) != len(self._schema.keys):
            raise self._failure(field, keys)
        try:
            row = self._rows[keys]
        except KeyError:
            if self._is_whole or None in keys:
                return None
            row = self._asked(keys, may_query=may_query)
        return None if row is None else row[place]

    def _asked(self, keys: Keys, *, may_query: bool) -> Row | None:
        if not may_query:
            raise NeedsQuery
        found = LookupRow.objects.filter(data=self._data_id, key=items.joined(keys)).first()
        row = None if found is None else _row(self._schema, found.item)
        if row is not None and keys != _keys(self._schema, found.item):
            row = None  # a text that looks like the number, or the other way round
        if len(self._rows) >= MOST_HELD:
            self._rows = {}
        self._rows[keys] = row
        return row

    def _failure(self, field: str, keys: Keys) -> CalculationFailed:
        if field not in self._places:
            return CalculationFailed(f"lookup table {self.code} has no field {field[:80]}")
        return CalculationFailed(
            f"lookup table {self.code} has {len(self._schema.keys)} keys "
            f"({', '.join(self._schema.keys)}), and {len(keys)} were given"
        )


def _keys(schema: Schema, item: Mapping[str, Any]) -> Keys:
    return tuple(_value(item[name]) for name in schema.keys)


def _row(schema: Schema, item: Mapping[str, Any]) -> Row:
    return tuple(_value(item[name]) for name in schema.types)


def _value(stored: Any) -> Value:
    return Decimal(stored) if isinstance(stored, int) else stored


class Tables:
    """The published lookup tables of an organization, as they are at one moment.

    Only tables that exist are remembered: one that is not found is looked for again.
    """

    __slots__ = ("_organization_id", "_rows")

    def __init__(self, organization_id: UUID) -> None:
        self._organization_id = organization_id
        self._rows: dict[str, PublishedRows | None] = {}

    def find(self, table: str, field: str, keys: Keys) -> Value:
        """Return the value of ``field`` in the row with these keys (usage.md 15.6)."""
        try:
            rows = self._rows[table]
        except KeyError:
            rows = self._resolved(table)
        return None if rows is None else rows.find(field, keys, may_query=True)

    def _resolved(self, code: str) -> PublishedRows | None:
        tables = LookupTable.objects.for_organization(self._organization_id)
        table_id = tables.filter(code=code).values_list("pk", flat=True).first()
        if table_id is None:
            raise CalculationFailed(f"there is no lookup table {code[:80]}")
        published = LookupTableRevision.objects.filter(
            lookup_table=table_id, status=RevisionStatus.PUBLISHED
        )
        revision = published.select_related("data").first()
        rows = None if revision is None else _remembered(code, revision)
        self._rows[code] = rows
        return rows


class Remembered:
    """The same tables without queries: raises ``NeedsQuery`` for what is not remembered."""

    __slots__ = ("_tables",)

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def find(self, table: str, field: str, keys: Keys) -> Value:
        """Return the value of ``field`` in the row with these keys."""
        try:
            rows = self._tables._rows[table]
        except KeyError:
            raise NeedsQuery from None
        return None if rows is None else rows.find(field, keys, may_query=False)


_by_revision: OrderedDict[tuple[UUID, str], PublishedRows] = OrderedDict()
_lock = Lock()


def _remembered(code: str, revision: LookupTableRevision) -> PublishedRows:
    """Return the rows of a revision, read at most once while they are among those used last."""
    key = (revision.pk, code)
    with _lock:
        known = _by_revision.get(key)
        if known is not None:
            _by_revision.move_to_end(key)
            return known
    read = PublishedRows(code, revision)
    with _lock:
        _by_revision[key] = read
        while len(_by_revision) > 1 and _total(list(_by_revision.values())) > MOST_REMEMBERED:
            _by_revision.popitem(last=False)
    return read


def _total(tables: Sequence[PublishedRows]) -> int:
    return sum(len(one) for one in tables)
