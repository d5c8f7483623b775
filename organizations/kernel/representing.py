"""The keys every entity shares outside: identity, version, who made and changed it when."""

from typing import Any


def identity(row: Any) -> dict[str, Any]:
    """Return ``id`` and ``version``, which come first."""
    return {"id": str(row.pk), "version": row.version}


def audit(row: Any) -> dict[str, Any]:
    """Return the four audit fields, which come last. Instants stay datetimes until encoded."""
    return {
        "dtCreated": row.created_at,
        "dtLastModified": row.modified_at,
        "createdBy": text(row.created_by),
        "lastModifiedBy": text(row.modified_by),
    }


def text(value: Any) -> str | None:
    """Return an id as text, None as None."""
    return None if value is None else str(value)
