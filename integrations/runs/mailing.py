"""Tell people chosen in a configuration that it was disabled (A4)."""

from uuid import UUID

from django.conf import settings
from django.urls import reverse

from integrations.models import IntegrationConfiguration
from organizations import mail


def mail_disabled(configuration_id: UUID, email: str) -> None:
    """Tell somebody by mail; nothing when it is enabled again or gone."""
    rows = IntegrationConfiguration.objects.select_related("organization")
    row = rows.filter(pk=configuration_id, is_enabled=False).first()
    if row is None:
        return
    page = reverse("admin:integrations_integrationconfiguration_change", args=[row.pk])
    mail.send(
        "integration_disabled",
        to=email,
        subject=f"Integration {row} was disabled",
        integration=str(row),
        organization=row.organization.name,
        reason=row.disabled_reason or "",
        link=settings.PUBLIC_URL + page,
    )
