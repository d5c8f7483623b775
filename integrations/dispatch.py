"""Show each new event to whom it may concern: rules, and what is scheduled by dates.

Events are the outbox: a row without ``dispatched_at`` is work to do, whoever recorded it and
whether or not anybody was told. Two dispatchers at once do not meet (``SKIP LOCKED``), and if
they did, a notification is unique per rule and event, and a delivery per event, rule and
destination.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction

from integrations import bodies
from integrations.models import (
    NOTIFICATION,
    WEBHOOK,
    Delivery,
    DeliveryStatus,
    WebhookDestination,
)
from integrations.runs import triggers
from notifications import firing, planning
from organizations.kernel import ids
from organizations.kernel.errors import DomainError
from organizations.kernel.principals import Principal
from organizations.models import AuditEntry, Event

BATCH = 500
NOBODY_LISTENS_BATCH = 20_000
TEST_EVENT = "webhook.test"
IS_INACTIVE = "The destination is inactive."
IS_OFF = "The configuration is disabled."

_MARK_WITHOUT_LISTENER = """
UPDATE organizations_event SET dispatched_at = %s WHERE id IN (
    SELECT event.id FROM organizations_event event
    WHERE event.dispatched_at IS NULL AND NOT EXISTS (
        SELECT FROM notifications_notificationconfiguration rule
        WHERE rule.organization_id = event.organization_id AND rule.is_active
          AND rule.event_name IN (event.name, '*'))
      AND NOT EXISTS (
        SELECT FROM notifications_scheduledeventconfiguration scheduled
        WHERE scheduled.organization_id = event.organization_id
          AND (lower(scheduled.entity) = split_part(event.name, '.', 2)
               OR event.name = 'configuration.organizationconfig.updated'))
      AND NOT EXISTS (
        SELECT FROM integrations_integrationconfiguration link
        WHERE link.organization_id = event.organization_id AND link.entity_type <> 'Notification'
          AND lower(link.entity_type) = split_part(event.name, '.', 2))
    ORDER BY event.created_at, event.id LIMIT %s
    FOR NO KEY UPDATE SKIP LOCKED)
"""
# KEY SHARE: a destination that is being deleted is waited for and then not there.
_LINKS = """
SELECT link.entity_id, destination.id, link.created_at, link.is_enabled, destination.is_active
FROM integrations_integrationconfiguration link
JOIN integrations_webhookdestination destination
  ON destination.id = link.destination_id
 AND destination.organization_id = link.organization_id
WHERE link.organization_id = ANY(%s) AND link.entity_type = %s AND link.entity_id = ANY(%s)
  AND upper(link.destination) = %s
ORDER BY destination.id FOR KEY SHARE
"""


class _Link(NamedTuple):
    """A destination that is told when a rule fires."""

    rule_id: UUID
    destination_id: UUID
    since: datetime
    is_enabled: bool
    is_active: bool

    @property
    def refusal(self) -> str:
        """Why nothing is sent; empty when something is."""
        if not self.is_enabled:
            return IS_OFF
        return "" if self.is_active else IS_INACTIVE


class DestinationInactive(DomainError):
    """Nothing is sent to an inactive destination (C1)."""

    def __init__(self, destination: WebhookDestination) -> None:
        super().__init__(f"Webhook destination {destination.name} is inactive; activate it first.")


def dispatch(at: datetime, *, after_batch: Callable[[], None] | None = None) -> int:
    """Dispatch every new event; returns how many deliveries were made.

    Where events keep coming this does not end soon: ``after_batch`` may hand out what each batch
    made.
    """
    made = 0
    while _pass_over_those_nobody_waits_for(at) == NOBODY_LISTENS_BATCH:
        pass
    while (batch := _dispatch_batch(at)) is not None:
        made += batch
        if after_batch is not None:
            after_batch()
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
        delivery = _delivery(event, None, destination.pk, bodies.of_event(event), at)
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


def _pass_over_those_nobody_waits_for(at: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_MARK_WITHOUT_LISTENER, [at, NOBODY_LISTENS_BATCH])
        return cursor.rowcount


def _dispatch_batch(at: datetime) -> int | None:
    """Dispatch the oldest new events; returns the number of deliveries, None when none are new."""
    with transaction.atomic():
        fresh = Event.objects.filter(dispatched_at__isnull=True).order_by("created_at", "id")
        events = list(fresh.select_for_update(skip_locked=True, no_key=True, of=("self",))[:BATCH])
        if not events:
            return None
        planning.note(events)
        triggers.start(events, at)
        deliveries = _deliveries(firing.fire(events, at), at)
        Delivery.objects.bulk_create(deliveries, ignore_conflicts=True, batch_size=BATCH)
        Event.objects.filter(pk__in=[event.pk for event in events]).update(dispatched_at=at)
    return len(deliveries)


def _deliveries(fired: Sequence[firing.Firing], at: datetime) -> list[Delivery]:
    links = _links(fired)
    made = []
    for one in fired:
        # What happened before a destination was connected is none of its business.
        meant = [link for link in links[one.rule.pk] if link.since <= one.cause.created_at]
        if not meant:
            continue
        body = bodies.of_notification(one)
        for link in meant:
            delivery = _delivery(one.cause, one.rule.pk, link.destination_id, body, at)
            if link.refusal:
                _end(delivery, link.refusal, at)
            made.append(delivery)
    return made


def _links(fired: Iterable[firing.Firing]) -> dict[UUID, list[_Link]]:
    found: dict[UUID, list[_Link]] = defaultdict(list)
    rules = {one.rule.pk: one.rule.organization_id for one in fired}
    if not rules:
        return found
    with connection.cursor() as cursor:
        cursor.execute(_LINKS, [sorted(set(rules.values())), NOTIFICATION, sorted(rules), WEBHOOK])
        for row in cursor.fetchall():
            link = _Link(*row)
            found[link.rule_id].append(link)
    return found


def _end(delivery: Delivery, reason: str, at: datetime) -> None:
    """Leave a trace of what is not sent (A5, C1)."""
    delivery.status = DeliveryStatus.DISABLED
    delivery.next_attempt_at = None
    delivery.finished_at = at
    delivery.error = reason


def _delivery(
    event: Event, rule_id: UUID | None, destination_id: UUID, body: bytes, at: datetime
) -> Delivery:
    return Delivery(
        organization_id=event.organization_id,
        destination_id=destination_id,
        event_id=event.pk,
        event_name=event.name,
        rule_id=rule_id,
        body=body,
        created_at=at,
        next_attempt_at=at,
    )
