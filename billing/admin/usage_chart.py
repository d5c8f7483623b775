"""Usage as data for charts: an account's fields day by day, an organization's measurements."""

import itertools
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from billing.models import Account
from billing.usage import store
from billing.usage.store import days as by_day
from catalog.models import NUMERIC_CATEGORIES, Meter
from organizations.kernel import clock
from organizations.kernel.console.fields import plain_text
from organizations.kernel.zones import zone_of

DAYS = 30
MOST_METERS = 40
MOST_CHARTS = 6
MOST_SERIES = 7


def of_account(account: Account, *, among: QuerySet[Meter]) -> list[dict[str, Any]]:
    """Return a chart for each numeric field with usage in the latest thirty days, six at most.

    ``among`` are the meters that may be shown.
    """
    meters = list(among.newest_first()[:MOST_METERS])
    zone = zone_of(account.organization_id)
    edges = _edges(zone)
    asked = [(meter, field) for meter in meters for field in _numeric(meter)]
    requests = [
        store.QuantityRequest((account.pk,), meter.pk, field["code"], store.Method.SUM, start, end)
        for meter, field in asked
        for start, end in itertools.pairwise(edges)
    ]
    found = iter(store.quantities(account.organization_id, requests))
    charts = []
    for meter, field in asked:
        values = [next(found).value for _day in range(DAYS)]
        if any(value is not None for value in values):
            charts.append(_field_chart(meter, field, values, edges))
    return charts[:MOST_CHARTS]


def of_organization(
    organization_id: UUID, *, among: QuerySet[Meter] | None = None
) -> dict[str, Any] | None:
    """Return measurements a day by meter; None when there are too many to count for a picture.

    ``among`` are the meters that may be shown; without it all are, deleted ones too.
    """
    zone = zone_of(organization_id)
    edges = _edges(zone)
    counts = by_day.daily_counts(organization_id, start_at=edges[0], end_at=edges[-1], zone=zone)
    if counts is None:
        return None
    if among is not None:
        seen = set(among.values_list("pk", flat=True))
        counts = [count for count in counts if count[1] in seen]
    totals: dict[UUID, int] = {}
    for _day, meter_id, count in counts:
        totals[meter_id] = totals.get(meter_id, 0) + count
    shown = sorted(totals, key=lambda meter_id: totals[meter_id], reverse=True)[:MOST_SERIES]
    names = dict(Meter.objects.filter(pk__in=shown).values_list("pk", "name"))
    days = [edge.date() for edge in edges[:-1]]
    return {
        "labels": _labels(days),
        "running": len(days) - 1,
        "stacked": True,
        "datasets": [
            {"label": names.get(meter_id, "deleted meter"), "data": _series(counts, meter_id, days)}
            for meter_id in shown
        ],
    }


def _series(
    counts: Sequence[tuple[date, UUID, int]], meter_id: UUID, days: Sequence[date]
) -> list[int]:
    of_meter = {day: count for day, each, count in counts if each == meter_id}
    return [of_meter.get(day, 0) for day in days]


def _field_chart(
    meter: Meter, field: dict[str, Any], values: Sequence[Any], edges: Sequence[datetime]
) -> dict[str, Any]:
    unit = f" ({field['unit']})" if field.get("unit") else ""
    return {
        "id": f"usage-{meter.pk}-{field['code']}",
        "title": f"{meter.name}: {field.get('name') or field['code']}{unit}",
        "data": {
            "labels": _labels([edge.date() for edge in edges[:-1]]),
            "running": DAYS - 1,
            "datasets": [
                {"label": field["code"], "data": [plain_text(value) or "0" for value in values]}
            ],
        },
    }


def _numeric(meter: Meter) -> list[dict[str, Any]]:
    return [field for field in meter.data_fields if field["category"] in NUMERIC_CATEGORIES]


def _labels(days: Sequence[date]) -> list[str]:
    return [f"{day:%d %b}" for day in days]


def _edges(zone: tzinfo) -> list[datetime]:
    """Return the midnights around each of the latest thirty days, today included."""
    today = clock.now().astimezone(zone).date()
    first = today - timedelta(days=DAYS - 1)
    return [
        datetime.combine(first + timedelta(days=number), time.min, zone)
        for number in range(DAYS + 1)
    ]
