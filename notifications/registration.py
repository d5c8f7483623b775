"""What this app tells the kernel's registry when Django starts."""

from notifications import configurations, planning, schedules
from notifications import representations as look
from notifications.models import NotificationConfiguration, ScheduledEventConfiguration
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
    registry.register(
        NotificationConfiguration,
        "config:notificationConfiguration",
        represent=look.notification_configuration,
        check=configurations.check,
    )
    registry.refers(
        ScheduledEventConfiguration,
        "rules",
        lambda row: configurations.naming(row.organization_id, row.name),
    )
    registry.explain_constraint("rule_code_unique", "code", "another rule has this code")
    registry.scheduled_events(schedules.type_names)
    registry.explain_constraint(
        "scheduled_event_name_unique",
        "name",
        "another scheduled event of this organization has this name",
    )
