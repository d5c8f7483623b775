"""Bill runs that an organization has scheduled, every so many hours (SCB-1..3)."""

from datetime import datetime, timedelta

from django.db import transaction

from billing.bills import runs
from billing.bills.job_requests import JobRequest
from billing.models import BillJob
from organizations.kernel import clock, isolation, principals
from organizations.kernel.periods import local_date, local_midnight, parse_timezone
from organizations.models import OrganizationConfig
from organizations.models.organizations import OrganizationStatus


def run_due() -> list[BillJob]:
    """Start a run in every organization whose interval has passed; once, also if beat is two.

    A run that is still at work is waited for: its successor begins with the next interval.
    """
    now = clock.now()
    scheduled = OrganizationConfig.objects.filter(
        scheduled_bill_interval__gt=0, organization__status=OrganizationStatus.ACTIVE
    )
    started = []
    for config in scheduled:
        if is_due(config, now):
            with isolation.within(config.organization_id):
                started.append(_run(config.pk, now))
    return [job for job in started if job is not None]


def is_due(config: OrganizationConfig, now: datetime) -> bool:
    """Whether the organization's current interval has begun and had no run yet."""
    latest = config.latest_scheduled_run_at
    return latest is None or latest < interval_start(config, now)


def interval_start(config: OrganizationConfig, now: datetime) -> datetime:
    """Return when the interval began in which ``now`` lies.

    Intervals are counted from local midnight, a daily one from the offset's hour (SCB-1).
    """
    zone = parse_timezone(config.timezone)
    midnight = local_midnight(local_date(now, zone), zone)
    hours = config.scheduled_bill_interval
    if hours == 24:
        start = midnight + timedelta(hours=config.scheduled_bill_offset or 0)
        return start if start <= now else start - timedelta(days=1)
    length = timedelta(hours=float(hours))
    return midnight + (now - midnight) // length * length


def _run(config_id: object, now: datetime) -> BillJob | None:
    with transaction.atomic():
        config = (
            OrganizationConfig.objects.select_for_update(of=("self",), no_key=True)
            .select_related("organization")
            .get(pk=config_id)
        )
        if not is_due(config, now):
            return None
        # Not a change that a person made: neither version nor event.
        OrganizationConfig.objects.filter(pk=config.pk).update(latest_scheduled_run_at=now)
        if (
            BillJob.objects.for_organization(config.organization_id)
            .filter(is_scheduled=True, status__in=runs.ACTIVE)
            .exists()
        ):
            return None
        by = principals.system(config.organization_id)
        return runs.start(config.organization, JobRequest(), by=by, at=now, is_scheduled=True)
