"""Make of each new event one delivery for every active destination of its organization.

Events are the outbox: a row without ``dispatched_at`` is work to do, whoever recorded it and
whether or not anybody was told. Two dispatchers at once do not meet (``SKIP LOCKED``), and if
they did, a delivery is unique per event, rule (none yet) and destination.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from integrations import bodies
from integrations.models import Delivery, WebhookDestination
from notifications import planning
from organizations.kernel import ids
from organizations.kernel.errors import DomainError
from organizations.kernel.principals import Principal
from organizations.models import AuditEntry, Event

BATCH = 500
NOBODY_LISTENS_BATCH = 20_000
TEST_EVENT = "webhook.test"

_MARK_WITHOUT_DESTINATION = """
UPDATE organizations_event SET dispatched_at = %s WHERE id IN (
    SELECT event.id FROM organizations_event event
    WHERE event.dispatched_at IS NULL AND NOT EXISTS (
        SELECT FROM integrations_webhookdestination destination
        WHERE destination.organization_id = event.organization_id AND destination.is_active
          AND destination.created_at <= event.created_at)
      AND NOT EXISTS (
        SELECT FROM notifications_scheduledeventconfiguration scheduled
        WHERE scheduled.organization_id = event.organization_id
          AND (lower(scheduled.entity) = split_part(event.name, '.', 2)
               OR event.name = 'configuration.organizationconfig.updated'))
    ORDER BY event.created_at, event.id LIMIT %s
    FOR NO KEY UPDATE SKIP LOCKED)
"""
# KEY SHARE: a destination that is being deleted is waited for and then not there.
_DESTINATIONS = """
SELECT id, organization_id, created_at FROM integrations_webhookdestination
WHERE is_active AND organization_id = ANY(%s) ORDER BY id FOR KEY SHARE
"""


class DestinationInactive(DomainError):
    """Nothing is sent to an inactive destination (C1)."""

    def __init__(self, destination: WebhookDestination) -> None:
        super().__init__(f"Webhook destination {destination.name} is inactive; activate it first.")


def dispatch(at: datetime) -> int:
    """Dispatch every new event; returns how many deliveries were made."""
    made = 0
    while _pass_over_those_without_destination(at) == NOBODY_LISTENS_BATCH:
        pass
    while (batch := _dispatch_batch(at)) is not None:
        made += batch
    return made


def send_test(destination: WebhookDestination, *, by: Principal, at: datetime) -> Delivery:
    """Make a delivery of a test event, so that an operator sees whether the receiver works.

    The event is not stored: its name is not on the closed list of events (B2).
    Raises ``DestinationInactive``.
    """
    if not destination.is_active:
        raise DestinationInactive(destination)
    event = Event(
        id=ids.new_id(),
        organization_id=destination.organization_id,
        name=TEST_EVENT,
        created_at=at,
        payload={"eventData": {}},
    )
    with transaction.atomic():
        delivery = _delivery(event, destination.pk, bodies.of_event(event), at)
        delivery.save(force_insert=True)
        audit(destination, "sendTest", by=by, at=at)
    return delivery


def audit(destination: WebhookDestination, action: str, *, by: Principal, at: datetime) -> None:
    """Write down who had something sent that no event asked for."""
    AuditEntry.objects.create(
        organization_id=destination.organization_id,
        at=at,
        principal_id=by.id,
        principal_kind=by.kind,
        access_key_id=by.access_key_id,
        source_address=by.source_address,
        request_id=by.request_id,
        action=action,
        resource="config:webhookDestination",
        entity_id=destination.pk,
    )


def _pass_over_those_without_destination(at: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_MARK_WITHOUT_DESTINATION, [at, NOBODY_LISTENS_BATCH])
        return cursor.rowcount


def _dispatch_batch(at: datetime) -> int | None:
    """Dispatch the oldest new events; returns the number of deliveries, None when none are new."""
    with transaction.atomic():
        fresh = Event.objects.filter(dispatched_at__isnull=True).order_by("created_at", "id")
        events = list(fresh.select_for_update(skip_locked=True, no_key=True, of=("self",))[:BATCH])
        if not events:
            return None
        planning.note(events)
        deliveries = _deliveries(events, at)
        Delivery.objects.bulk_create(deliveries, ignore_conflicts=True, batch_size=BATCH)
        Event.objects.filter(pk__in=[event.pk for event in events]).update(dispatched_at=at)
    return len(deliveries)


def _deliveries(events: Sequence[Event], at: datetime) -> list[Delivery]:
    destinations = _active_destinations({event.organization_id for event in events})
    made = []
    for event in events:
        # What happened before a destination was made is none of its business.
        meant = [
            destination
            for destination in destinations[event.organization_id]
            if destination.created_at <= event.created_at
        ]
        if not meant:
            continue
        body = bodies.of_event(event)
        made += [_delivery(event, destination.pk, body, at) for destination in meant]
    return made


def _active_destinations(organization_ids: set[UUID]) -> dict[UUID, list[WebhookDestination]]:
    found: dict[UUID, list[WebhookDestination]] = defaultdict(list)
    for destination in WebhookDestination.objects.raw(_DESTINATIONS, [sorted(organization_ids)]):
        found[destination.organization_id].append(destination)
    return found


def _delivery(event: Event, destination_id: UUID, body: bytes, at: datetime) -> Delivery:
    return Delivery(
        organization_id=event.organization_id,
        destination_id=destination_id,
        event_id=event.pk,
        event_name=event.name,
        body=body,
        created_at=at,
        next_attempt_at=at,
    )
