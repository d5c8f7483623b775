"""What this app tells the kernel's registry when Django starts."""

from notifications import planning, schedules
from notifications import representations as look
from notifications.models import ScheduledEventConfiguration
from organizations.kernel import registry


def register() -> None:
    """Register entities, delete guards and sentences for constraints."""
    registry.register(
        ScheduledEventConfiguration,
        "config:scheduledEventConfiguration",
        represent=look.scheduled_event_configuration,
        check=schedules.check,
        follow=planning.follow,
    )
    registry.scheduled_events(schedules.type_names)
    registry.explain_constraint(
        "scheduled_event_name_unique",
        "name",
        "another scheduled event of this organization has this name",
    )
