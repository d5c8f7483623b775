"""What workers do for this app: dispatch events, hand out due deliveries, send one, tidy up.

All of them may run twice. The queue holds hints only: what is due is in the database.
"""

import logging
from datetime import datetime
from uuid import UUID

from celery import shared_task
from kombu.exceptions import OperationalError

from integrations import claims, delivery, disabling, dispatch, retention
from integrations.export_tasks import run_export, sweep_exports
from integrations.models import (
    Delivery,
    IntegrationConfiguration,
    IntegrationRun,
    WebhookDestination,
)
from integrations.runs import execution, mailing, triggers
from organizations.kernel import clock, isolation
from organizations.kernel.tenancy import within_that_of
from organizations.tasks import PATIENT

logger = logging.getLogger(__name__)
__all__ = [
    "delete_old_deliveries",
    "deliver",
    "dispatch_events",
    "mail_disabled",
    "mail_integration_disabled",
    "perform_run",
    "run_export",
    "sweep_deliveries",
    "sweep_exports",
    "sweep_runs",
]


@shared_task(name="integrations.dispatch_events")
def dispatch_events(**_later: object) -> None:
    """Make deliveries of new events and hand out what is due."""
    with isolation.everywhere():
        dispatch.dispatch(clock.now(), after_batch=_hand_out)
    _hand_out()


def _hand_out() -> None:
    _enqueue(clock.now())
    _enqueue_runs(clock.now())


@shared_task(name="integrations.sweep_runs")
def sweep_runs(**_later: object) -> None:
    """Hand out due runs: retries whose time has come, and what broker or worker lost."""
    _enqueue_runs(clock.now())


@shared_task(name="integrations.perform_run")
def perform_run(*, run_id: str, **_later: object) -> None:
    """Make one attempt of a run."""
    with within_that_of(IntegrationRun, run_id):
        execution.perform(UUID(run_id))


@shared_task(name="integrations.mail_integration_disabled", **PATIENT)
def mail_integration_disabled(*, configuration_id: str, email: str, **_later: object) -> None:
    """Tell one person that an integration was disabled."""
    with within_that_of(IntegrationConfiguration, configuration_id):
        mailing.mail_disabled(UUID(configuration_id), email)


@shared_task(name="integrations.sweep_deliveries")
def sweep_deliveries(**_later: object) -> None:
    """Hand out due deliveries: retries whose time has come, and what broker or worker lost."""
    _enqueue(clock.now())


@shared_task(name="integrations.deliver")
def deliver(*, delivery_id: str, **_later: object) -> None:
    """Make one attempt of a delivery, then hand out what its destination has room for now."""
    with within_that_of(Delivery, delivery_id):
        destination_id = delivery.deliver(UUID(delivery_id), clock.now())
    if destination_id is not None:
        _enqueue(clock.now(), destination_id)


@shared_task(name="integrations.delete_old_deliveries")
def delete_old_deliveries(**_later: object) -> None:
    """Delete deliveries and attempts that are older than 28 days."""
    with isolation.everywhere():
        retention.delete_old(clock.now())
        retention.delete_old_logs(clock.now())


@shared_task(name="integrations.mail_disabled", **PATIENT)
def mail_disabled(*, destination_id: str, email: str, **_later: object) -> None:
    """Tell one administrator that a destination was made inactive."""
    with within_that_of(WebhookDestination, destination_id):
        disabling.mail_disabled(UUID(destination_id), email)


def _enqueue_runs(at: datetime) -> None:
    with isolation.everywhere():
        due = triggers.hand_out(at)
    try:
        for run_id in due:
            perform_run.apply_async(kwargs={"run_id": str(run_id)}, retry=False)
    except OperationalError as error:
        logger.warning("The broker took no run: %s", type(error).__name__)


def _enqueue(at: datetime, destination_id: UUID | None = None) -> None:
    with isolation.everywhere():
        due = claims.hand_out(at, destination_id=destination_id)
    try:
        for delivery_id in due:
            deliver.apply_async(kwargs={"delivery_id": str(delivery_id)}, retry=False)
    except OperationalError as error:
        # What was handed out and not enqueued is handed out again when its lease has passed.
        logger.warning("The broker took no delivery: %s", type(error).__name__)
