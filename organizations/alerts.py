"""Alerts: raised, put into another state, and mailed once a day (C10, JOB-10).

Each change of an alert is an event, like that of any entity.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max, QuerySet
from django.urls import reverse

from organizations import mail, people
from organizations.kernel import events, exact_json
from organizations.kernel.representing import text
from organizations.kernel.wording import counted
from organizations.models import Alert, AlertSeverity, AlertStatus, Organization

EVENT = "configuration.alert"
# Told by mail as long as nobody has taken them on; what is only for information is not.
MAILED = (AlertSeverity.WARN, AlertSeverity.ERROR)
# Not quite a day, so that an hourly task stays at about the same time of day.
BETWEEN_MAILS = timedelta(hours=23, minutes=30)
LISTED = 20


def represent(row: Alert) -> dict[str, Any]:
    """Return how an alert looks in its events."""
    return {
        "id": str(row.pk),
        "severity": row.severity,
        "status": row.status,
        "type": row.type,
        "description": row.description,
        "accountId": text(row.account_id),
        "resourceId": text(row.resource_id),
        "dtCreated": row.created_at,
        "dtLastModified": row.modified_at,
    }


def raise_many(rows: Iterable[Alert]) -> None:
    """Store new alerts with their events."""
    made = Alert.objects.bulk_create(rows)
    by_time: dict[datetime, list[events.Change]] = {}
    for row in made:
        by_time.setdefault(row.created_at, []).append(_change(row, None, represent(row)))
    for at, changes in by_time.items():
        events.record_changes(f"{EVENT}.created", changes, at=at)


def mark(rows: QuerySet, status: AlertStatus, *, at: datetime) -> int:
    """Put alerts into another state, with their events; returns how many were not in it."""
    with transaction.atomic():
        chosen = list(rows.exclude(status=status).select_for_update(of=("self",)))
        changes = []
        for row in chosen:
            before = represent(row)
            row.status, row.modified_at = status, at
            changes.append(_change(row, before, represent(row)))
        Alert.objects.bulk_update(chosen, ["status", "modified_at"], batch_size=500)
        if changes:
            events.record_changes(f"{EVENT}.updated", changes, at=at)
    return len(chosen)


def mail_digests(at: datetime) -> int:
    """Hand out one mail per administrator where alerts wait that nobody was told of by mail."""
    waiting = _waiting().values_list("organization_id", flat=True).distinct()
    return sum(_hand_out(organization_id, at) for organization_id in list(waiting))


def send_digest(organization_id: UUID, email: str, mailed_at: datetime) -> None:
    """Mail one administrator what was handed out at a time; nothing if all of it is resolved."""
    rows = Alert.objects.for_organization(organization_id).filter(mailed_at=mailed_at)
    rows = rows.exclude(status=AlertStatus.RESOLVED).order_by("-created_at", "-id")
    count = rows.count()
    if not count:
        return
    organization = Organization.objects.get(pk=organization_id)
    mail.send(
        "alerts",
        to=email,
        subject=f"{organization.name}: {counted(count, 'alerts')}",
        organization=organization.name,
        count=counted(count, "alerts"),
        alerts=list(rows[:LISTED]),
        more=max(0, count - LISTED),
        link=settings.PUBLIC_URL + reverse("admin:organizations_alert_changelist"),
    )


def _waiting() -> QuerySet:
    return Alert.objects.filter(mailed_at__isnull=True, status=AlertStatus.NEW, severity__in=MAILED)


def _hand_out(organization_id: UUID, at: datetime) -> int:
    from organizations import tasks

    with transaction.atomic():
        # Two at once: the second waits, and then finds what the first has mailed.
        Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
        rows = Alert.objects.for_organization(organization_id)
        latest = rows.aggregate(latest=Max("mailed_at"))["latest"]
        if latest is not None and latest > at - BETWEEN_MAILS:
            return 0
        if not _waiting().for_organization(organization_id).update(mailed_at=at):
            return 0
        members = list(people.administrators(organization_id).select_related("user"))
        for member in members:
            mail.enqueue(
                tasks.mail_alerts,
                organization_id=str(organization_id),
                email=member.user.email,
                mailed_at=at.isoformat(),
            )
    return len(members)


def _change(row: Alert, old: dict[str, Any] | None, new: dict[str, Any]) -> events.Change:
    return events.Change(
        row.organization_id, row.pk, row.account_id, exact_json.simple(old), exact_json.simple(new)
    )
