"""Rules of lookup tables and their revisions (usage.md 15)."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from catalog import derived_fields
from catalog.calculations import CalculationRefused
from catalog.compounds import rules as compound_rules
from catalog.lookups import items
from catalog.models import (
    CompoundAggregation,
    LookupTable,
    LookupTableData,
    LookupTableRevision,
    Meter,
    RevisionStatus,
)
from organizations.kernel.errors import FieldRefused, check_each
from organizations.kernel.wording import counted

LOOKS_UP = "Lookup."


def check_table(table: LookupTable) -> None:
    """Refuse another code while calculations name the table by the one it has."""
    stored = LookupTable.objects.filter(pk=table.pk).first()
    if stored is None or stored.code == table.code:
        return
    for kind, rows in (
        ("meter", meters_of(stored)),
        ("compound aggregation", compounds_of(stored)),
    ):
        if count := rows.count():
            raise FieldRefused(
                "code", f"cannot change while {counted(count, kind + 's')} look values up by it"
            )


def check_revision(revision: LookupTableRevision) -> None:
    """Refuse fields and keys that do not fit, and new ones once there are data (15.2, 15.4)."""
    faults = items.schema_faults(revision.fields, revision.keys)
    check_each(*(_refusing(fault) for fault in faults), lambda: _check_schema_stays(revision))


def _refusing(fault: items.Fault) -> Any:
    def refuse() -> None:
        raise FieldRefused(fault.field, fault.message)

    return refuse


def _check_schema_stays(revision: LookupTableRevision) -> None:
    stored = LookupTableRevision.objects.filter(pk=revision.pk).select_related("data").first()
    if stored is None or schema_of(stored) == schema_of(revision):
        return
    if stored.status != RevisionStatus.DRAFT:
        reason = f"cannot change, nor can the keys: the revision is {stored.status.lower()}"
        raise FieldRefused("fields", reason)
    # Held until the end: who writes data locks the same row first.
    data = LookupTableData.objects.select_for_update().filter(revision=revision.pk).first()
    if data is not None and data.item_count:
        raise FieldRefused(
            "fields",
            f"cannot change, nor can the keys, while there are {data.item_count:,} items: delete "
            "the data, or make a new revision",
        )


def schema_of(revision: LookupTableRevision) -> items.Schema:
    """Return the schema of a revision's items."""
    return items.Schema.of(revision.fields, revision.keys)


# Who looks values up ---------------------------------------------------------------------------


def meters_of(table: LookupTable) -> QuerySet:
    """Return the meters with a derived field that names the table."""
    rows = Meter.objects.filter(organization_id=table.organization_id).annotate(
        texts=Cast("derived_fields", TextField())
    )
    defaults = derived_fields.custom_field_defaults(table.organization_id)
    found = [
        meter.pk
        for meter in rows.filter(texts__contains=LOOKS_UP)
        if table.code in _tables_of_meter(meter, defaults)
    ]
    return Meter.objects.filter(pk__in=found)


def _tables_of_meter(meter: Meter, defaults: Any) -> Iterable[str]:
    names = derived_fields.names(meter.data_fields, defaults)
    for field in meter.derived_fields:
        try:
            yield from derived_fields.compiled(field, names).tables
        except CalculationRefused:  # a default it needs was taken away
            continue


def compounds_of(table: LookupTable) -> QuerySet:
    """Return the compound aggregations that name the table."""
    rows = CompoundAggregation.objects.filter(
        organization_id=table.organization_id, calculation__contains=LOOKS_UP
    )
    found = [row.pk for row in rows if table.code in _tables_of_compound(row)]
    return CompoundAggregation.objects.filter(pk__in=found)


def _tables_of_compound(compound: CompoundAggregation) -> Iterable[str]:
    among = compound_rules.names(compound.organization_id)
    try:
        return compound_rules.compiled(compound, among).tables
    except CalculationRefused:
        return ()


def in_use(revision: LookupTableRevision, kind: Any) -> QuerySet:
    """Return who uses the data of a revision: those of its table, while it is published."""
    rows: QuerySet = kind(revision.lookup_table)
    return rows if revision.status == RevisionStatus.PUBLISHED else rows.none()


def follow_revisions(rows: list[LookupTableRevision], verb: str) -> None:
    """Give each new revision its empty data."""
    if verb == "created":
        LookupTableData.objects.bulk_create(
            LookupTableData(
                organization_id=row.organization_id,
                revision=row,
                created_by=row.created_by,
                modified_by=row.created_by,
            )
            for row in rows
        )


def data_of(revision_id: UUID) -> LookupTableData:
    """Return the data of a revision, with the revision."""
    return LookupTableData.objects.select_related("revision").get(revision=revision_id)
