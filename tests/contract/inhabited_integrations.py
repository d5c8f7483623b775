"""An integration with a credential, a run with a log, and a person who has left to connect."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from integrations.models import (
    IntegrationConfiguration,
    IntegrationCredential,
    IntegrationRun,
    MarketplaceReport,
    MeteredHour,
    OAuthConnection,
    RunLogEntry,
    RunStatus,
)
from organizations.kernel import clock, ids


def integrate(organization_id: UUID, mark: str = "books") -> IntegrationRun:
    """Make one of each; the run has ended, so nobody sends anything."""
    now = clock.now()
    credential = IntegrationCredential(
        organization_id=organization_id, name=f"{mark} key", type="OAUTH_CODE",
        destination="STRIPE_TEST",
    )  # fmt: skip
    credential.secrets = {"clientId": "ca_1", "clientSecret": "planted"}
    credential.save()
    configuration = IntegrationConfiguration.objects.create(
        organization_id=organization_id, name=f"{mark} integration", entity_type="Bill",
        destination="STRIPE_TEST", credential=credential, is_enabled=False,
    )  # fmt: skip
    run = IntegrationRun.objects.create(
        organization_id=organization_id, configuration=configuration, entity_type="Bill",
        entity_id=str(ids.new_id()), destination="STRIPE_TEST", status=RunStatus.ERROR,
        error=f"{mark} failed", created_at=now, modified_at=now, started_at=now, finished_at=now,
    )  # fmt: skip
    RunLogEntry.objects.create(run=run, at=now, text=f"{mark} began")
    OAuthConnection.objects.create(
        organization_id=organization_id, credential=credential, person_id=ids.new_id(),
        hashed_state=ids.new_id().hex, sealed_verifier="sealed", ends_at=now + timedelta(minutes=1),
    )  # fmt: skip
    MarketplaceReport.objects.create(
        organization_id=organization_id, account_id=ids.new_id(), bill_id=run.entity_id,
        external_system="AWS", reported_usage={f"{mark} dimension": {"2026-06-01T14:00:00Z": 50}},
        created_at=now, modified_at=now,
    )  # fmt: skip
    MeteredHour.objects.create(
        organization_id=organization_id, external_system="AWS", customer="cust-1",
        dimension="code-units", hour=datetime(2026, 6, 1, 12, tzinfo=UTC), created_at=now,
    )  # fmt: skip
    return run
