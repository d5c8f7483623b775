"""Rows that tests of events and rules start from."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from billing.models import Account, Bill
from integrations.models import WebhookDestination
from notifications.models import NotificationConfiguration, ScheduledEventConfiguration
from organizations.kernel import changes, principals
from organizations.models import Event, Organization
from tests.console.inhabited import make_bill
from tests.factories import number

JANUARY = datetime(2026, 1, 15, 12, tzinfo=UTC)


def make_scheduled(organization: Organization, **overrides: Any) -> ScheduledEventConfiguration:
    """Make an event 5 days after a bill's end, as if it were of 15 January 2026."""
    fields = {
        "name": f"scheduled.bill.ended{number()}",
        "entity": "Bill",
        "field": "endDate",
        "offset": 5,
        **overrides,
    }
    row = ScheduledEventConfiguration(organization=organization, **fields)
    changes.create(row, by=principals.system(organization.pk))
    ScheduledEventConfiguration.objects.filter(pk=row.pk).update(since=JANUARY)
    row.refresh_from_db()
    return row


def bill_ending(account: Account, day: date, **overrides: Any) -> Bill:
    """Make a bill that ends on a day, and what is recorded of it."""
    bill = make_bill(
        account,
        start_date=date(day.year - 1, day.month, day.day),
        end_date=day,
        boundary_date=day,
        **overrides,
    )
    changes.created_many([bill], by=principals.system(account.organization_id))
    return bill


def make_rule(organization: Organization, **overrides: Any) -> NotificationConfiguration:
    """Make an active rule about products that are made, as if it were of a year ago."""
    fields = {
        "name": "New product",
        "description": "A product was made",
        "code": f"rule{number()}",
        "event_name": "configuration.product.created",
        "is_active": True,
        "active_since": JANUARY - timedelta(days=365),
        **overrides,
    }
    Event.objects.filter(organization=organization).update(dispatched_at=JANUARY)
    return NotificationConfiguration.objects.create(organization=organization, **fields)


def make_webhook(organization: Organization) -> WebhookDestination:
    """Make a destination that nothing is connected with."""
    return WebhookDestination.objects.create(
        organization=organization,
        name=f"Destination {number()}",
        description="Receives",
        url="http://127.0.0.1:9/hook",
        api_key="key-1",
        secret="my-api-secret",
    )
