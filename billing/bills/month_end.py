"""What a month still needs before its books can be closed, and closing them.

Nothing here is a rule of its own: bills are made by runs, approved as everywhere, and closed by
the lock date. This puts them in order and tells what would be closed over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from billing.bills import foreseen, lifecycle, lock_dates, periods_over
from billing.bills.foreseen import Foreseen
from billing.bills.periods_over import PeriodTotal
from billing.bills.runs import ACTIVE
from billing.models import (
    Bill,
    BillJob,
    BillJobAccount,
    BillJobStatus,
    BillJobType,
    BillStatus,
    IngestFailure,
    JobAccountStatus,
    LateUsage,
    LateUsageStatus,
)
from billing.rating.cycles import BillFrequency, Cycle
from organizations.kernel import changes
from organizations.kernel.errors import DomainError
from organizations.kernel.periods import local_midnight, parse_timezone
from organizations.kernel.principals import Principal
from organizations.models import Organization, OrganizationConfig

MONTHS = 12


class MonthNotOver(DomainError):
    """The month goes on; bills of it would miss what is still used."""

    code = "MONTH_NOT_OVER"

    def __init__(self, last_day: date) -> None:
        super().__init__(f"The month ends with {last_day}; it can be closed when that day is over.")


class StillRunning(DomainError):
    """A bill job is at work; what it makes would not be looked at."""

    code = "BILL_JOB_RUNNING"

    def __init__(self) -> None:
        super().__init__("A bill job is still at work. Wait until it has finished.")


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the organization, as its month epoch and timezone count; both days included."""

    first_day: date
    last_day: date
    ends_at: datetime

    @property
    def next_day(self) -> date:
        """The day after the last one: where the bills of the month have their boundary."""
        return self.last_day + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class State:
    """What was done of a month and what is left.

    ``latest_run`` is the newest run for the month made after its end; ``parked`` are the accounts
    that were left without a bill by their latest run of the month.
    """

    periods: Sequence[Foreseen]
    latest_run: BillJob | None
    is_running: bool
    parked: Sequence[BillJobAccount]
    failures: int
    late: int
    pending: Sequence[PeriodTotal]
    approved: Sequence[PeriodTotal]
    locked: Sequence[PeriodTotal]
    lock_date: date | None


def months(config: OrganizationConfig, at: datetime) -> list[Month]:
    """Return the twelve latest months that are over, the newest first."""
    latest = foreseen.latest_finished_day(config, at)
    cycle = Cycle(BillFrequency.MONTHLY, 1, config.month_epoch)
    zone = parse_timezone(config.timezone)
    newest = cycle.number_after(latest)
    return [
        Month(
            cycle.boundary(number - 1),
            cycle.boundary(number) - timedelta(days=1),
            local_midnight(cycle.boundary(number), zone),
        )
        for number in range(newest, newest - MONTHS, -1)
    ]


def look(
    config: OrganizationConfig,
    month: Month,
    bills: QuerySet[Bill],
    *,
    at: datetime,
    is_failure_shown: bool = True,
) -> State:
    """Return where a month stands. ``bills`` are those the person may read; few queries."""
    jobs = BillJob.objects.for_organization(config.organization_id)
    of_month = jobs.filter(
        type=BillJobType.CREATE,
        latest_date_in_billing_period__range=(month.first_day, month.last_day),
    )
    done = of_month.filter(status=BillJobStatus.COMPLETE, created_at__gte=month.ends_at)
    open_bills = bills.filter(boundary_date__lte=month.next_day)
    return State(
        periods=foreseen.foresee(config, month.last_day, at=at),
        latest_run=done.newest_first().first(),
        is_running=jobs.filter(status__in=ACTIVE).exists(),
        parked=_parked(of_month),
        failures=_failures(config.organization_id) if is_failure_shown else 0,
        late=LateUsage.objects.for_organization(config.organization_id)
        .filter(status=LateUsageStatus.OPEN, bill__boundary_date__lte=month.next_day)
        .count(),
        pending=periods_over.totals(open_bills.filter(status=BillStatus.PENDING), at),
        approved=periods_over.totals(
            open_bills.filter(status=BillStatus.APPROVED, is_locked=False), at
        ),
        locked=periods_over.totals(
            open_bills.filter(is_locked=True, boundary_date__gt=month.first_day), at
        ),
        lock_date=lock_dates.of_organization(config.organization_id).bill_lock_date,
    )


def close(
    organization: Organization,
    month: Month,
    bills: QuerySet[Bill],
    *,
    by: Principal,
    at: datetime,
) -> int:
    """Approve the pending bills up to the month's last day and move the lock date there.

    Both or neither, in one transaction; returns how many bills were approved. Raises
    ``MonthNotOver``, ``StillRunning``, and what the lock date refuses: a pending bill that is not
    among ``bills``, those the person may change. A lock date beyond the month stays.
    """
    if month.ends_at > at:
        raise MonthNotOver(month.last_day)
    with transaction.atomic():
        # Held first, as every run holds it while it writes.
        OrganizationConfig.objects.select_for_update().get(organization=organization)
        jobs = BillJob.objects.for_organization(organization)
        if jobs.filter(status__in=ACTIVE).exists():
            raise StillRunning
        approved = lifecycle.approve_pending(
            bills.filter(boundary_date__lte=month.next_day), by=by, at=at
        )
        config = lock_dates.of_organization(organization.pk)
        if config.bill_lock_date is None or config.bill_lock_date < month.last_day:
            with changes.editing(config, by=by) as row:
                row.bill_lock_date = month.last_day
    return approved


def _parked(jobs: QuerySet[BillJob]) -> list[BillJobAccount]:
    """Return the accounts whose latest run of the month parked them."""
    latest = (
        BillJobAccount.objects.filter(bill_job__in=jobs.values("pk"))
        .exclude(status__in=[JobAccountStatus.PENDING, JobAccountStatus.CANCELLED])
        .order_by("account_id", "-bill_job__created_at")
        .distinct("account_id")
        .values("pk")
    )
    rows = BillJobAccount.objects.filter(pk__in=latest, status=JobAccountStatus.PARKED)
    return list(rows.select_related("account").order_by("account__name", "pk"))


def _failures(organization_id: UUID) -> int:
    rows = IngestFailure.objects.for_organization(organization_id)
    return rows.filter(actioned_at__isnull=True).exclude(outcome="STORED").count()
