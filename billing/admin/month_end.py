"""Month end: what a month still needs, in order, and closing it after asking (C8.1)."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from billing.admin import jobs, run_billing
from billing.bills import month_end, runs
from billing.bills.job_requests import JobRequest
from billing.bills.month_end import Month, State
from billing.bills.periods_over import PeriodTotal
from billing.models import Account, Bill, BillFrequency, BillJob, IngestFailure, LateUsage
from organizations.kernel import clock
from organizations.kernel.console import linking, plain_words, show, telling
from organizations.kernel.console.confirming import CONFIRMED
from organizations.kernel.errors import DomainError
from organizations.kernel.wording import counted
from organizations.models import OrganizationConfig

MOST_NAMED = 20
FAILURES = ("measurements:retrieve", "data:measurement")
BILLS = "billing:bill"
LOCK_DATE = "billing:billConfig"


def address(month: Month | None = None) -> str:
    """Return where a month is closed; without one, the latest that is over."""
    url = reverse("admin:month_end")
    return f"{url}?{urlencode({'month': month.last_day.isoformat()})}" if month else url


def view(page: Any, request: HttpRequest) -> HttpResponse:
    """Show where a month stands; run its bills, or ask and close it."""
    if not request.permissions.allows_some("config:retrieve", BILLS):
        raise PermissionDenied
    config = OrganizationConfig.objects.get(organization=request.organization)
    offered = month_end.months(config, clock.now())
    asked = request.GET.get("month")
    month = next((one for one in offered if one.last_day.isoformat() == asked), offered[0])
    if request.method == "POST":
        try:
            return _do(page, request, config, month)
        except DomainError as refusal:
            telling.refused(request, refusal)
            return HttpResponseRedirect(address(month))
    state = _state(request, config, month)
    context = {
        **page.admin_site.each_context(request),
        **_context(request, state, month),
        "title": "Month end",
        "opts": page.opts,
        "months": [
            {"words": _words(one), "value": str(one.last_day), "is_chosen": one == month}
            for one in offered
        ],
    }
    return TemplateResponse(request, "console/month_end.html", context)


def _do(page: Any, request: HttpRequest, config: OrganizationConfig, month: Month) -> HttpResponse:
    if request.POST.get("do") == "run":
        request.permissions.require("config:create", "billing:billJob")
        runs.start(
            request.organization,
            JobRequest(latest_date_in_billing_period=month.last_day),
            by=request.principal,
            at=clock.now(),
        )
        messages.success(request, f"Billing of {_words(month)} has started.")
        return HttpResponseRedirect(address(month))
    if request.POST.get("do") != "close" or not _may_close(request):
        raise PermissionDenied
    if request.POST.get(CONFIRMED) != "yes":
        return _ask(page, request, config, month)
    approved = month_end.close(
        request.organization,
        month,
        request.permissions.visible(_bills(request), "config:update", BILLS),
        by=request.principal,
        at=clock.now(),
    )
    words = f"{_words(month)} is closed: {counted(approved, 'bills')} approved, lock date moved."
    messages.success(request, words)
    return HttpResponseRedirect(address(month))


def _ask(page: Any, request: HttpRequest, config: OrganizationConfig, month: Month) -> HttpResponse:
    state = _state(request, config, month)
    context = {
        **page.admin_site.each_context(request),
        "title": f"Close {_words(month)}",
        "opts": page.opts,
        "month": _words(month),
        "last_day": show.day(month.last_day),
        "approving": _totals(state.pending),
        "locking": _totals([*state.pending, *state.approved]),
        "left": _left_open(state),
        "back": address(month),
    }
    return TemplateResponse(request, "console/month_end_ask.html", context)


def _state(request: HttpRequest, config: OrganizationConfig, month: Month) -> State:
    return month_end.look(
        config,
        month,
        _bills(request),
        at=clock.now(),
        is_failure_shown=request.permissions.allows_some(*FAILURES),
    )


def _context(request: HttpRequest, state: State, month: Month) -> dict[str, Any]:
    run = state.latest_run
    is_closed = state.lock_date is not None and state.lock_date >= month.last_day
    return {
        "month": _words(month),
        "first_day": show.day(month.first_day),
        "last_day": show.day(month.last_day),
        "is_running": state.is_running,
        "periods": [run_billing.told(one) for one in state.periods],
        "run": run and {
            "words": jobs.progress_of(run)["words"],
            "at": show.instant(run.created_at),
            "url": linking.to_row(request, run),
        },
        "may_run": request.permissions.allows("config:create", "billing:billJob"),
        "parked": _parked(request, state),
        "parked_count": len(state.parked),
        "failures": state.failures,
        "late": state.late if linking.to_list(request, LateUsage) else 0,
        "late_url": linking.to_list(request, LateUsage, status__exact="OPEN"),
        "failures_url": linking.to_list(request, IngestFailure),
        "pending": _totals(state.pending),
        "pending_url": linking.to_list(request, Bill, status__exact="PENDING"),
        "approved": _totals(state.approved),
        "locked": _totals(state.locked),
        "lock_date": state.lock_date and show.day(state.lock_date),
        "is_closed": is_closed,
        "may_close": _may_close(request) and not state.is_running and not is_closed,
    }  # fmt: skip


def _parked(request: HttpRequest, state: State) -> list[dict[str, str]]:
    if not request.permissions.allows_some("config:retrieve", "billing:billJob"):
        return []
    rows = state.parked[:MOST_NAMED]
    seen = linking.seen(request, Account.objects.filter(pk__in=[row.account_id for row in rows]))
    names = dict(seen.values_list("pk", "name"))
    urls = linking.to_rows(request, Account, list(names))
    job_urls = linking.to_rows(request, BillJob, [row.bill_job_id for row in rows])
    return [
        {
            "name": names[row.account_id],
            "url": urls.get(row.account_id, ""),
            "reason": plain_words.in_words(row.reason),
            "job_url": job_urls.get(row.bill_job_id, ""),
        }
        for row in rows
        if row.account_id in names
    ]


def _left_open(state: State) -> list[str]:
    """Return what would be closed over, a sentence each."""
    told = []
    if state.latest_run is None:
        told.append("Billing was not run since the month has ended.")
    if state.parked:
        told.append(f"{counted(len(state.parked), 'accounts')} parked: no bill was made for them.")
    if state.failures:
        told.append(f"{counted(state.failures, 'failures')} of usage open: it is on no bill.")
    if state.late:
        told.append(f"{counted(state.late, 'entries')} of late usage wait for a decision.")
    return told


def _totals(rows: Sequence[PeriodTotal]) -> list[dict[str, Any]]:
    return [
        {
            "period": f"{row.first_day} – {row.last_day}",
            "frequency": BillFrequency(row.frequency).label,
            "count": row.count,
            "total": show.money(row.total, row.currency),
        }
        for row in rows
    ]


def _bills(request: HttpRequest) -> Any:
    return request.permissions.visible(
        Bill.objects.for_organization(request.organization), "config:retrieve", BILLS
    )


def _may_close(request: HttpRequest) -> bool:
    allows = request.permissions.allows_some
    return allows("config:update", BILLS) and allows("config:update", LOCK_DATE)


def _words(month: Month) -> str:
    """Return the month's name where it is one of the calendar, else its days."""
    is_whole = month.first_day.day == 1
    days = f"{show.day(month.first_day)} – {show.day(month.last_day)}"
    return f"{month.last_day:%B %Y}" if is_whole else days
