"""The outside world: what is sent where, webhook destinations and deliveries."""

from integrations.models.configurations import (
    NOTIFICATION,
    WEBHOOK,
    IntegrationConfiguration,
    SystemIntegration,
)
from integrations.models.credentials import IntegrationCredential, OAuthConnection
from integrations.models.export_jobs import ExportJob, ExportSource, ExportStatus
from integrations.models.export_schedules import ExportSchedule, ScheduleType
from integrations.models.exports import DestinationType, ExportDestination, PartitionOrder
from integrations.models.mappings import ExternalMapping
from integrations.models.marketplaces import MarketplaceReport, MeteredHour
from integrations.models.runs import IntegrationRun, RunLogEntry, RunStatus
from integrations.models.webhooks import (
    Channel,
    Delivery,
    DeliveryAttempt,
    DeliveryStatus,
    NotificationChannel,
    WebhookDestination,
)

__all__ = [
    "NOTIFICATION",
    "WEBHOOK",
    "Channel",
    "Delivery",
    "DeliveryAttempt",
    "DeliveryStatus",
    "DestinationType",
    "ExportDestination",
    "ExportJob",
    "ExportSchedule",
    "ExportSource",
    "ExportStatus",
    "ExternalMapping",
    "IntegrationConfiguration",
    "IntegrationCredential",
    "IntegrationRun",
    "MarketplaceReport",
    "MeteredHour",
    "NotificationChannel",
    "OAuthConnection",
    "PartitionOrder",
    "RunLogEntry",
    "RunStatus",
    "ScheduleType",
    "SystemIntegration",
    "WebhookDestination",
]
