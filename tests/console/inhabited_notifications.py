"""A row of every kind of the pages about events and rules."""

from django.db import models

from integrations.models import IntegrationConfiguration, WebhookDestination
from notifications.models import EVERY_EVENT, NotificationConfiguration, ScheduledEventConfiguration
from organizations.founding import Founded
from tests.console.inhabited_integrations import integrations


def notifications(founded: Founded, mark: str) -> list[models.Model]:
    """Make a scheduled event, and a rule that is connected with the webhook destination."""
    rule = NotificationConfiguration.objects.create(
        organization=founded.organization,
        name=f"{mark} rule",
        description="Every event",
        code="every",
        event_name=EVERY_EVENT,
        always_fires=True,
    )
    destination = WebhookDestination.objects.filter(organization=founded.organization).first()
    connection = IntegrationConfiguration.objects.create(
        organization=founded.organization,
        name=f"{mark} connection",
        entity_id=rule.pk,
        destination_id=destination.pk,
    )
    scheduled = ScheduledEventConfiguration.objects.create(
        organization=founded.organization,
        name=f"scheduled.bill.{mark}",
        entity="Bill",
        field="endDate",
        offset=5,
    )
    return [scheduled, rule, connection, *integrations(founded, mark)]
