"""Measurements to send, and a look at what was stored."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from billing.models import IngestFailure
from billing.usage import ingest, reception, store
from catalog.models import Meter
from organizations.kernel import exact_json
from organizations.models import Organization
from tests.factories import make_meter, number

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


def gigabytes(organization: Organization, **overrides: Any) -> Meter:
    """Make a meter ``storage`` with one MEASURE field ``gb``."""
    fields = [{"category": "MEASURE", "code": "gb", "name": "Stored", "unit": "GiBy"}]
    return make_meter(organization, **{"code": "storage", "data_fields": fields, **overrides})


def item(**overrides: Any) -> dict[str, Any]:
    """Return one measurement of meter ``storage`` as it is sent; None leaves a key out."""
    sent = {
        "uid": f"uid-{number()}",
        "meter": "storage",
        "account": "acme",
        "ts": "2026-06-01T00:00:00Z",
        "measure": {"gb": 1},
        **overrides,
    }
    return {key: value for key, value in sent.items() if value is not None}


def accept(organization: Organization, *items: dict[str, Any], at: datetime = NOON) -> None:
    """Send the items past the HTTP layer, received at ``at``."""
    body = exact_json.dumps({"measurements": list(items)})
    ingest.accept(organization.pk, reception.receive(body, at=at, zone=lambda: UTC), at=at)


def stored(organization: Organization, columns: str = "uid") -> list[Any]:
    """Return what is stored of an organization, in order of time and uid."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM billing_measurement WHERE organization_id = %s "  # noqa: S608
            "ORDER BY ts, uid",
            [organization.pk],
        )
        rows = cursor.fetchall()
    return [row[0] for row in rows] if "," not in columns else rows


def failures(organization: Organization) -> list[tuple[str, list[str]]]:
    """Return type and uids of every failure, oldest first."""
    rows = IngestFailure.objects.for_organization(organization).order_by("created_at", "id")
    return [(row.type, row.uids) for row in rows]


def total(
    account_id: Any, meter: Meter, method: str = "SUM", *, month: int = 6, field: str = "gb"
) -> Decimal | None:
    """Return the quantity of one account in a month of 2026."""
    start_at = datetime(2026, month, 1, tzinfo=UTC)
    end_at = (start_at + timedelta(days=32)).replace(day=1)
    request = store.QuantityRequest(
        (account_id,), meter.pk, field, store.Method(method), start_at, end_at
    )
    return store.quantities(meter.organization_id, [request])[0].value
