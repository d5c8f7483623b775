"""Which events matter to whom: events on a schedule, and rules."""

from notifications.models.rules import EVERY_EVENT, NotificationConfiguration, RuleActivity
from notifications.models.scheduled import Moment, ScheduledEventConfiguration

__all__ = [
    "EVERY_EVENT",
    "Moment",
    "NotificationConfiguration",
    "RuleActivity",
    "ScheduledEventConfiguration",
]
