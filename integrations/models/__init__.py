"""The outside world: webhook destinations and deliveries."""

from integrations.models.webhooks import (
    Delivery,
    DeliveryAttempt,
    DeliveryStatus,
    WebhookDestination,
)

__all__ = ["Delivery", "DeliveryAttempt", "DeliveryStatus", "WebhookDestination"]
