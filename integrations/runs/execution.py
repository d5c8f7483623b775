"""Do one run: begin, send, record. Nothing is sent inside a transaction.

A worker that dies leaves a lease that passes, and the run is begun again; the sender finds what
the dead one wrote. Every request renews the lease, and a worker whose run was given to another one
sends no further request.
"""

import logging
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from integrations.models import (
    IntegrationConfiguration,
    IntegrationCredential,
    IntegrationRun,
    RunLogEntry,
    RunStatus,
)
from integrations.runs import (
    logs,
    metering,
    reading,
    reporting,
    retries,
    sandbox,
    settings,
    trouble,
)
from integrations.systems import registry
from integrations.systems.base import (
    Job,
    NoMapping,
    NoMeter,
    NotAuthorized,
    Refused,
    SendingFailed,
    Sent,
    System,
    TryAgain,
)
from integrations.systems.client import HttpClient
from integrations.systems.invoices import Invoice, TotalsDiffer, prepared
from organizations.kernel import clock, principals, sealing

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
AT_ONCE, BUSY = 4, timedelta(seconds=5)
UNREADABLE = "The credential cannot be read: SECRET_KEY has changed. Make a new one."


@dataclass(frozen=True, slots=True)
class Begun:
    """A run this worker holds, until its lease passes."""

    run: IntegrationRun
    configuration: IntegrationConfiguration
    attempt: int


def perform(run_id: UUID) -> None:
    """Make one attempt of a run if it is due. Safe to run twice."""
    begun = _begin(run_id, clock.now())
    if begun is None:
        return
    outcome: Sent | SendingFailed | TryAgain
    try:
        outcome = _send(begun)
    except (SendingFailed, TryAgain) as error:
        outcome = error
    except sealing.Unreadable:
        outcome = NotAuthorized(UNREADABLE)
    except Exception as error:  # a fault of ours must not be tried for ever
        logger.exception("Run %s failed", run_id)
        outcome = SendingFailed(f"The sender failed ({type(error).__name__}).")
    _record(begun, outcome, clock.now())


def _begin(run_id: UUID, at: datetime) -> Begun | None:
    """Take the run for one attempt; None when there is nothing to do now."""
    with transaction.atomic():
        run = IntegrationRun.objects.select_for_update(no_key=True).filter(pk=run_id).first()
        if run is None or run.next_attempt_at is None or run.next_attempt_at > at:
            return None
        is_held = run.claimed_until is not None and run.claimed_until > at
        if run.status == RunStatus.STARTED and is_held:
            return None
        configuration = (
            IntegrationConfiguration.objects.select_related("credential")
            .filter(pk=run.configuration_id)
            .first()
        )
        if configuration is None or not configuration.is_enabled:
            _end(run, RunStatus.DISABLED, at, "The integration is disabled.")
            return None
        if warning := sandbox.warning(configuration.organization, configuration.destination):
            _end(run, RunStatus.DISABLED, at, warning)
            return None
        if _is_busy(configuration, run, at):
            IntegrationRun.objects.filter(pk=run.pk).update(claimed_until=at + BUSY)
            return None
        if run.started_at is None:
            if _predecessor(run):
                return None
            run.started_at = at
        elif at - run.started_at >= retries.LIMIT:
            message = "The run took longer than 24 hours."
            _end(run, RunStatus.TIMEOUT_LIMIT_EXCEEDED, at, message)
            trouble.report(run, trouble.OTHER, message, at)
            trouble.note_failure(configuration, run, at, at_once=False)
            return None
        run.status = RunStatus.STARTED
        run.claimed_until = at + LEASE
        run.attempts_begun += 1
        run.modified_at = at
        run.save()
    return Begun(run, configuration, run.attempts_begun)


def _is_busy(configuration: IntegrationConfiguration, run: IntegrationRun, at: datetime) -> bool:
    """Say whether as many runs of the credential are being sent as one system should see."""
    sending = IntegrationRun.objects.filter(
        configuration__credential_id=configuration.credential_id,
        configuration__organization_id=run.organization_id,
        status=RunStatus.STARTED,
        claimed_until__gt=at,
    )
    return sending.exclude(pk=run.pk).count() >= AT_ONCE


def _predecessor(run: IntegrationRun) -> bool:
    return IntegrationRun.objects.filter(
        configuration_id=run.configuration_id,
        entity_type=run.entity_type,
        entity_id=run.entity_id,
        started_at__isnull=False,
        finished_at__isnull=True,
    ).exists()


