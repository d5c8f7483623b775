"""Load the usage day by day; each day and the marker's next day are one transaction."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from django.db import transaction

from billing.usage import ingest, reception
from billing.usage.reception import Item
from config.demonstration import faults, usage_shape
from config.demonstration.months import Months
from config.demonstration.progress import Progress
from config.models import Demonstration
from organizations.kernel import clock

BATCH = reception.MOST_ITEMS


def load(demonstration: Demonstration, progress: Progress) -> None:
    """Load every day that is not loaded yet. Safe to kill and to run twice at once."""
    months = Months(demonstration.as_of)
    days = [day for day in months.days if day >= demonstration.usage_until]
    if not days:
        return
    with progress.step(f"Loading usage from {days[0]} to {days[-1]}"):
        for number, day in enumerate(days, start=1):
            stored = load_day(demonstration, months, day)
            progress.at(f"day {number} of {len(days)}, {stored:,} measurements")


def load_day(demonstration: Demonstration, months: Months, day: date) -> int:
    """Load one day unless it is loaded; returns how many measurements are loaded by now."""
    items = usage_shape.measurements(day, months, demonstration.scale)
    with transaction.atomic():
        marker = Demonstration.objects.select_for_update().get(pk=demonstration.pk)
        if marker.usage_until != day:
            return marker.measurements
        for batch in _batches(items):
            _take_in(marker, batch)
        if day == months.days[-1]:
            # And somebody sends a measurement twice.
            _take_in(marker, [*faults.items(months.now), *items[:1]])
        marker.usage_until = day + timedelta(days=1)
        marker.measurements += len(items)
        marker.save(update_fields=["usage_until", "measurements"])
    return marker.measurements


def _batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]


def _take_in(marker: Demonstration, items: Sequence[Item]) -> None:
    at: datetime = clock.now()
    received = reception.check(items, at=at, zone=lambda: UTC)
    ingest.take_in(marker.organization_id, received, at=at)
