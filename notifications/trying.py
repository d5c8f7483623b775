"""Try a calculation out: on a type of event, on one event, on those of late. Nothing fires (B8)."""

from dataclasses import dataclass
from uuid import UUID

from notifications import rules
from notifications.models import EVERY_EVENT
from organizations import event_reading
from organizations.access import Rights
from organizations.kernel import event_types, events
from organizations.kernel.errors import FieldRefused, NotFound
from organizations.models import Event

RETRIEVE, EVENT = "config:retrieve", "config:event"
MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Tried:
    """One event and what the rule makes of it."""

    event: Event
    outcome: rules.Outcome


def for_type(organization_id: UUID, name: str, calculation: str) -> str:
    """Return why the calculation may not be used for events of this type; empty if it may."""
    known = event_types.fields_for(organization_id)
    if name not in known:
        raise FieldRefused("eventName", "there are no such events; events/types lists all")
    return rules.faults(calculation, known[name])


def for_event(organization_id: UUID, event: Event, calculation: str) -> str:
    """Return why the calculation may not be used for this event, or cannot be evaluated."""
    known = event_types.fields_for(organization_id)
    listed = known.get(event.name)
    if listed is None:  # a notification: the fields are those it has
        new = event.payload.get("eventData", {}).get("newDto", {})
        listed = {f"new.{name}": event_types.type_of(value) for name, value in new.items()}
    if wrong := rules.faults(calculation, listed):
        return wrong
    return rules.ask(calculation, event.payload).error


def find(rights: Rights, event_id: UUID | None) -> Event:
    """Return an event as the caller may see it; raises ``NotFound``."""
    if event_id is None:
        raise NotFound("No such event.")
    rows = events.kept(Event.objects.for_organization(rights.principal.organization_id))
    row = rights.visible(rows, RETRIEVE, EVENT).filter(pk=event_id).first()
    if row is None:
        raise NotFound("No such event.")
    row.payload = event_reading.payloads(rights, [row])[row.pk]
    return row


def latest(rights: Rights, name: str, calculation: str, *, always: bool = False) -> list[Tried]:
    """Return what the calculation makes of the latest events of a type that the reader may see."""
    if not rights.allows_some(RETRIEVE, EVENT):
        return []
    rows = Event.objects.for_organization(rights.principal.organization_id)
    if name != EVERY_EVENT:
        rows = rows.filter(name=name)
    seen = rights.visible(events.kept(rows), RETRIEVE, EVENT)
    found = list(seen.filter(rule_id__isnull=True).order_by("-created_at", "-id")[:MOST_SHOWN])
    payloads = event_reading.payloads(rights, found)
    return [Tried(row, rules.ask(calculation, payloads[row.pk], always=always)) for row in found]
