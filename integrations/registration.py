"""What this app tells the kernel's registry when Django starts."""

from integrations import representations as look
from integrations import waking
from integrations.models import Delivery, WebhookDestination
from organizations.kernel import events, registry


def register() -> None:
    """Register entities, delete guards and sentences for constraints; listen for events."""
    # Not on the closed list of events (B2): a change of a destination records none.
    registry.register(
        WebhookDestination,
        "config:webhookDestination",
        represent=look.webhook_destination,
    )
    registry.name(Delivery, "config:webhookDestination")
    registry.explain_constraint(
        "webhook_destination_code_unique",
        "code",
        "another webhook destination of this organization already has this code",
    )
    events.listen(waking.wake)
