"""Which events matter to whom: events on a schedule, and rules."""

from notifications.models.scheduled import Moment, ScheduledEventConfiguration

__all__ = ["Moment", "ScheduledEventConfiguration"]
