"""Whether the period of a bill is over, and which bills of several are not (LIF-1)."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Count, Q, QuerySet, Sum

from billing.models import Bill


def is_so_far(bill: Bill) -> bool:
    """Whether a bill was calculated before its period was over: it shows what was used by then."""
    return bill.latest_calculated_at < bill.end_at


def unfinished(bills: QuerySet[Bill], at: datetime) -> QuerySet[Bill]:
    """Return the bills of periods that go on."""
    return bills.filter(end_at__gt=at)


def finished(bills: QuerySet[Bill], at: datetime) -> QuerySet[Bill]:
    """Return the bills of periods that are over."""
    return bills.filter(end_at__lte=at)


class PeriodTotal(NamedTuple):
    """The bills of one period in one currency."""

    first_day: str
    last_day: str
    frequency: str
    currency: str
    count: int
    total: Decimal
    is_over: bool


def totals(bills: QuerySet[Bill], at: datetime) -> list[PeriodTotal]:
    """Return what bills come to by period and currency, oldest first; one query."""
    rows = (
        bills.order_by()
        .values("start_date", "boundary_date", "billing_frequency", "currency")
        .annotate(count=Count("pk"), amount=Sum("total"), open=Count("pk", filter=Q(end_at__gt=at)))
        .order_by("boundary_date", "start_date", "billing_frequency", "currency")
    )
    return [
        PeriodTotal(
            first_day=row["start_date"].isoformat(),
            last_day=(row["boundary_date"] - timedelta(days=1)).isoformat(),
            frequency=row["billing_frequency"],
            currency=row["currency"],
            count=row["count"],
            total=row["amount"],
            is_over=row["open"] == 0,
        )
        for row in rows
    ]
