"""What may be scheduled: entities with their dates, names, and when a value is due (B6)."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from typing import Any

from django.db import models

from notifications.models import ScheduledEventConfiguration
from organizations.kernel import event_types, exact_json, registry
from organizations.kernel.errors import FieldRefused, check_each
from organizations.kernel.periods import local_midnight

_OWN_NAME = re.compile(r"[A-Za-z0-9_]+")
_NAMES_SHOWN = 40


@cache
def entities() -> dict[str, registry.Resource]:
    """Return the entities with a date of their own, by their word in the names of events."""
    return {
        resource.event.rpartition(".")[2]: resource
        for resource in registry.resources()
        if resource.event and dated_fields(resource.model)
    }


@cache
def dated_fields(model: type[models.Model]) -> dict[str, models.DateField]:
    """Return the columns of dates and times of a row by the names its representation has for them.

    A sample row has another value in each such column, so that one finds them in what it shows.
    """
    row = event_types.sample(model)
    columns: dict[Any, models.DateField] = {}
    for number, column in enumerate(model._meta.concrete_fields):
        if isinstance(column, models.DateTimeField):
            value: Any = datetime(2001, 1, 1, tzinfo=UTC) + timedelta(days=number)
        elif isinstance(column, models.DateField):
            value = date(2001, 1, 1) + timedelta(days=number)
        else:
            continue
        setattr(row, column.attname, value)
        columns[value] = column
    shown = registry.of(model).represent(row)
    return {
        name: columns[value]
        for name, value in shown.items()
        if isinstance(value, date) and value in columns and name not in event_types.NOT_LISTED
    }


def entity_of(configuration: ScheduledEventConfiguration) -> registry.Resource | None:
    """Return the entity it is about."""
    return entities().get(configuration.entity.lower())


def check(row: ScheduledEventConfiguration) -> None:
    """Refuse what can never happen; asks field by field, so that all is told at once."""
    check_each(lambda: _check_entity(row), lambda: _check_name(row), lambda: _check_rename(row))


def _check_entity(row: ScheduledEventConfiguration) -> None:
    resource = entity_of(row)
    if resource is None:
        known = ", ".join(sorted(entities()))
        raise FieldRefused("entity", f"no such entity with a date; there are: {known}")
    fields = dated_fields(resource.model)
    if row.field not in fields:
        known = ", ".join(sorted(fields))
        raise FieldRefused("field", f"is no date of {row.entity}; there are: {known}")


def _check_name(row: ScheduledEventConfiguration) -> None:
    start = f"scheduled.{row.entity.lower()}."
    own = row.name.removeprefix(start)
    if not row.name.startswith(start) or not _OWN_NAME.fullmatch(own):
        raise FieldRefused(
            "name", f"must be {start[:_NAMES_SHOWN]} followed by letters, digits or underscores"
        )


def _check_rename(row: ScheduledEventConfiguration) -> None:
    stored = ScheduledEventConfiguration.objects.filter(pk=row.pk).first()
    if stored is None or stored.name == row.name:
        return
    if standing := registry.of(row).standing(stored):
        counted = ", ".join(f"{count} {kind}" for kind, count in standing)
        raise FieldRefused("name", f"cannot be changed while {counted} refer to it")


def due_at(column: models.DateField, value: Any, offset: int, zone: tzinfo) -> datetime | None:
    """Return when a value is due: a day at its midnight in the zone, a time whole days later.

    None where the calendar ends.
    """
    try:
        moved = value + timedelta(days=offset)
        return moved if isinstance(column, models.DateTimeField) else local_midnight(moved, zone)
    except OverflowError:
        return None


def written(value: Any) -> str:
    """Return a date or time as payloads have it."""
    return str(exact_json.simple({"value": value})["value"])


def type_names(organization_id: Any) -> dict[str, str]:
    """Return the names of an organization's scheduled events, each with its kind of entity."""
    rows = ScheduledEventConfiguration.objects.for_organization(organization_id)
    return {
        row.name: resource.event
        for row in rows.order_by("name")
        if (resource := entity_of(row)) is not None and resource.event
    }
