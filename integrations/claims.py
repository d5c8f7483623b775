"""Decide which deliveries are worked on now: hand out what is due, and begin one (C5.11, C5.12).

Both are short transactions; nothing is sent here. A row handed out carries a lease for its time
in the queue, a row begun one for its time on the network. A lease that has passed means that
the broker or the worker lost the delivery, and it is handed out again.

Locks are always taken destination first, delivery second.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

from django.db import connection, models, transaction

from integrations.models import Channel, Delivery, DeliveryStatus, WebhookDestination

AT_ONCE = 4
# While a receiver only fails it may hold one sender, so that dead receivers cannot hold them all.
AT_ONCE_WHILE_FAILING = 1
FAILING_AT_ONCE_IN_ALL = 8
HEALTHY_PER_SWEEP = 400
QUEUE_LEASE = timedelta(seconds=60)
# Longer than a request may last (20 s, and 5 s to resolve the name).
SEND_LEASE = timedelta(seconds=60)

# Row counts are of this moment; a sweep at the same time may hand out a few more than fit.
# ``begin`` counts again under the destination's lock.
_TAKE = """
WITH open AS (
    SELECT destination.id, destination.paused_until, destination.paused_except_id,
           %(room)s - (SELECT count(*) FROM integrations_delivery leased
                       WHERE leased.destination_id = destination.id
                         AND leased.claimed_until > %(at)s) AS room
    FROM integrations_webhookdestination destination
    WHERE destination.is_active
      AND (destination.failing_since IS NOT NULL) = %(failing)s
      AND (%(only)s::uuid IS NULL OR destination.id = %(only)s::uuid)
      AND EXISTS (SELECT FROM integrations_delivery due
                  WHERE due.destination_id = destination.id AND due.next_attempt_at <= %(at)s)
), chosen AS (
    SELECT due.id, due.destination_id
    FROM open CROSS JOIN LATERAL (
        SELECT delivery.id, delivery.destination_id
        FROM integrations_delivery delivery
        WHERE delivery.destination_id = open.id
          AND delivery.next_attempt_at <= %(at)s
          AND (delivery.claimed_until IS NULL OR delivery.claimed_until <= %(at)s)
          AND (open.paused_until IS NULL OR open.paused_until <= %(at)s
               OR delivery.id = open.paused_except_id)
        ORDER BY delivery.next_attempt_at, delivery.id
        LIMIT greatest(open.room, 0)
        FOR NO KEY UPDATE SKIP LOCKED
    ) due
    LIMIT %(limit)s
)
UPDATE integrations_delivery delivery
SET claimed_until = %(until)s,
    -- A sender that was killed has left STARTED behind; now it waits in the queue again.
    status = CASE WHEN delivery.status <> 'STARTED' THEN delivery.status
                  WHEN delivery.attempts_made > delivery.attempts_before_round
                  THEN 'AWAITING_RETRY' ELSE 'WAITING' END
FROM chosen WHERE delivery.id = chosen.id
RETURNING delivery.destination_id, delivery.next_attempt_at, delivery.id
"""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Everything one attempt needs, so that no transaction is open while it is sent."""

    delivery_id: UUID
    destination_id: UUID
    url: str
    body: bytes
    api_key: str
    sealed_secrets: tuple[str, ...]
    at: datetime
    header_names: Mapping[str, str] = field(default_factory=dict)
    channel: str = Channel.WEBHOOK

    def __repr__(self) -> str:
        """Say which delivery this is; the secrets must not reach a log or a traceback."""
        return f"Assignment({self.delivery_id})"


def hand_out(at: datetime, *, destination_id: UUID | None = None) -> list[UUID]:
    """Lease what is due, as far as each destination has room, and return it in fair order.

    The first of every destination comes before the second of any. Healthy destinations come
    before failing ones, and those share a few places in all.
    """
    healthy = _take(at, destination_id, failing=False, limit=HEALTHY_PER_SWEEP)
    room = FAILING_AT_ONCE_IN_ALL - _leased_to_failing(at)
    failing = _take(at, destination_id, failing=True, limit=room) if room > 0 else []
    return [*_in_turns(healthy), *_in_turns(failing)]


