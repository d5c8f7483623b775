"""A row of every kind of the pages about events and rules."""

from django.db import models

from notifications.models import ScheduledEventConfiguration
from organizations.founding import Founded


def notifications(founded: Founded, mark: str) -> list[models.Model]:
    """Make a scheduled event."""
    scheduled = ScheduledEventConfiguration.objects.create(
        organization=founded.organization,
        name=f"scheduled.bill.{mark}",
        entity="Bill",
        field="endDate",
        offset=5,
    )
    return [scheduled]
