"""Write and read the data of revisions: whole, by key, and many rows at once (usage.md 15.4)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import connection
from psycopg import sql

from catalog.lookups import items, rules
from catalog.lookups.items import Item
from catalog.models import LookupRow, LookupTableData, LookupTableRevision, RevisionStatus
from organizations.kernel import bulk, changes, exact_json
from organizations.kernel.errors import FieldRefused, FieldsRefused, NotFound
from organizations.kernel.principals import Principal

MOST_ITEMS = 2000
COLUMNS = ("organization_id", "data_id", "key", "item")
Keyed = tuple[str, Item]


def first(data: LookupTableData, limit: int) -> list[Keyed]:
    """Return the first rows in the order of their keys."""
    rows = LookupRow.objects.filter(data=data).order_by("key")[:limit]
    return list(rows.values_list("key", "item"))


def one(data: LookupTableData, key: str) -> Keyed:
    """Return the row of a key as addresses have it; raises ``NotFound``."""
    wanted = items.read_key(rules.schema_of(data.revision), key)
    found = LookupRow.objects.filter(data=data, key=wanted).first() if wanted else None
    if found is None:
        raise NotFound("There is no item with this key.")
    return found.key, found.item


def put(
    data: LookupTableData, sent: Sequence[Any], *, by: Principal, version: int | None
) -> tuple[LookupTableData, list[Keyed]]:
    """Add items, or replace those with the same keys; returns the data and what was written."""
    keyed = read(rules.schema_of(data.revision), sent)
    _need_version(data, version)
    with changes.editing(data, by=by, version=version) as locked:
        check_draft(locked)
        locked.item_count += upsert(locked, keyed)
    return locked, keyed


def put_one(
    data: LookupTableData, key: str, sent: Any, *, by: Principal, version: int | None
) -> tuple[LookupTableData, Keyed]:
    """Add or replace the item of a key; the item may leave its key fields out."""
    schema = rules.schema_of(data.revision)
    wanted = items.read_key(schema, key)
    if wanted is None:
        raise NotFound("The address does not hold a value for each key.")
    if isinstance(sent, dict):
        sent = {**dict(zip(schema.keys, items.values_of(schema, key), strict=True)), **sent}
    item, faults = items.checked(schema, sent)
    _refuse([(f"item.{fault.field}".rstrip("."), fault.message) for fault in faults])
    if items.key_of(schema, item) != wanted:
        raise FieldRefused("item", "has other keys than the address")
    _need_version(data, version)
    with changes.editing(data, by=by, version=version) as locked:
        check_draft(locked)
        locked.item_count += upsert(locked, [(wanted, item)])
    return locked, (wanted, item)


def delete_all(data: LookupTableData, *, by: Principal) -> LookupTableData:
    """Delete every item."""
    with changes.editing(data, by=by) as locked:
        check_draft(locked)
        LookupRow.objects.filter(data=locked)._raw_delete(using=connection.alias)
        locked.item_count = 0
    return locked


def delete_one(
    data: LookupTableData, key: str, *, by: Principal, version: int | None
) -> tuple[LookupTableData, Keyed]:
    """Delete the item of a key and return it."""
    with changes.editing(data, by=by, version=version) as locked:
        check_draft(locked)
        found = one(locked, key)
        LookupRow.objects.filter(data=locked, key=found[0]).delete()
        locked.item_count -= 1
    return locked, found


def read(schema: items.Schema, sent: Sequence[Any]) -> list[Keyed]:
    """Return checked items with their keys; raises all that is wrong with them, by position."""
    if not 1 <= len(sent) <= MOST_ITEMS:
        raise FieldRefused("items", f"must be 1 to {MOST_ITEMS:,}")
    keyed: list[Keyed] = []
    wrong: list[tuple[str, str]] = []
    for position, one_sent in enumerate(sent):
        item, faults = items.checked(schema, one_sent)
        wrong += [(f"items[{position}].{it.field}".rstrip("."), it.message) for it in faults]
        if len(wrong) >= items.MOST_FAULTS:
            break
        if not faults:
            keyed.append((items.key_of(schema, item), item))
    _refuse(wrong)
    return keyed


def _refuse(wrong: Sequence[tuple[str, str]]) -> None:
    if len(wrong) == 1:
        raise FieldRefused(*wrong[0])
    if wrong:
        raise FieldsRefused([FieldRefused(*one_wrong) for one_wrong in wrong])


def _need_version(data: LookupTableData, version: int | None) -> None:
    """Ask for the version where there is something that could be overwritten unseen."""
    if version is None and data.item_count:
        raise FieldRefused("version", "is needed to change data: the version you have read")


def check_draft(data: LookupTableData) -> None:
    """Refuse to write what is published or was; holds the status until the transaction ends."""
    rows = LookupTableRevision.objects.select_for_update(of=("self",))
    revision = rows.get(pk=data.revision_id)
    if revision.status != RevisionStatus.DRAFT:
        word = revision.status.lower()
        raise FieldRefused(
            "items",
            f"the data of a revision that is {word} cannot change: copy them to a new draft",
        )


def upsert(data: LookupTableData, keyed: Iterable[Keyed]) -> int:
    """Write rows into data that are locked; return how many of them are new.

    Of two with the same key the later counts.
    """
    latest = dict(keyed)
    if not latest:
        return 0
    rows = bulk.Rows(
        COLUMNS,
        [
            (data.organization_id, data.pk, key, exact_json.dumps(item).decode())
            for key, item in latest.items()
        ],
    )
    with bulk.staged(LookupRow, rows) as staging, connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "WITH written AS (INSERT INTO {table} ({columns}) SELECT {read} FROM {rows}"
                " ON CONFLICT (data_id, key) DO UPDATE SET item = excluded.item"
                " RETURNING xmax = 0 AS is_new)"
                " SELECT count(*) FILTER (WHERE is_new) FROM written"
            ).format(
                table=sql.Identifier(LookupRow._meta.db_table),
                columns=sql.SQL(", ").join(map(sql.Identifier, COLUMNS)),
                read=staging.read,
                rows=staging.rows,
            )
        )
        return int(cursor.fetchone()[0])


def every(data: LookupTableData) -> Iterator[Item]:
    """Yield all items in the order of their keys; inside of a transaction, a few in memory."""
    rows = LookupRow.objects.filter(data=data).order_by("key").values_list("item", flat=True)
    yield from rows.iterator(chunk_size=5000)
