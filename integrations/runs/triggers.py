"""Make runs of what has happened: which configurations an event concerns (A5).

Called by the dispatcher in the transaction that takes the events from the outbox.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from billing import representations
from billing.models import Account
from integrations.models import (
    NOTIFICATION,
    IntegrationConfiguration,
    IntegrationRun,
    RunStatus,
)
from integrations.runs import settings
from integrations.systems import known, registry
from organizations.models import Event

logger = logging.getLogger(__name__)

IS_OFF = "The integration is disabled."
OWN_EVENTS = "integration."
HOUR = timedelta(hours=1)


def start(events: Sequence[Event], at: datetime) -> int:
    """Make the runs these events ask for; returns how many events had one."""
    wanted = [event for event in events if _verb(event) in {"created", "updated"}]
    configurations = _configurations(wanted)
    meant = [
        (event, one)
        for event in wanted
        for one in configurations[event.organization_id, _entity(event)]
        if _concerns(one, event)
    ]
    accounts = _accounts(event for event, _ in meant)
    runs = []
    for event, one in meant:
        account = accounts.get(_account_id(event))
        if _is_admitted(one, account):
            runs.append(
                build(
                    one,
                    entity_type=one.entity_type,
                    entity_id=str(event.resource_id),
                    account_id=_account_id(event),
                    at=at,
                )
            )
    keep(runs)
    return len(runs)


def build(
    configuration: IntegrationConfiguration,
    *,
    entity_type: str,
    entity_id: str,
    account_id: UUID | None,
    at: datetime,
    replayed_from: UUID | None = None,
) -> IntegrationRun:
    """Return a run that waits, or the trace of one that is not made while it is disabled."""
    run = IntegrationRun(
        organization_id=configuration.organization_id,
        configuration=configuration,
        entity_type=entity_type,
        entity_id=entity_id,
        account_id=account_id,
        destination=configuration.destination,
        destination_id=configuration.destination_id,
        created_at=at,
        modified_at=at,
        next_attempt_at=_due(configuration, at),
        replayed_from_id=replayed_from,
    )
    if not configuration.is_enabled:
        run.status, run.error = RunStatus.DISABLED, IS_OFF
        run.finished_at, run.next_attempt_at = at, None
    return run


def keep(runs: Sequence[IntegrationRun]) -> None:
    """Save runs; one that waits already takes the change of another along."""
    IntegrationRun.objects.bulk_create(runs, ignore_conflicts=True, batch_size=500)


def _due(configuration: IntegrationConfiguration, at: datetime) -> datetime:
    """Return when to send: at once, or with the hour for systems that are swept."""
    system = known.find(configuration.destination)
    if system is None or not system.is_swept:
        return at
    return at.replace(minute=0, second=0, microsecond=0) + HOUR


def _configurations(
    events: Sequence[Event],
) -> Mapping[tuple[UUID, str], list[IntegrationConfiguration]]:
    found: dict[tuple[UUID, str], list[IntegrationConfiguration]] = defaultdict(list)
    if not events:
        return found
    rows = IntegrationConfiguration.objects.filter(
        organization_id__in={event.organization_id for event in events}
    ).exclude(entity_type=NOTIFICATION)
    for row in rows.order_by("created_at", "pk"):
        if registry.is_released(row.destination):
            found[row.organization_id, row.entity_type.lower()].append(row)
    return found


def _concerns(one: IntegrationConfiguration, event: Event) -> bool:
    if one.created_at > event.created_at or event.resource_id is None:
        return False
    if one.entity_id is not None and one.entity_id != event.resource_id:
        return False
    return _entity(event) != "bill" or _is_bill_sent(one, event.payload)


def _is_bill_sent(one: IntegrationConfiguration, payload: Mapping[str, Any]) -> bool:
    """Say whether a bill was calculated, or with approval alone, approved."""
    data = payload.get("eventData") or {}
    new, old = data.get("newDto") or {}, data.get("oldDto")
    if settings.is_on_approval(one.config_data):
        return new.get("status") == "APPROVED" and (old or {}).get("status") != "APPROVED"
    if old is None:
        return True
    changing = ("lastCalculatedDate", "billTotal")
    return not new.get("locked") and any(new.get(key) != old.get(key) for key in changing)


def _accounts(events: Iterable[Event]) -> dict[UUID | None, Mapping[str, Any]]:
    wanted = {identity for event in events if (identity := _account_id(event))}
    rows = Account.objects.filter(pk__in=wanted) if wanted else ()
    return {row.pk: representations.account(row) for row in rows}


def _is_admitted(one: IntegrationConfiguration, account: Mapping[str, Any] | None) -> bool:
    if account is None:
        # What belongs to no account is sent where no account is asked for.
        return not any(one.config_data.get(key) for key in (settings.ACCOUNTS, settings.FILTER))
    is_meant, fault = settings.admits(one.config_data, account)
    if fault:
        logger.warning("Account filter of integration %s: %s", one.pk, fault)
    return is_meant


def _account_id(event: Event) -> UUID | None:
    return event.resource_id if _entity(event) == "account" else event.account_id


def _entity(event: Event) -> str:
    parts = event.name.split(".")
    return parts[1] if len(parts) == 3 else ""


def _verb(event: Event) -> str:
    if event.name.startswith(OWN_EVENTS):
        return ""
    return event.name.rpartition(".")[2]


_DUE = """
UPDATE integrations_integrationrun run
SET claimed_until = %(until)s,
    -- A worker that was killed has left STARTED behind; now it waits in the queue again.
    status = CASE WHEN run.status = 'STARTED' THEN 'AWAITING_RETRY' ELSE run.status END
WHERE run.id IN (
    SELECT due.id FROM integrations_integrationrun due
    LEFT JOIN integrations_integrationconfiguration configuration
      ON configuration.id = due.configuration_id
    LEFT JOIN integrations_integrationcredential credential
      ON credential.id = configuration.credential_id
    WHERE due.next_attempt_at <= %(at)s
      AND (due.claimed_until IS NULL OR due.claimed_until <= %(at)s)
      AND (credential.paused_until IS NULL OR credential.paused_until <= %(at)s
           OR due.status = 'RATE_LIMIT_RETRY')
    ORDER BY due.next_attempt_at, due.id LIMIT %(limit)s
    FOR NO KEY UPDATE OF due SKIP LOCKED)
RETURNING run.id
"""
QUEUE_LEASE = timedelta(seconds=60)
AT_ONCE = 200


def hand_out(at: datetime) -> list[UUID]:
    """Lease what is due for its time in the queue, and return it."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"at": at, "until": at + QUEUE_LEASE, "limit": AT_ONCE})
        return [row[0] for row in cursor.fetchall()]