def begin(delivery_id: UUID, at: datetime) -> Assignment | None:
    """Lock the delivery for one attempt, or return None when there is nothing to send now.

    That is so when it has ended, is not due yet, is being sent by another worker, or its
    destination is inactive (then it ends DISABLED), paused, or busy with as many as it may have.
    """
    with transaction.atomic():
        known = Delivery.objects.filter(pk=delivery_id).values("destination_id").first()
        if known is None:
            return None
        destination = locked_destination(known["destination_id"])
        delivery = Delivery.objects.select_for_update(no_key=True).filter(pk=delivery_id).first()
        if destination is None or delivery is None or not _is_due(delivery, at):
            return None
        if not destination.is_active:
            end_as_disabled(Delivery.objects.filter(pk=delivery_id), at)
            return None
        if not _has_room(destination, delivery, at):
            Delivery.objects.filter(pk=delivery_id).update(claimed_until=None)
            return None
        Delivery.objects.filter(pk=delivery_id).update(
            status=DeliveryStatus.STARTED, claimed_until=at + SEND_LEASE
        )
    return Assignment(
        delivery_id=delivery.pk,
        destination_id=destination.pk,
        url=destination.url,
        body=bytes(delivery.body),
        api_key=destination.api_key,
        sealed_secrets=_secrets(destination, at),
        at=at,
        header_names=destination.header_names,
        channel=destination.channel,
    )


def locked_destination(destination_id: UUID) -> WebhookDestination | None:
    """Return the destination, locked against other attempts but not against new deliveries."""
    rows = WebhookDestination.objects.select_for_update(no_key=True)
    return rows.filter(pk=destination_id).first()


def end_as_disabled(deliveries: models.QuerySet[Delivery], at: datetime) -> int:
    """End deliveries that will not be sent because their destination is inactive."""
    return deliveries.filter(next_attempt_at__isnull=False).update(
        status=DeliveryStatus.DISABLED,
        next_attempt_at=None,
        claimed_until=None,
        finished_at=at,
        error="The destination is inactive.",
    )


def _is_due(delivery: Delivery, at: datetime) -> bool:
    if delivery.next_attempt_at is None or delivery.next_attempt_at > at:
        return False
    is_leased = delivery.claimed_until is not None and delivery.claimed_until > at
    return not (delivery.status == DeliveryStatus.STARTED and is_leased)


def _has_room(destination: WebhookDestination, delivery: Delivery, at: datetime) -> bool:
    is_paused = destination.paused_until is not None and destination.paused_until > at
    if is_paused and destination.paused_except_id != delivery.pk:
        return False
    sending = destination.deliveries.filter(status=DeliveryStatus.STARTED, claimed_until__gt=at)
    return sending.exclude(pk=delivery.pk).count() < _limit(destination.failing_since is not None)


def _limit(failing: bool) -> int:
    return AT_ONCE_WHILE_FAILING if failing else AT_ONCE


def _secrets(destination: WebhookDestination, at: datetime) -> tuple[str, ...]:
    ends = destination.previous_secret_ends_at
    if destination.sealed_previous_secret and ends is not None and ends > at:
        return (destination.sealed_secret, destination.sealed_previous_secret)
    return (destination.sealed_secret,)


def _take(
    at: datetime, destination_id: UUID | None, *, failing: bool, limit: int
) -> list[tuple[UUID, datetime, UUID]]:
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE,
            {
                "at": at,
                "until": at + QUEUE_LEASE,
                "only": destination_id,
                "failing": failing,
                "room": _limit(failing),
                "limit": limit,
            },
        )
        return cursor.fetchall()


def _leased_to_failing(at: datetime) -> int:
    return Delivery.objects.filter(
        destination__failing_since__isnull=False, claimed_until__gt=at
    ).count()


def _in_turns(taken: list[tuple[UUID, datetime, UUID]]) -> list[UUID]:
    turns: list[tuple[int, datetime, UUID]] = []
    for _destination, rows in groupby(sorted(taken), key=lambda row: row[0]):
        turns += [(turn, due, identity) for turn, (_, due, identity) in enumerate(rows)]
    return [identity for _turn, _due, identity in sorted(turns)]
