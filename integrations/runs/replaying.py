"""Run again: one run, one entity, or many that failed (A6)."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from integrations.models import IntegrationConfiguration, IntegrationRun
from integrations.runs import triggers
from organizations.kernel.errors import DomainError
from organizations.kernel.principals import Principal
from organizations.models import AuditEntry

MOST = 1000


class NotOver(DomainError):
    """A run of the same entity and configuration is on its way."""

    def __init__(self) -> None:
        super().__init__("A newer run of it is still on its way; wait for its end.")


class IsOff(DomainError):
    """The configuration is disabled or gone."""

    def __init__(self) -> None:
        super().__init__("The integration is disabled or deleted; enable it first.")


def again(run: IntegrationRun, *, by: Principal, at: datetime) -> IntegrationRun:
    """Make a new run of what a run was about; raises ``NotOver`` or ``IsOff``."""
    with transaction.atomic():
        rows = IntegrationConfiguration.objects.select_for_update(no_key=True)
        configuration = rows.filter(pk=run.configuration_id).first()
        if configuration is None or not configuration.is_enabled:
            raise IsOff
        same = IntegrationRun.objects.filter(
            configuration=configuration, entity_type=run.entity_type, entity_id=run.entity_id
        )
        if same.filter(finished_at__isnull=True).exists():
            raise NotOver
        made = triggers.build(
            configuration,
            entity_type=run.entity_type,
            entity_id=run.entity_id,
            account_id=run.account_id,
            at=at,
            replayed_from=run.pk,
        )
        made.next_attempt_at = at
        triggers.keep([made])
        AuditEntry.objects.create(
            organization_id=run.organization_id,
            at=at,
            principal_id=by.id,
            principal_kind=by.kind,
            access_key_id=by.access_key_id,
            source_address=by.source_address,
            request_id=by.request_id,
            action="runAgain",
            resource="config:integrationRun",
            entity_id=run.pk,
        )
    return made


def newest(runs: QuerySet) -> tuple[list[IntegrationRun], int]:
    """Return the newest runs, as many as are run again at once, and how many there are beyond."""
    rows = list(runs.order_by("-created_at", "-pk")[:MOST])
    return rows, max(0, runs.count() - MOST) if len(rows) == MOST else 0


def many(runs: Iterable[IntegrationRun], *, by: Principal, at: datetime) -> tuple[int, int]:
    """Run many again; returns how many are on their way, and how many could not be."""
    done = left = 0
    seen = set()
    for run in runs:
        key = (run.configuration_id, run.entity_type, run.entity_id)
        if key in seen:  # the newest of each
            continue
        seen.add(key)
        try:
            again(run, by=by, at=at)
            done += 1
        except DomainError:
            left += 1
    return done, left
