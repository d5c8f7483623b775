"""What a bill run will do, before it does it: periods, accounts, and bills that exist (LIF-1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q
from django.db.models.functions import Coalesce

from billing.models import AccountPlan, Bill, BillStatus
from billing.rating.cycles import BillFrequency, Cycle
from organizations.kernel.periods import local_date, local_midnight, parse_timezone
from organizations.models import OrganizationConfig

_EPOCHS = {
    BillFrequency.DAILY: "day_epoch",
    BillFrequency.WEEKLY: "week_epoch",
    BillFrequency.MONTHLY: "month_epoch",
    BillFrequency.ANNUALLY: "year_epoch",
}
MOST_PERIODS = 40
FIRST_YEAR, LAST_YEAR = 1000, 9000


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The bills of one period that a run makes or calculates again; both days are included."""

    frequency: BillFrequency
    interval: int
    first_day: date
    last_day: date
    accounts: int
    is_over: bool
    pending: int = 0
    approved: int = 0
    locked: int = 0


def latest_finished_day(config: OrganizationConfig, at: datetime) -> date:
    """Return the last day of the last month that is over, as the organization counts months."""
    today = local_date(at, parse_timezone(config.timezone))
    cycle = Cycle(BillFrequency.MONTHLY, 1, config.month_epoch)
    return cycle.boundary(cycle.number_after(today) - 1) - timedelta(days=1)


def foresee(
    config: OrganizationConfig,
    day: date,
    *,
    at: datetime,
    frequency: str | None = None,
    account_ids: Sequence[UUID] | None = None,
) -> list[Foreseen]:
    """Return the periods that contain the day, one for each rhythm of bills; few queries.

    Accounts are those with a plan in force on the day; which of them owe nothing is known only
    when they are calculated.
    """
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        return []  # the calendar has no boundaries around it
    zone = parse_timezone(config.timezone)
    found: dict[tuple[BillFrequency, int, date, date], int] = {}
    midnight = local_midnight(day, zone)
    for row in _rhythms(config.organization_id, midnight, account_ids):
        rhythm, interval, epoch, count = row
        if rhythm is None or (frequency and rhythm.value != frequency):
            continue
        cycle = Cycle(rhythm, interval, epoch or getattr(config, _EPOCHS[rhythm]))
        number = cycle.number_after(day)
        key = (rhythm, interval, cycle.boundary(number - 1), cycle.boundary(number))
        found[key] = found.get(key, 0) + count
    return [
        Foreseen(
            rhythm, interval, start, end - timedelta(days=1), count,
            is_over=local_midnight(end, zone) <= at,
            **_existing(config.organization_id, rhythm, interval, end, account_ids),
        )
        for (rhythm, interval, start, end), count in sorted(found.items())[:MOST_PERIODS]
    ]  # fmt: skip


def _rhythms(
    organization_id: UUID, midnight: datetime, account_ids: Sequence[UUID] | None
) -> list[tuple[BillFrequency | None, int, date | None, int]]:
    """Return frequency, interval, epoch and the number of accounts of each rhythm."""
    rows = AccountPlan.objects.for_organization(organization_id).filter(
        Q(end_date__isnull=True) | Q(end_date__gt=midnight),
        start_date__lt=midnight + timedelta(days=1),
        plan__isnull=False,
    )
    if account_ids is not None:
        rows = rows.filter(account_id__in=account_ids)
    grouped = (
        rows.order_by()
        .annotate(epoch=Coalesce("bill_epoch", "account__bill_epoch"))
        .values(
            "plan__plan_template__bill_frequency",
            "plan__plan_template__bill_frequency_interval",
            "epoch",
        )
        .annotate(count=Count("account_id", distinct=True))
    )
    known = {each.value: each for each in _EPOCHS}
    return [
        (
            known.get(row["plan__plan_template__bill_frequency"]),
            row["plan__plan_template__bill_frequency_interval"] or 1,
            row["epoch"],
            row["count"],
        )
        for row in grouped
    ]


def _existing(
    organization_id: UUID,
    frequency: BillFrequency,
    interval: int,
    boundary: date,
    account_ids: Sequence[UUID] | None,
) -> dict[str, Any]:
    bills = Bill.objects.for_organization(organization_id).filter(
        boundary_date=boundary,
        billing_frequency=frequency.value,
        bill_frequency_interval=interval,
    )
    if account_ids is not None:
        bills = bills.filter(account_id__in=account_ids)
    return bills.aggregate(
        pending=Count("pk", filter=Q(status=BillStatus.PENDING)),
        approved=Count("pk", filter=Q(status=BillStatus.APPROVED, is_locked=False)),
        locked=Count("pk", filter=Q(is_locked=True)),
    )
