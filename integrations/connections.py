"""Connect rules with webhook destinations: what fires is sent there (C2)."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from integrations import credentials
from integrations.models import (
    NOTIFICATION,
    WEBHOOK,
    IntegrationConfiguration,
    IntegrationCredential,
    WebhookDestination,
)
from integrations.runs import settings as run_settings
from integrations.systems import known, registry
from notifications.models import EVERY_EVENT, NotificationConfiguration
from organizations.kernel import changes
from organizations.kernel.errors import FieldRefused, check_each
from organizations.kernel.principals import Principal

EVERYTHING = "everything"


def connect(
    rule: NotificationConfiguration, destination: WebhookDestination, *, by: Principal
) -> IntegrationConfiguration:
    """Have a destination told when a rule fires; refused when it is already."""
    return changes.create(
        IntegrationConfiguration(
            organization_id=rule.organization_id,
            name=f"{rule.name} to {destination.name}"[:200],
            entity_id=rule.pk,
            destination_id=destination.pk,
        ),
        by=by,
    )


def connect_with_everything(
    destination: WebhookDestination, *, by: Principal
) -> IntegrationConfiguration:
    """Have a destination told of every event, through the rule about all of them."""
    rules = NotificationConfiguration.objects.for_organization(destination.organization_id)
    rule = rules.filter(event_name=EVERY_EVENT, is_active=True).order_by("created_at").first()
    return connect(rule or _rule_about_everything(destination, by), destination, by=by)


def check(row: IntegrationConfiguration) -> None:
    """Refuse a webhook's configuration without a rule or a destination of the organization."""
    if row.entity_type != NOTIFICATION or row.destination.upper() != WEBHOOK:
        _check_system(row)
        return
    known: tuple[tuple[str, Any, UUID | None], ...] = (
        ("entityId", NotificationConfiguration, row.entity_id),
        ("destinationId", WebhookDestination, row.destination_id),
    )
    for field, model, identity in known:
        rows = model.objects.for_organization(row.organization_id)
        if identity is None or not rows.filter(pk=identity).exists():
            raise FieldRefused(field, f"no such {model._meta.verbose_name}")


def _check_system(row: IntegrationConfiguration) -> None:
    """Refuse what a system cannot be sent, and settings that cannot be followed (A2, A4)."""
    system = registry.find(row.destination)
    about = known.find(row.destination)
    words = {entity.lower() for entity in about.entities} if about else set()

    def entity() -> None:
        if about is not None and row.entity_type.lower() not in words:
            listed = ", ".join(about.entities)
            raise FieldRefused("entityType", f"{about.name} takes {listed}")

    check_each(
        entity,
        lambda: credentials.check_use(row.credential, row.destination),
        lambda: run_settings.check(row.config_data, system),
    )


def of_credential(credential: IntegrationCredential) -> QuerySet:
    """Return the configurations that use a credential."""
    rows = IntegrationConfiguration.objects.for_organization(credential.organization_id)
    return rows.filter(credential=credential)


def of_destination(destination: WebhookDestination) -> QuerySet:
    """Return the configurations that lead to a destination."""
    rows = IntegrationConfiguration.objects.for_organization(destination.organization_id)
    return rows.filter(destination_id=destination.pk)


def forget_rules(rows: list[Any], *, by: Principal) -> None:
    """Delete the configurations of rules that have been deleted (B7)."""
    if not rows or not isinstance(rows[0], NotificationConfiguration):
        return
    links = IntegrationConfiguration.objects.for_organization(rows[0].organization_id)
    for link in links.filter(entity_type=NOTIFICATION, entity_id__in=[row.pk for row in rows]):
        changes.delete(link, by=by)


def _rule_about_everything(
    destination: WebhookDestination, by: Principal
) -> NotificationConfiguration:
    return changes.create(
        NotificationConfiguration(
            organization_id=destination.organization_id,
            name="Every event",
            description="Fires on every event; made for webhook destinations that receive all.",
            code=EVERYTHING,
            event_name=EVERY_EVENT,
            is_active=True,
            always_fires=True,
        ),
        by=by,
    )
