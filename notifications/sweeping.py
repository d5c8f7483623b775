"""Record scheduled events whose moment has come: each exactly once, however late (B6)."""

from collections import defaultdict
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from notifications import schedules
from notifications.models import Moment, ScheduledEventConfiguration
from organizations.kernel import changes, events, exact_json, registry
from organizations.models import Event

BATCH = 500


def fire_due(at: datetime) -> int:
    """Record the event of every moment up to ``at``; returns how many events."""
    fired = 0
    while (batch := _fire_batch(at)) is not None:
        fired += batch
    return fired


def _fire_batch(at: datetime) -> int | None:
    """Take the moments that are due longest; None when there are none. Two do not meet."""
    with transaction.atomic():
        due = Moment.objects.filter(fired_at__isnull=True, due_at__lte=at)
        rows = list(
            due.order_by("due_at", "id").select_for_update(skip_locked=True, of=("self",))[:BATCH]
        )
        if not rows:
            return None
        by_configuration: dict[UUID, list[Moment]] = defaultdict(list)
        for row in rows:
            by_configuration[row.configuration_id].append(row)
        configurations = ScheduledEventConfiguration.objects.in_bulk(by_configuration)
        made: list[Event] = []
        over: list[UUID] = []
        for identity, moments in by_configuration.items():
            found = _events(configurations[identity], moments, at)
            made += found.values()
            over += [one.pk for one in moments if one.pk not in found]
        events.record_many(made)
        Moment.objects.filter(pk__in=over).delete()
        Moment.objects.filter(pk__in=[row.pk for row in rows]).update(fired_at=at)
    return len(made)


def _events(
    configuration: ScheduledEventConfiguration, moments: list[Moment], at: datetime
) -> dict[UUID, Event]:
    """Return the event of each moment whose row still is there with the same date."""
    resource = schedules.entity_of(configuration)
    column = resource and schedules.dated_fields(resource.model).get(configuration.field)
    if resource is None or column is None:
        return {}
    rows = resource.model._base_manager.filter(
        organization_id=configuration.organization_id,
        pk__in={moment.resource_id for moment in moments},
    )
    by_id: dict[UUID, Any] = {row.pk: row for row in rows}
    made = {}
    for moment in moments:
        row = by_id.get(moment.resource_id)
        if row is None or moment.field != configuration.field:
            continue
        if schedules.written(getattr(row, column.attname)) != moment.value:
            continue  # the new date has a moment of its own
        made[moment.pk] = _event(configuration, resource, row, at)
    return made


def _event(
    configuration: ScheduledEventConfiguration, resource: registry.Resource, row: Any, at: datetime
) -> Event:
    looks = exact_json.simple(resource.represent(row))
    return events.build(
        configuration.organization_id,
        configuration.name,
        events.data(configuration.organization_id, new=looks),
        resource_id=row.pk,
        account_id=changes.account_of(row),
        at=at,
    )
