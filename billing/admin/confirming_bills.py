"""What stands on the page that asks before bills are approved or locked: periods and totals."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from billing.bills import periods_over
from billing.models import BillFrequency
from organizations.kernel import clock
from organizations.kernel.console import show
from organizations.kernel.wording import counted

UNFINISHED = "unfinished"
TITLES = ("Period", "Frequency", "Bills", "Total", "")


def details(request: HttpRequest, bills: QuerySet) -> dict[str, Any]:
    """Return a row a period and currency, and the box that takes unfinished bills along."""
    found = periods_over.totals(bills.model.objects.filter(pk__in=bills.values("pk")), clock.now())
    going_on = [row for row in found if not row.is_over]
    option = None
    if going_on:
        last = max(row.last_day for row in going_on)
        count = sum(row.count for row in going_on)
        option = (
            UNFINISHED,
            f"Also {counted(count, 'bills')} of a period that is not over",
            f"The last of these days is {last}. What is used from now on would not be on the bill.",
        )
    return {
        "summary_titles": TITLES,
        "summary": [
            (
                f"{row.first_day} – {row.last_day}",
                BillFrequency(row.frequency).label,
                row.count,
                show.money(row.total, row.currency),
                "" if row.is_over else "not over",
            )
            for row in found
        ],
        "option": option,
    }


def chosen(request: HttpRequest, bills: QuerySet) -> QuerySet:
    """Return the bills that are meant: unfinished ones only where that is ticked."""
    if request.POST.get(UNFINISHED) == "yes":
        return bills
    return periods_over.finished(bills, clock.now())
