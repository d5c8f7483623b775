"""A row of every kind of the pages about systems outside."""

from django.db import models

from integrations.models import (
    ExternalMapping,
    IntegrationCredential,
    IntegrationRun,
    MeteredHour,
    NotificationChannel,
    RunStatus,
    SystemIntegration,
)
from organizations.founding import Founded
from organizations.kernel import clock, ids


def integrations(founded: Founded, mark: str) -> list[models.Model]:
    """Make a mapping of something no page knows."""
    mapping = ExternalMapping.objects.create(
        organization=founded.organization,
        entity="Ship",
        entity_identity=f"{mark} ship",
        external_system="Registry",
        external_table="Vessel",
        external_id=f"{mark} vessel",
    )
    credential = IntegrationCredential(
        organization=founded.organization, name=f"{mark} key", type="SAGE_INTACCT_CLIENT_SECRET",
        destination="SAGE", is_authorized=True,
    )  # fmt: skip
    credential.secrets = {"apiKey": "sk_planted"}
    credential.save()
    now = clock.now()
    run = IntegrationRun.objects.create(
        organization=founded.organization, entity_type="Bill", entity_id=str(ids.new_id()),
        destination="STRIPE_TEST", status=RunStatus.ERROR, error=f"{mark} was refused",
        created_at=now, modified_at=now, started_at=now, finished_at=now,
    )  # fmt: skip
    system = SystemIntegration.objects.create(
        organization=founded.organization, name=f"{mark} books", entity_type="Bill",
        destination="STRIPE_TEST",
    )  # fmt: skip
    MeteredHour.objects.create(
        organization=founded.organization, external_system="AWS", customer=f"{mark} customer",
        dimension="units", hour=now.replace(minute=0, second=0, microsecond=0), created_at=now,
    )  # fmt: skip
    channel = NotificationChannel(
        organization=founded.organization, name=f"{mark} channel", description="Slack channel",
        channel="SLACK", url="https://hooks.slack.com",
    )  # fmt: skip
    channel.secret = "https://hooks.slack.com/services/planted"
    channel.save()
    return [mapping, credential, run, system, channel]
