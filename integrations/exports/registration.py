"""What exports tell the kernel's registry."""

from integrations.exports import destinations
from integrations.exports import representations as look
from integrations.models import ExportDestination
from organizations.kernel import registry


def register() -> None:
    """Register destinations. Not on the closed list of events (B2): a change records none."""
    registry.register(
        ExportDestination,
        "config:exportDestination",
        represent=look.export_destination,
        check=destinations.check,
    )
