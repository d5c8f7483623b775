"""Send one entity now, by hand: to see whether an integration works with real data."""

from datetime import datetime
from typing import Any

from django.db import transaction

from billing import representations as billing_representations
from billing.models import Account
from integrations.models import IntegrationConfiguration, IntegrationRun
from integrations.runs import settings, triggers
from organizations.kernel import registry
from organizations.kernel.errors import DomainError
from organizations.kernel.principals import Principal
from organizations.models import AuditEntry

MOST_LOOKED_AT = 200


class NothingToSend(DomainError):
    """No entity is admitted by the settings, or the integration cannot send now."""


def newest(row: IntegrationConfiguration, *, by: Principal, at: datetime) -> IntegrationRun:
    """Make a run of the newest entity that the settings admit; raises ``NothingToSend``."""
    if not row.is_enabled:
        raise NothingToSend("The integration is disabled; enable it first.")
    resource = registry.of_type(row.entity_type.lower())
    if resource is None:
        raise NothingToSend(f"Nothing of the kind {row.entity_type} can be sent.")
    entities = resource.model._default_manager.filter(organization_id=row.organization_id)
    if row.entity_type.lower() == "bill" and settings.is_on_approval(row.config_data):
        entities = entities.filter(approved_at__isnull=False)
    for entity in entities.order_by("-created_at", "-pk")[:MOST_LOOKED_AT]:
        account = entity if isinstance(entity, Account) else getattr(entity, "account", None)
        if account is not None and not _admits(row, account):
            continue
        return _made(row, entity, account, by, at)
    raise NothingToSend(
        f"There is no {row.entity_type.lower()} yet that the settings of this integration admit."
    )


def _admits(row: IntegrationConfiguration, account: Account) -> bool:
    is_admitted, _ = settings.admits(row.config_data, billing_representations.account(account))
    return is_admitted


def _made(
    row: IntegrationConfiguration, entity: Any, account: Any, by: Principal, at: datetime
) -> IntegrationRun:
    with transaction.atomic():
        same = IntegrationRun.objects.filter(
            configuration=row, entity_id=str(entity.pk), finished_at__isnull=True
        )
        if same.exists():
            raise NothingToSend("A run of it is still on its way; wait for its end.")
        run = triggers.build(
            row,
            entity_type=row.entity_type,
            entity_id=str(entity.pk),
            account_id=account.pk if account else None,
            at=at,
        )
        run.next_attempt_at = at
        triggers.keep([run])
        AuditEntry.objects.create(
            organization_id=row.organization_id,
            at=at,
            principal_id=by.id,
            principal_kind=by.kind,
            access_key_id=by.access_key_id,
            source_address=by.source_address,
            request_id=by.request_id,
            action="sendNow",
            resource="config:integrationConfiguration",
            entity_id=row.pk,
        )
    return run
