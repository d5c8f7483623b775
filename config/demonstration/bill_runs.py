"""Bill both full months through a worker; approve and lock the older one."""

import time
from datetime import date

from django.db import transaction

from billing.bills import lifecycle, runs
from billing.bills.job_requests import JobRequest
from billing.models import Bill, BillJob, BillJobStatus, BillStatus
from config.demonstration import company, outside
from config.demonstration.loopback import Outside
from config.demonstration.months import Months, last_day
from config.demonstration.progress import Progress
from config.demonstration.worker import Workers
from config.models import Demonstration
from organizations.kernel import clock
from organizations.kernel.principals import Principal
from organizations.models import Organization

POLL_SECONDS = 0.2
# A worker killed in the middle of a chunk is given up after a minute (the chunk's lease).
LONGEST_SECONDS = 300
FREQUENCY = "MONTHLY"


class BillRunStuck(Exception):
    """No worker finished the job in time; the message holds what the worker wrote."""


def bill(
    demonstration: Demonstration, world: Outside, workers: Workers, progress: Progress
) -> list[str]:
    """Bill what is not billed yet and mark the demonstration as finished.

    Returns what there is to say about what was sent outside.
    """
    organization = demonstration.organization
    months = Months(demonstration.as_of)
    by = Principal(company.administrator().pk, "USER", organization.pk)
    arranged = outside.arrange(organization, world, by)
    for month in (months.older, months.latest):
        with progress.step(f"Billing {month:%B %Y}"):
            job = _job(organization, month, by)
            _wait(job, workers, progress)
        if month == months.older:
            with progress.step(f"Approving and locking the bills of {month:%B %Y}"):
                _close(organization, month, by)
    said = outside.look(organization, arranged, world, workers, progress, by)
    demonstration.finished_at = clock.now()
    demonstration.save(update_fields=["finished_at"])
    return said


def bills_of(organization: Organization, month: date) -> list[Bill]:
    """Return the bills of a month, the largest first within each currency."""
    found = lifecycle.in_period(organization, last_day(month), FREQUENCY)
    return list(found.order_by("currency", "-total", "account_code"))


def _job(organization: Organization, month: date, by: Principal) -> BillJob:
    """Return the month's bill job, started when there is none."""
    with transaction.atomic():
        # Of two demonstrations run at once, one starts it.
        Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
        found = BillJob.objects.for_organization(organization).filter(
            latest_date_in_billing_period=last_day(month), created_by=by.id
        )
        request = JobRequest(latest_date_in_billing_period=last_day(month))
        return found.exclude(status=BillJobStatus.CANCELLED).first() or runs.start(
            organization, request, by=by, at=clock.now()
        )


def _wait(job: BillJob, workers: Workers, progress: Progress) -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    while job.status != BillJobStatus.COMPLETE:
        if time.monotonic() > deadline or job.status == BillJobStatus.CANCELLED:
            raise BillRunStuck(
                f"The bill job is {job.status} and not complete. The worker wrote:\n"
                + "\n".join(workers.lines)
            )
        progress.at(f"{job.total - job.pending} of {job.total or '?'} accounts")
        workers.tick()
        time.sleep(POLL_SECONDS)
        job.refresh_from_db()


def _close(organization: Organization, month: date, by: Principal) -> None:
    lifecycle.approve_period(
        organization,
        latest_date_in_billing_period=last_day(month),
        billing_frequency=FREQUENCY,
        by=by,
        at=clock.now(),
    )
    for row in bills_of(organization, month):
        if row.status == BillStatus.APPROVED and not row.is_locked:
            lifecycle.lock(row, by=by, at=clock.now())
