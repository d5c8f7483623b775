"""Send again what has ended: one delivery, or all that failed since a time (C5.8).

The same bytes go out under the same id, with the whole retry schedule before them again.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from integrations import claims
from integrations.dispatch import DestinationInactive, audit
from integrations.models import Delivery, DeliveryStatus, WebhookDestination
from organizations.kernel.errors import DomainError, NotFound
from organizations.kernel.principals import Principal

FAILED = (DeliveryStatus.ERROR, DeliveryStatus.DISABLED)


class BeingSent(DomainError):
    """A worker is sending this delivery at this moment."""

    def __init__(self) -> None:
        super().__init__("This delivery is being sent right now; look at it again in a minute.")


def send_again(delivery: Delivery, *, by: Principal, at: datetime) -> Delivery:
    """Make one delivery due now; one that still awaits a retry is tried at once.

    Raises ``DestinationInactive``, ``BeingSent`` or ``NotFound``.
    """
    with transaction.atomic():
        destination = _active(delivery.destination_id)
        rows = Delivery.objects.select_for_update(no_key=True)
        locked = rows.filter(pk=delivery.pk).first()
        if locked is None:
            raise NotFound
        is_leased = locked.claimed_until is not None and locked.claimed_until > at
        if locked.status == DeliveryStatus.STARTED and is_leased:
            raise BeingSent
        _make_due(Delivery.objects.filter(pk=locked.pk), at)
        audit(destination, "sendAgain", by=by, at=at)
    locked.refresh_from_db()
    return locked


def send_again_failed(
    destination: WebhookDestination, *, since: datetime, by: Principal, at: datetime
) -> int:
    """Make every failed delivery made at or after ``since`` due now; returns how many.

    Raises ``DestinationInactive`` or ``NotFound``.
    """
    with transaction.atomic():
        locked = _active(destination.pk)
        failed = Delivery.objects.filter(
            destination=locked, created_at__gte=since, status__in=FAILED
        )
        count = _make_due(failed, at)
        audit(locked, "sendAgainFailed", by=by, at=at)
    return count


def _active(destination_id: UUID) -> WebhookDestination:
    destination = claims.locked_destination(destination_id)
    if destination is None:
        raise NotFound
    if not destination.is_active:
        raise DestinationInactive(destination)
    return destination


def _make_due(deliveries: QuerySet[Delivery], at: datetime) -> int:
    return deliveries.update(
        status=DeliveryStatus.WAITING,
        next_attempt_at=at,
        claimed_until=None,
        finished_at=None,
        error="",
        attempts_before_round=F("attempts_made"),
    )
