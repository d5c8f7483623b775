"""Write down when scheduled events are due: as rows change, and once for those that were there.

Nothing is searched for when the time comes: a moment is a row with an index on when it is due.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta, tzinfo
from typing import Any
from uuid import UUID

from django.db import models, transaction

from notifications import schedules
from notifications.models import Moment, ScheduledEventConfiguration
from organizations.kernel.instants import parse_day, parse_instant
from organizations.kernel.periods import parse_timezone
from organizations.models import Event, OrganizationConfig

CHUNK = 2000
ORGANIZATION_CHANGED = "configuration.organizationconfig.updated"
# A day begins up to 14 hours before or 12 after midnight UTC.
_SLACK = timedelta(days=2)


def note(events: Sequence[Event]) -> None:
    """Take over what new events say about dates that something is scheduled by."""
    configurations = _of_organizations({event.organization_id for event in events})
    if not configurations:
        return
    zones = _zones(configurations)
    moments: list[Moment] = []
    gone: dict[UUID, set[UUID]] = defaultdict(set)
    for event in events:
        meant = configurations.get(event.organization_id)
        if not meant:
            continue
        if event.name == ORGANIZATION_CHANGED:
            _plan_again_in_new_zone(event, meant)
            continue
        entity, _, verb = event.name.partition(".")[2].partition(".")
        if event.resource_id is None or event.name.startswith("scheduled."):
            continue
        if verb == "deleted":
            gone[event.organization_id].add(event.resource_id)
            continue
        for one in meant:
            if one.entity.lower() == entity:
                moments += _changed(one, event, zones[event.organization_id])
    Moment.objects.bulk_create(moments, ignore_conflicts=True, batch_size=CHUNK)
    for organization_id, resource_ids in gone.items():
        rows = Moment.objects.for_organization(organization_id)
        rows.filter(resource_id__in=resource_ids).delete()


def follow(rows: list[ScheduledEventConfiguration], verb: str) -> None:
    """Have moments planned anew where field or offset changed."""
    from notifications import tasks

    if verb == "deleted":
        return
    for row in rows:
        if verb == "updated" and row.planned_as in {None, row.plan}:
            continue
        if verb == "updated":
            row.moments.filter(fired_at__isnull=True).delete()
        row.since, row.planned_as = row.modified_at, None
        type(row).objects.filter(pk=row.pk).update(since=row.since, planned_as=None)
        transaction.on_commit(lambda pk=row.pk: tasks.ask_for_plan(pk), robust=True)


def plan_new() -> int:
    """Plan for every configuration that waits for it; returns how many."""
    waiting = ScheduledEventConfiguration.objects.filter(planned_as__isnull=True)
    identities = list(waiting.values_list("pk", flat=True))
    for identity in identities:
        plan(identity)
    return len(identities)


def plan(configuration_id: UUID) -> None:
    """Write the moments of the rows that are there already; done twice it adds nothing."""
    row = ScheduledEventConfiguration.objects.filter(pk=configuration_id).first()
    resource = schedules.entity_of(row) if row is not None else None
    if row is None or resource is None or row.planned_as == row.plan:
        return
    column = schedules.dated_fields(resource.model).get(row.field)
    if column is not None:
        zone = _zones({row.organization_id: [row]})[row.organization_id]
        for chunk in _chunks(row, resource.model, column):
            _write_moments(row, column, chunk, zone)
    ScheduledEventConfiguration.objects.filter(
        pk=row.pk, field=row.field, offset=row.offset
    ).update(planned_as=row.plan)


def _chunks(
    row: ScheduledEventConfiguration, model: type[models.Model], column: models.DateField
) -> Iterable[list[tuple[UUID, Any]]]:
    """Yield ids and values of rows whose moment may still come, in steps."""
    try:
        earliest = row.since - timedelta(days=row.offset) - _SLACK
    except OverflowError:
        return
    bound = earliest if isinstance(column, models.DateTimeField) else earliest.date()
    rows = model._base_manager.filter(
        organization_id=row.organization_id, **{f"{column.name}__gte": bound}
    ).order_by("pk")
    last: UUID | None = None
    while True:
        after = rows.filter(pk__gt=last) if last else rows
        found = list(after.values_list("pk", column.name)[:CHUNK])
        if not found:
            return
        yield found
        last = found[-1][0]


def _write_moments(
    row: ScheduledEventConfiguration,
    column: models.DateField,
    values: list[tuple[UUID, Any]],
    zone: tzinfo,
) -> None:
    with transaction.atomic():
        # A configuration that is changed or deleted meanwhile is waited for, and then left alone.
        held = ScheduledEventConfiguration.objects.select_for_update(no_key=True)
        if not held.filter(pk=row.pk, field=row.field, offset=row.offset).exists():
            return
        made = [
            moment
            for resource_id, value in values
            if (moment := _moment(row, column, resource_id, value, zone)) is not None
        ]
        Moment.objects.bulk_create(made, ignore_conflicts=True, batch_size=CHUNK)


def _changed(row: ScheduledEventConfiguration, event: Event, zone: tzinfo) -> list[Moment]:
    resource = schedules.entity_of(row)
    column = resource and schedules.dated_fields(resource.model).get(row.field)
    data = event.payload.get("eventData", {})
    text = data.get("newDto", {}).get(row.field)
    if not column or not text or data.get("oldDto", {}).get(row.field) == text:
        return []
    is_instant = isinstance(column, models.DateTimeField)
    value = parse_instant(text) if is_instant else parse_day(text)
    made = _moment(row, column, event.resource_id, value, zone)
    return [made] if made else []


def _moment(
    row: ScheduledEventConfiguration,
    column: models.DateField,
    resource_id: Any,
    value: Any,
    zone: tzinfo,
) -> Moment | None:
    due = schedules.due_at(column, value, row.offset, zone)
    if due is None or due < row.since:
        return None
    return Moment(
        organization_id=row.organization_id,
        configuration_id=row.pk,
        resource_id=resource_id,
        field=row.field,
        value=schedules.written(value),
        due_at=due,
    )


def _plan_again_in_new_zone(event: Event, meant: list[ScheduledEventConfiguration]) -> None:
    data = event.payload.get("eventData", {})
    old, new = (data.get(which, {}).get("timezone") for which in ("oldDto", "newDto"))
    if old == new:
        return
    Moment.objects.filter(
        configuration__in=[one.pk for one in meant], fired_at__isnull=True
    ).delete()
    ScheduledEventConfiguration.objects.filter(pk__in=[one.pk for one in meant]).update(
        planned_as=None
    )


def _of_organizations(
    organization_ids: set[UUID],
) -> dict[UUID, list[ScheduledEventConfiguration]]:
    found: dict[UUID, list[ScheduledEventConfiguration]] = defaultdict(list)
    # KEY SHARE: one that is being deleted is waited for and then not there.
    rows = ScheduledEventConfiguration.objects.raw(
        "SELECT * FROM notifications_scheduledeventconfiguration"
        " WHERE organization_id = ANY(%s) ORDER BY id FOR KEY SHARE",
        [sorted(organization_ids)],
    )
    for row in rows:
        found[row.organization_id].append(row)
    return found


def _zones(organization_ids: Iterable[UUID]) -> dict[UUID, tzinfo]:
    rows = OrganizationConfig.objects.filter(organization_id__in=list(organization_ids))
    return {
        organization_id: parse_timezone(name)
        for organization_id, name in rows.values_list("organization_id", "timezone")
    }
