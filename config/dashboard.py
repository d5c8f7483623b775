"""The console's first page: what waits for somebody, how things go, and how to begin."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Sum
from django.db.models.functions import TruncMonth
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from billing.admin import jobs, run_billing, usage_chart, visits
from billing.models import (
    Bill,
    BillJob,
    BillStatus,
    IngestFailure,
    LateUsage,
    LateUsageStatus,
)
from catalog.models import Meter
from config import getting_started, mending
from organizations.kernel import clock
from organizations.kernel.console import choices, linking, show
from organizations.kernel.console.fields import plain_text
from organizations.models import Alert, AlertStatus

MONTHS = 12
CHART_LASTS_SECONDS = 300
MOST_JOBS = 5
MOST_ALERTS = 6
FAILURE_DAYS = 7


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the dashboard shows; each part only to whom may see its rows."""
    allows = request.permissions.allows_some
    context["sees_nothing"] = request.permissions.holds_nothing
    context["steps"] = getting_started.steps(request)
    context["is_started"] = all(step.is_done for step in context["steps"])
    context["figures"] = _figures(request)
    context["mending"] = mending.of(request, _failures_since())
    if allows("config:retrieve", "billing:billJob"):
        context["run_billing_url"] = run_billing.address(request)
        context["jobs"] = _running_jobs(_seen(request, BillJob, "billing:billJob"))
    if allows("config:retrieve", "billing:bill"):
        context["billed"] = _billed(_seen(request, Bill, "billing:bill"), choices.today(request))
    if allows("config:retrieve", "config:event"):
        alerts = _seen(request, Alert, "config:event").exclude(status=AlertStatus.RESOLVED)
        context["alerts"] = alerts.order_by("-created_at", "-pk")[:MOST_ALERTS]
        context["alerts_url"] = show.list_address(Alert)
        context["alert_counts"] = _alert_counts(request, alerts)
    context["recent_accounts"] = [
        {"name": account.name, "code": show.code(account.code), "url": show.address(account)}
        for account in visits.latest(request)
    ]
    context["shows_usage"] = allows("config:retrieve", "config:meter")
    return context


def usage_view(request: HttpRequest) -> HttpResponse:
    """Answer the usage chart, which may take a while and is remembered for five minutes.

    Not for whom single meters are kept from: theirs is a chart of their own.
    """
    reading = ("config:retrieve", "config:meter")
    if request.organization is None or not request.permissions.allows_some(*reading):
        return HttpResponse(status=403)
    if not request.permissions.allows_all(*reading):
        seen = _seen(request, Meter, "config:meter")
        chart = usage_chart.of_organization(request.organization.pk, among=seen) or {}
        return render(request, "console/usage_chart.html", {"chart": chart})
    key = f"usage-chart:{request.organization.pk}"
    chart = cache.get(key)
    if chart is None:
        chart = usage_chart.of_organization(request.organization.pk) or {}
        cache.set(key, chart, CHART_LASTS_SECONDS)
    return render(request, "console/usage_chart.html", {"chart": chart})


def _seen(
    request: HttpRequest, model: type[Any], resource: str, action: str = "config:retrieve"
) -> Any:
    """Return the rows of the organization that the person may see."""
    rows = model.objects.for_organization(request.organization)
    return request.permissions.visible(rows, action, resource)


def _figures(request: HttpRequest) -> list[dict[str, Any]]:
    figures = []
    if request.permissions.allows_some("config:retrieve", "billing:bill"):
        bills = _seen(request, Bill, "billing:bill")
        today = choices.today(request)  # a period that is not over yet waits for nobody
        pending = bills.filter(status=BillStatus.PENDING, bill_date__lte=today)
        shown = linking.to_list(request, Bill, status__exact="PENDING", bill_date_to=today)
        figures.append(_figure("bills to approve", pending, shown))
        approved = bills.filter(status=BillStatus.APPROVED, is_locked=False)
        shown = linking.to_list(request, Bill, status__exact="APPROVED", is_locked__exact=0)
        figures.append(_figure("approved, not locked", approved, shown, is_urgent=False))
    if linking.to_list(request, LateUsage):
        late = linking.seen(request, LateUsage.objects.for_organization(request.organization))
        late = late.filter(status=LateUsageStatus.OPEN)
        shown = linking.to_list(request, LateUsage, status__exact="OPEN")
        if late.exists():  # most organizations never have any
            figures.append(_figure("late usage to decide", late, shown))
    reading = "measurements:retrieve"
    if request.permissions.allows_some(reading, "data:measurement"):
        since = _failures_since()
        failures = _seen(request, IngestFailure, "data:measurement", reading).filter(
            created_at__gte=since, actioned_at=None
        )
        shown = linking.to_list(request, IngestFailure, created_at_from=since.date())
        figures.append(_figure(f"failed usage, {FAILURE_DAYS} days", failures, shown))
    return figures


def _failures_since() -> datetime:
    """Return the midnight some days ago: whole days, because the list is narrowed by days."""
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=FAILURE_DAYS)


def _alert_counts(request: HttpRequest, alerts: Any) -> list[dict[str, Any]]:
    """Return how many alerts are in each state that is not the last, with the list of them."""
    counted = dict(alerts.order_by().values_list("status").annotate(Count("pk")))
    return [
        {
            "words": f"{counted[status]:,} {status.label.lower()}",
            "url": linking.to_list(request, Alert, status__exact=status.value),
        }
        for status in AlertStatus
        if status in counted
    ]


def _figure(words: str, rows: Any, url: str, *, is_urgent: bool = True) -> dict[str, Any]:
    most = 1000
    count = rows[:most].count()
    return {
        "words": words,
        "count": f"{count}+" if count == most else str(count),
        "url": url,
        "is_urgent": is_urgent and count > 0,
    }


def _running_jobs(seen: Any) -> list[dict[str, Any]]:
    rows = seen.newest_first()[:MOST_JOBS]
    return [
        {
            "what": jobs.describe(row),
            "url": show.address(row),
            "progress": jobs.progress_of(row),
            "progress_url": reverse("admin:bill_job_progress", args=[row.pk]),
            "is_finished": row.status in jobs.FINISHED,
            "started": show.instant(row.created_at),
        }
        for row in rows
    ]


def _billed(seen: Any, today: date) -> list[dict[str, Any]]:
    """Return billed amounts by month of the bill date, one chart a currency: they share no axis."""
    months = _latest_months(today)
    sums = (
        seen.filter(bill_date__gte=months[0])
        .annotate(month=TruncMonth("bill_date"))
        .values_list("month", "currency")
        .annotate(sum=Sum("total"))
        .order_by("currency", "month")
    )
    by_currency: dict[str, dict[date, Decimal]] = {}
    for month, currency, total in sums:
        by_currency.setdefault(currency, {})[month] = total
    labels = [f"{month:%b %Y}" for month in months]
    return [
        {
            "id": f"billed-{number}",
            "currency": currency,
            "data": {
                "labels": labels,
                "running": labels.index(f"{today:%b %Y}"),
                "datasets": [
                    {
                        "label": currency,
                        "data": [plain_text(amounts.get(month, Decimal(0))) for month in months],
                    }
                ],
            },
        }
        for number, (currency, amounts) in enumerate(by_currency.items())
    ]


def _latest_months(today: date) -> list[date]:
    """Return the first days of the latest twelve months, this one and the next included."""
    count = today.year * 12 + today.month  # the month after this one, counted from 0
    return [
        date(number // 12, number % 12 + 1, 1) for number in range(count - MONTHS + 1, count + 1)
    ]
