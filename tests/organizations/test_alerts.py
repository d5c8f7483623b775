"""Alerts: their events, and the mail that tells administrators of those that wait."""

from datetime import UTC, datetime, timedelta

import pytest

from organizations import alerts
from organizations.kernel import event_types
from organizations.models import Alert, AlertSeverity, AlertStatus, Event
from tests.factories import make_organization

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def raised(organization, **overrides):
    fields = {"created_at": NOON, "modified_at": NOON, "severity": "ERROR", "type": "T",
              "description": "Account aurora was not billed."}  # fmt: skip
    row = Alert(organization=organization, **{**fields, **overrides})
    alerts.raise_many([row])
    return row


def test_raising_and_marking_an_alert_are_events(organization):
    row = raised(organization)

    assert alerts.mark(Alert.objects.filter(pk=row.pk), AlertStatus.RESOLVED, at=NOON) == 1
    assert alerts.mark(Alert.objects.filter(pk=row.pk), AlertStatus.RESOLVED, at=NOON) == 0

    told = Event.objects.filter(resource_id=row.pk).order_by("id")
    assert [one.name for one in told] == [
        "configuration.alert.created",
        "configuration.alert.updated",
    ]
    copies = told[1].payload["eventData"]
    assert (copies["oldDto"]["status"], copies["newDto"]["status"]) == ("NEW", "RESOLVED")
    assert "new.severity" in event_types.fields()["configuration.alert.created"]


def test_administrators_are_mailed_once_a_day_what_nobody_has_looked_after(
    founded, organization, mailoutbox, django_capture_on_commit_callbacks, eager_tasks
):
    row = raised(organization)
    raised(organization, severity=AlertSeverity.INFO, description="All is well.")
    raised(organization, status=AlertStatus.RESOLVED, description="Seen to.")
    raised(make_organization(), description="Somebody else's.")

    with django_capture_on_commit_callbacks(execute=True):
        alerts.mail_digests(NOON)
        alerts.mail_digests(NOON + timedelta(hours=1))

    mine = [
        one for one in mailoutbox if "1 alert" in one.subject and organization.name in one.subject
    ]
    assert len(mine) == 1
    assert mine[0].to == [founded.admin.email]
    assert row.description in mine[0].body
    for other in ("All is well.", "Seen to.", "Somebody else's."):
        assert other not in mine[0].body

    # Another the same day waits for the next.
    raised(organization, description="Later.")
    with django_capture_on_commit_callbacks(execute=True):
        alerts.mail_digests(NOON + timedelta(hours=2))
        alerts.mail_digests(NOON + timedelta(hours=24))
    mine = [one for one in mailoutbox if organization.name in one.subject]
    assert len(mine) == 2
    assert "Later." in mine[1].body and row.description not in mine[1].body
