"""What workers do for this app: plan scheduled events, and record those that are due."""

import logging
from uuid import UUID

from celery import shared_task
from kombu.exceptions import OperationalError

from notifications import planning, sweeping
from notifications.models import ScheduledEventConfiguration
from organizations.kernel import clock, isolation
from organizations.kernel.tenancy import within_that_of

logger = logging.getLogger(__name__)


@shared_task(name="notifications.plan_scheduled_events")
def plan_scheduled_events(*, configuration_id: str, **_later: object) -> None:
    """Plan for the rows that were there before a configuration."""
    with within_that_of(ScheduledEventConfiguration, configuration_id):
        planning.plan(UUID(configuration_id))


@shared_task(name="notifications.sweep_scheduled_events")
def sweep_scheduled_events(**_later: object) -> None:
    """Record the scheduled events that are due, of all organizations."""
    with isolation.everywhere():
        planning.plan_new()
        sweeping.fire_due(clock.now())


def ask_for_plan(configuration_id: UUID) -> None:
    """Have a worker plan soon; without a broker the next sweep does it."""
    try:
        plan_scheduled_events.apply_async(
            kwargs={"configuration_id": str(configuration_id)}, retry=False
        )
    except OperationalError as error:
        logger.warning("The broker took no plan: %s", type(error).__name__)