def _send(begun: Begun) -> Sent:
    run, configuration = begun.run, begun.configuration
    system = registry.find(configuration.destination)
    if system is None:
        raise SendingFailed(f"Nothing here sends to {configuration.destination}.")
    if configuration.credential is None or not configuration.credential.is_authorized:
        raise NotAuthorized("There is no credential that works.")
    log = logs.Log(run.pk, begun.attempt)
    log.begin(configuration)
    invoice = None
    if run.entity_type.lower() == "bill":
        invoice = reading.invoice(run.organization_id, run.entity_id)
        record = dict(invoice.record) if invoice else None
    else:
        record = reading.record(run.organization_id, run.entity_type, run.entity_id)
    if record is None:
        log.note("It is deleted meanwhile; nothing is sent.")
        return Sent()
    if invoice is not None:
        if not invoice.items:
            log.note("The bill has no lines; nothing is sent.")
            return Sent()
        invoice = _prepared(invoice, system, configuration)
    from integrations.systems import tokens

    secrets = tokens.fresh(configuration.credential, system, log.note)
    with HttpClient(
        system, secrets, configuration.config_data, log.note, still_ours=lambda: renew(begun)
    ) as client:
        job = Job(
            entity_type=run.entity_type,
            entity_id=run.entity_id,
            settings=configuration.config_data,
            mappings=reading.StoredMappings(
                configuration, reading.identities(invoice, run.entity_id, record)
            ),
            client=client,
            invoice=invoice,
            record=record,
            sources=reading.sources(run.organization_id, run.entity_type, record),
            attempt_key=str(run.pk)[-8:],
            reported=reporting.before(run),
            hour=reporting.hour(run),
            meter=metering.Meter(run) if invoice is not None else NoMeter(),
        )
        try:
            system.validate(job)
            return system.send(job)
        except (SendingFailed, TryAgain) as error:
            # What a system says may hold what we sent it.
            error.args = (client.hidden(str(error)),)
            raise


def _prepared(invoice: Invoice, system: System, configuration: IntegrationConfiguration) -> Invoice:
    data = configuration.config_data
    try:
        return prepared(
            invoice,
            places=system.places(invoice.currency),
            split=settings.split(data),
            with_zero_lines=bool(data.get(settings.ZERO_LINES)),
            most_lines=system.most_lines,
        )
    except TotalsDiffer as error:
        raise Refused(str(error)) from None


def renew(begun: Begun) -> bool:
    """Hold the run for longer; False when it was given to another worker."""
    return bool(
        IntegrationRun.objects.filter(
            pk=begun.run.pk, attempts_begun=begun.attempt, status=RunStatus.STARTED
        ).update(claimed_until=clock.now() + LEASE)
    )


def _record(begun: Begun, outcome: Sent | SendingFailed | TryAgain, at: datetime) -> None:
    """Write down what an attempt brought and what follows from it, in one transaction."""
    with transaction.atomic():
        rows = IntegrationConfiguration.objects.select_for_update(of=("self",), no_key=True)
        configuration = rows.filter(pk=begun.configuration.pk).first()
        run = IntegrationRun.objects.select_for_update(no_key=True).get(pk=begun.run.pk)
        if run.attempts_begun != begun.attempt or run.status != RunStatus.STARTED:
            return  # another worker took over
        reporting.keep(run, outcome.reported, at)
        if configuration is None:
            _end(run, RunStatus.DISABLED, at, "The integration was deleted.")
            return
        if isinstance(outcome, Sent):
            run.external_id, run.url = outcome.external_id, outcome.url
            _end(run, RunStatus.COMPLETE, at)
            reading.keep(configuration, outcome.mappings, principals.system(run.organization_id))
            trouble.note_success(configuration)
        elif isinstance(outcome, TryAgain):
            _again(run, configuration, outcome, at)
        else:
            _failed(run, configuration, outcome, at)


def _again(
    run: IntegrationRun, configuration: IntegrationConfiguration, error: TryAgain, at: datetime
) -> None:
    jitter = random.uniform(-retries.JITTER, retries.JITTER)
    run.claimed_until, run.modified_at, run.error = None, at, str(error)
    if error.is_throttled:
        run.status = RunStatus.RATE_LIMIT_RETRY
        due = retries.after_throttling(at, retry_after=error.retry_after, jitter=jitter)
        run.next_attempt_at = due
        if configuration.credential_id:
            IntegrationCredential.objects.filter(pk=configuration.credential_id).update(
                paused_until=due
            )
        run.save()
    else:
        run.attempts_made += 1
        due_or_never = retries.next_attempt_at(
            at, attempts=run.attempts_made, jitter=jitter, retry_after=error.retry_after
        )
        if due_or_never is None:
            _failed(run, configuration, SendingFailed(str(error)), at, counted=True)
            return
        run.status, run.next_attempt_at = RunStatus.AWAITING_RETRY, due_or_never
        run.save()
    RunLogEntry.objects.create(run=run, at=at, text=f"{error} Next attempt {run.next_attempt_at}.")


def _failed(
    run: IntegrationRun,
    configuration: IntegrationConfiguration,
    error: Exception,
    at: datetime,
    *,
    counted: bool = False,
) -> None:
    if not counted:
        run.attempts_made += 1
    status = getattr(error, "status", RunStatus.ERROR)
    event = error.about_event if isinstance(error, NoMapping) else getattr(error, "event", "")
    _end(run, RunStatus(status), at, str(error))
    trouble.report(run, event or trouble.OTHER, str(error), at)
    trouble.note_failure(configuration, run, at, at_once=bool(getattr(error, "disables", False)))


def _end(run: IntegrationRun, status: RunStatus, at: datetime, error: str = "") -> None:
    run.status = status
    run.finished_at = run.modified_at = at
    run.started_at = run.started_at or at
    run.next_attempt_at = run.claimed_until = None
    run.error = error
    run.save()
    RunLogEntry.objects.create(run=run, at=at, text=f"{status.label}. {error}".strip())
    # What waited for this one goes on now.
    IntegrationRun.objects.filter(
        configuration_id=run.configuration_id,
        entity_type=run.entity_type,
        entity_id=run.entity_id,
        finished_at__isnull=True,
        started_at__isnull=True,
    ).update(next_attempt_at=at, claimed_until=None)
