"""What exports tell the kernel's registry."""

from integrations.exports import destinations, jobs, schedules
from integrations.exports import representations as look
from integrations.models import ExportDestination, ExportJob, ExportSchedule
from organizations.kernel import event_types, registry


def register() -> None:
    """Register destinations. Not on the closed list of events (B2): a change records none."""
    registry.register(
        ExportDestination,
        "config:exportDestination",
        represent=look.export_destination,
        check=destinations.check,
    )
    registry.register(ExportJob, "config:exportJob", represent=look.export_job)
    registry.other_event(jobs.FAILED, lambda: look.failure(event_types.sample(ExportJob)))
    registry.register(
        ExportSchedule,
        "config:exportSchedule",
        represent=look.export_schedule,
        check=schedules.check,
    )
    registry.refers(ExportDestination, "export schedules", schedules.naming)
