"""Stop sending to receivers that are gone or have only failed for days (C5.5, C5.7).

Works on a destination that the caller has locked, inside the caller's transaction.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from integrations import claims, representations
from integrations.models import DeliveryAttempt, WebhookDestination
from organizations import alerts, mail, people
from organizations.kernel import changes, events, principals
from organizations.models import Alert, AlertSeverity

ONLY_FAILURES_FOR = timedelta(days=5)
# The clock starts when two failures at least this far apart ...
APART = timedelta(hours=12)
# ... happened within this time; a short outage never starts it.
WITHIN = timedelta(hours=24)
EVENT = "integration.disabled.error"
GONE = "The receiver answered 410 Gone."
ONLY_FAILURES = "Every delivery failed for 5 days."


def note_success(destination: WebhookDestination) -> None:
    """Forget the failures before."""
    if destination.failing_since or destination.disable_clock_at or destination.paused_until:
        WebhookDestination.objects.filter(pk=destination.pk).update(
            failing_since=None, disable_clock_at=None, paused_until=None, paused_except_id=None
        )


def note_failure(destination: WebhookDestination, started_at: datetime, at: datetime) -> None:
    """Count the failure of an attempt; makes the destination inactive when it is one too many.

    Failures are told apart by when their attempts began, as the log of attempts has it.
    """
    since = destination.failing_since or started_at
    clock = destination.disable_clock_at
    if clock is None and _are_too_far_apart(destination, since, started_at):
        clock = started_at
    if destination.failing_since != since or destination.disable_clock_at != clock:
        WebhookDestination.objects.filter(pk=destination.pk).update(
            failing_since=since, disable_clock_at=clock
        )
    if clock is not None and started_at - clock >= ONLY_FAILURES_FOR:
        disable(destination, ONLY_FAILURES, at)


def disable(destination: WebhookDestination, reason: str, at: datetime) -> None:
    """Make the destination inactive, end what waits for it, and tell people and systems once."""
    if not destination.is_active:
        return
    by = principals.system(destination.organization_id)
    with changes.editing(destination, by=by) as row:
        row.is_active = False
        row.disabled_reason = reason
    destination.is_active = False
    claims.end_as_disabled(destination.deliveries.all(), at)
    message = f"Webhook destination {destination.name} was made inactive: {reason}"
    events.record(
        destination.organization_id,
        EVENT,
        events.data(
            destination.organization_id,
            new=representations.trouble(
                destination,
                message,
                entity_type="WebhookDestination",
                entity_id=destination.pk,
            ),
        ),
        resource_id=destination.pk,
        at=at,
    )
    raised = Alert(
        organization_id=destination.organization_id,
        created_at=at,
        modified_at=at,
        severity=AlertSeverity.ERROR,
        type="WEBHOOK_DESTINATION_DISABLED",
        description=message,
        resource_id=destination.pk,
    )
    alerts.raise_many([raised])
    _tell_administrators(destination)


def _tell_administrators(destination: WebhookDestination) -> None:
    from integrations import tasks

    for member in people.administrators(destination.organization_id).select_related("user"):
        mail.enqueue(
            tasks.mail_disabled, destination_id=str(destination.pk), email=member.user.email
        )


def mail_disabled(destination_id: UUID, email: str) -> None:
    """Tell somebody by mail; nothing when it is active again or gone."""
    rows = WebhookDestination.objects.select_related("organization")
    destination = rows.filter(pk=destination_id, is_active=False).first()
    if destination is None:
        return
    page = reverse("admin:integrations_webhookdestination_change", args=[destination.pk])
    mail.send(
        "webhook_disabled",
        to=email,
        subject=f"Webhook destination {destination.name} was made inactive",
        destination=destination.name,
        organization=destination.organization.name,
        reason=destination.disabled_reason or "",
        link=settings.PUBLIC_URL + page,
    )


def _are_too_far_apart(
    destination: WebhookDestination, since: datetime, started_at: datetime
) -> bool:
    """Return whether another attempt failed 12 to 24 hours before this one."""
    if started_at - since < APART:
        return False
    # Since ``since`` there are only failures, so every attempt in the range is one.
    return DeliveryAttempt.objects.filter(
        delivery__destination=destination,
        started_at__gte=max(since, started_at - WITHIN),
        started_at__lte=started_at - APART,
    ).exists()
