"""Saved questions: the same with a period relative to now (usage.md 13.2)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from billing.models import SavedQuery
from billing.usage.queries import checking, shape, windows
from billing.usage.queries.shape import UsageQuery
from organizations.kernel import clock
from organizations.kernel.errors import FieldRefused, FieldsRefused
from organizations.kernel.zones import zone_of


def check(row: SavedQuery) -> None:
    """Refuse a question that could not be asked now; the fields are those of ``usageQuery``."""
    if not row.name.strip():
        raise FieldRefused("name", "must not be empty")
    try:
        query = at(row.organization_id, row.usage_query, now=clock.now())
        checking.resolve(row.organization_id, query, None)
    except (FieldRefused, FieldsRefused) as refusal:
        raise FieldsRefused(
            [FieldRefused(f"usageQuery.{error.field}", error.message) for error in refusal.errors]
        ) from refusal


def at(organization_id: UUID, wire: dict[str, Any], *, now: datetime) -> UsageQuery:
    """Return the question as it is asked at ``now``: its period goes before its dates."""
    period = wire.get("timePeriod")
    if not period:
        if not wire.get("startDate") and not wire.get("endDate"):
            raise FieldRefused("timePeriod", "is needed, or startDate and endDate")
        return shape.read(wire)
    window = windows.window(period, now=now, zone=zone_of(organization_id))
    return shape.read(wire, window)
