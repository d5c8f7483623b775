"""The picture above the list of runs: how those of each of the last days stand."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDate

from integrations.models import RunStatus

DAYS, HEIGHT, WIDTH, GAP = 28, 60, 20, 4
GREEN, AMBER, RED = "#16a34a", "#d97706", "#dc2626"


def days(runs: QuerySet, now: datetime) -> dict[str, Any]:
    """Return the bars of the picture; one query, over the days that are shown."""
    first = now.date() - timedelta(days=DAYS - 1)
    start = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS - 1)
    sent, over = Q(status=RunStatus.COMPLETE), Q(finished_at__isnull=False)
    counted = (
        runs.filter(created_at__gte=start)
        .order_by()
        .annotate(day=TruncDate("created_at"))
        .values("day")
        .annotate(
            sent=Count("pk", filter=sent),
            failed=Count("pk", filter=over & ~sent),
            open=Count("pk", filter=~over),
        )
    )
    found = {row["day"]: row for row in counted}
    most = max((row["sent"] + row["failed"] + row["open"] for row in found.values()), default=0)
    bars = []
    for place in range(DAYS):
        day = first + timedelta(days=place)
        row = found.get(day, {"sent": 0, "failed": 0, "open": 0})
        bars.append(_bar(place, day.isoformat(), row, most))
    return {
        "bars": bars if most else [],
        "width": DAYS * (WIDTH + GAP),
        "height": HEIGHT,
        "bar_width": WIDTH,
    }


def _bar(place: int, day: str, row: dict[str, int], most: int) -> dict[str, Any]:
    top, parts = HEIGHT, []
    for count, colour in ((row["sent"], GREEN), (row["open"], AMBER), (row["failed"], RED)):
        if count:
            height = max(1, count * HEIGHT // most)
            top -= height
            parts.append({"y": max(0, top), "height": height, "colour": colour})
    title = f"{day}: {row['sent']:,} sent, {row['failed']:,} failed, {row['open']:,} on their way"
    return {"x": place * (WIDTH + GAP), "parts": parts, "title": title}
