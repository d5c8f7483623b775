"""How lookup tables, their revisions, data and jobs look outside."""

from typing import Any

from catalog.models import LookupTable, LookupTableData, LookupTableJob, LookupTableRevision
from organizations.kernel.representing import audit, identity, text


def table(row: LookupTable) -> dict[str, Any]:
    """A lookup table."""
    return {
        **identity(row),
        "name": row.name,
        "code": row.code,
        "customFields": row.custom_fields,
        **audit(row),
    }


def revision(row: LookupTableRevision) -> dict[str, Any]:
    """A revision of a lookup table."""
    return {
        **identity(row),
        "lookupTableId": str(row.lookup_table_id),
        "name": row.name,
        "status": str(row.status),
        "startDate": row.start_date,
        "fields": row.fields,
        "keys": row.keys,
        "itemCount": row.item_count,
        "customFields": row.custom_fields,
        **audit(row),
    }


def data(row: LookupTableData) -> dict[str, Any]:
    """The data of a revision; the items stand for themselves."""
    return {
        **identity(row),
        "lookupTableRevisionId": str(row.revision_id),
        "itemCount": row.item_count,
        **audit(row),
    }


def job(row: LookupTableJob) -> dict[str, Any]:
    """A job; the address of its file is made for whoever asks."""
    return {
        **identity(row),
        "fileName": row.file_name or None,
        "lookupTableId": str(row.revision.lookup_table_id),
        "lookupTableRevisionId": str(row.revision_id),
        "destinationLookupTableRevisionId": text(row.destination_id),
        "jobDate": row.created_at,
        "type": str(row.type),
        "status": str(row.status),
        "failureReason": row.failure_reason or None,
        **audit(row),
    }
