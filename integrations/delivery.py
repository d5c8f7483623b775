"""Bring one delivery to its receiver: begin, send, record.

At least once: a worker that dies between sending and recording leaves a lease that passes, and
the same bytes go out again under the same id. Nothing is sent inside a transaction.
"""

import logging
import random
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from integrations import channels, claims, disabling, representations, retries, sending, signing
from integrations.models import (
    Channel,
    Delivery,
    DeliveryAttempt,
    DeliveryStatus,
    WebhookDestination,
)
from integrations.models.webhooks import SEALED_FOR
from organizations.kernel import events, sealing
from organizations.models import Event

logger = logging.getLogger(__name__)

GONE = 410
TOO_MANY_REQUESTS = 429
PAUSING = frozenset({TOO_MANY_REQUESTS, 502, 504})
PAUSE = timedelta(seconds=60)
REFUSED_CREDENTIALS = frozenset({401, 403})
UNREADABLE = "The secret cannot be read: SECRET_KEY has changed. Set a new secret."
# Events about integrations: a failing delivery of one is not reported by another (A13, G11).
OWN_EVENTS = "integration."
AUTHENTICATION_FAILED = "integration.authentication.error"
DELIVERY_FAILED = "integration.perform.error"
# What an attempt may change; the frozen body is never written again.
WRITTEN = [
    "status",
    "attempts_made",
    "next_attempt_at",
    "claimed_until",
    "finished_at",
    "error",
]


def deliver(delivery_id: UUID, at: datetime) -> UUID | None:
    """Make one attempt if it is due; return the destination whose turn is over, None if nothing.

    Safe to run twice. ``at`` is now: what is due, the signature's timestamp and the next attempt
    follow from it.
    """
    assignment = claims.begin(delivery_id, at)
    if assignment is None:
        return None
    answer = _send(assignment)
    record(assignment, answer, at + timedelta(milliseconds=answer.duration_ms))
    return assignment.destination_id


def _send(assignment: claims.Assignment) -> sending.Answer:
    """Sign and send; a secret that cannot be read is a failed attempt like any other."""
    try:
        if assignment.channel != Channel.WEBHOOK:
            return channels.send(assignment)
        headers = _headers(assignment)
    except sealing.Unreadable:
        return sending.Answer(duration_ms=0, error=UNREADABLE)
    return sending.post(assignment.url, assignment.body, headers)


def record(assignment: claims.Assignment, answer: sending.Answer, at: datetime) -> None:
    """Write down what an attempt brought and what follows from it, in one transaction."""
    with transaction.atomic():
        destination = claims.locked_destination(assignment.destination_id)
        rows = Delivery.objects.select_for_update(no_key=True).defer("body")
        delivery = rows.filter(pk=assignment.delivery_id).first()
        if destination is None or delivery is None:  # deleted meanwhile
            return
        delivery.attempts_made += 1
        delivery.claimed_until = None
        _log_attempt(delivery, assignment, answer)
        if answer.is_success:
            disabling.note_success(destination)
            _end(delivery, DeliveryStatus.COMPLETE, at)
        else:
            disabling.note_failure(destination, assignment.at, at)
            _after_failure(destination, delivery, answer, at)
        delivery.save(update_fields=WRITTEN)


def _headers(assignment: claims.Assignment) -> dict[str, str]:
    return signing.headers(
        delivery_id=str(assignment.delivery_id),
        timestamp=int(assignment.at.timestamp()),
        body=assignment.body,
        api_key=assignment.api_key,
        secrets=[
            sealing.unseal(sealed, purpose=SEALED_FOR) for sealed in assignment.sealed_secrets
        ],
        names=assignment.header_names,
    )


def _log_attempt(delivery: Delivery, assignment: claims.Assignment, answer: sending.Answer) -> None:
    DeliveryAttempt.objects.create(
        delivery=delivery,
        number=delivery.attempts_made,
        started_at=assignment.at,
        duration_ms=answer.duration_ms,
        status_code=answer.status_code,
        error=answer.error,
        response_head=answer.response_head,
    )


def _after_failure(
    destination: WebhookDestination, delivery: Delivery, answer: sending.Answer, at: datetime
) -> None:
    if answer.status_code == GONE:
        disabling.disable(destination, disabling.GONE, at)
    if answer.status_code in PAUSING:
        WebhookDestination.objects.filter(pk=destination.pk).update(
            paused_until=at + PAUSE, paused_except_id=delivery.pk
        )
    # Ended meanwhile: another worker took over after the lease, or the destination was disabled.
    if delivery.finished_at is not None:
        return
    delivery.error = _sentence(answer)
    if not destination.is_active:
        _end(delivery, DeliveryStatus.DISABLED, at, delivery.error)
        return
    again_at = retries.next_attempt_at(
        failed_at=at,
        attempts=delivery.attempts_in_round,
        jitter=random.uniform(-retries.JITTER, retries.JITTER),
        status_code=answer.status_code,
        retry_after=answer.retry_after,
    )
    if again_at is None:
        _end(delivery, DeliveryStatus.ERROR, at, delivery.error)
        _report(destination, delivery, answer, at)
        return
    is_slowed_down = answer.status_code == TOO_MANY_REQUESTS
    delivery.status = (
        DeliveryStatus.RATE_LIMIT_RETRY if is_slowed_down else DeliveryStatus.AWAITING_RETRY
    )
    delivery.next_attempt_at = again_at


def _end(delivery: Delivery, status: DeliveryStatus, at: datetime, error: str = "") -> None:
    delivery.status = status
    delivery.finished_at = at
    delivery.next_attempt_at = None
    delivery.error = error


def _sentence(answer: sending.Answer) -> str:
    return answer.error or f"The receiver answered {answer.status_code}."


def _report(
    destination: WebhookDestination, delivery: Delivery, answer: sending.Answer, at: datetime
) -> None:
    """Record the final failure as an event, unless that could go round in a loop (C5.6)."""
    if delivery.event_name.startswith(OWN_EVENTS):
        return
    event = Event.objects.filter(pk=delivery.event_id).only("account_id").first()
    if event is None:  # a test event, or gone after its 28 days
        return
    is_refused = answer.status_code in REFUSED_CREDENTIALS
    account_id = event.account_id
    events.record(
        delivery.organization_id,
        AUTHENTICATION_FAILED if is_refused else DELIVERY_FAILED,
        events.data(
            delivery.organization_id,
            new=representations.trouble(
                destination,
                f"{delivery.event_name} could not be delivered to {destination.name}: "
                f"{delivery.error}",
                entity_type="Event",
                entity_id=delivery.event_id,
                run_id=delivery.pk,
                account_id=account_id,
            ),
        ),
        resource_id=destination.pk,
        account_id=account_id,
        at=at,
    )
