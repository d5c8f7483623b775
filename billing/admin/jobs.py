"""The page of bill jobs: progress while they run, parked accounts with reason and retry (C8.4)."""

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, reverse
from unfold.decorators import display

from billing.admin import job_accounts, run_billing
from billing.bills import runs
from billing.models import Bill, BillJob, BillJobStatus
from organizations.kernel.console import linking, running, show
from organizations.kernel.console.filters import RangeDateFilter
from organizations.kernel.console.pages import PageConsoleAdmin
from organizations.kernel.wording import counted

FINISHED = (BillJobStatus.COMPLETE, BillJobStatus.CANCELLED)


@admin.register(BillJob)
class BillJobAdmin(PageConsoleAdmin):
    """Bill runs."""

    resource = "billing:billJob"
    list_display = ["started", "what", "shown_status", "progress", "shown_parked"]
    list_filter = ["status", "type", "is_scheduled", ("created_at", RangeDateFilter)]
    search_fields = ["billing_frequency"]
    search_help_text = "Search by id or frequency"
    page_template = "console/bill_job.html"
    change_list_template = "console/bill_jobs.html"
    deeds = {"cancel": "cancel", "retry": "retry"}
    empty_hint = "A bill job makes the bills of a period for all accounts, or for those you choose."

    def title_of(self, row: BillJob) -> str:
        """The job in words."""
        return describe(row)

    def get_urls(self) -> list[URLPattern]:
        """Add run billing and the answer a progress bar asks for."""
        wrap = self.admin_site.admin_view
        return [
            path("run/", wrap(self.run_view), name="run_billing"),
            path("<uuid:job_id>/progress/", wrap(self.progress_view), name="bill_job_progress"),
            *super().get_urls(),
        ]

    def run_view(self, request: HttpRequest) -> HttpResponse:
        """Ask what to bill, then start the job."""
        return run_billing.view(self, request)

    def progress_view(self, request: HttpRequest, job_id: Any) -> HttpResponse:
        """Answer how far a job is."""
        job = self.get_queryset(request).filter(pk=job_id).first()
        if job is None or not self.has_view_permission(request, job):
            raise Http404
        return JsonResponse(progress_of(job))

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        """Offer to run billing."""
        return {"run_billing_url": run_billing.address(request)}

    def page_context(self, request: HttpRequest, row: BillJob) -> dict[str, Any]:
        """Add progress and accounts; parked ones come first."""
        return {
            **job_accounts.of(request, row),
            "progress": progress_of(row),
            "progress_url": reverse("admin:bill_job_progress", args=[row.pk]),
            "is_finished": row.status in FINISHED,
            "what": describe(row),
            "bills_url": linking.to_list(request, Bill, job=row.pk),
        }

    def cancel(self, request: HttpRequest, row: BillJob) -> str:
        """Stop the job (JOB-11)."""
        runs.cancel(row, by=request.principal)
        return "The job is cancelled. Bills already made stay."

    def retry(self, request: HttpRequest, row: BillJob) -> str:
        """Bill the parked accounts once more."""
        runs.retry(row, by=request.principal)
        return "The parked accounts are tried again."

    @display(description="Started", ordering="created_at")
    def started(self, row: BillJob) -> str:
        """When it was asked for."""
        return show.instant(row.created_at)

    @display(description="What")
    def what(self, row: BillJob) -> str:
        """Which bills it makes."""
        return describe(row)

    @display(description="Status", ordering="status")
    def shown_status(self, row: BillJob) -> str:
        """A coloured word."""
        colours = {BillJobStatus.COMPLETE: "good", BillJobStatus.CANCELLED: "bad"}
        return show.label(row.get_status_display(), colours.get(row.status, "busy"))

    @display(description="Done")
    def progress(self, row: BillJob) -> str:
        """How many of how many accounts."""
        return _done(row)

    @display(description="Parked")
    def shown_parked(self, row: BillJob) -> str:
        """Accounts that wait for a person."""
        return show.label(str(row.parked), "warn") if row.parked else show.NOTHING


def describe(job: BillJob) -> str:
    """Return a job in words."""
    if job.type == "RECALCULATE":
        return f"Recalculation of {counted(len(job.bill_ids), 'bills')}"
    frequency = (job.get_billing_frequency_display() or "All").lower()
    whom = counted(len(job.account_ids), "accounts") if job.account_ids else "all accounts"
    day = show.day(job.latest_date_in_billing_period)
    return f"{frequency.capitalize()} bills of the period with {day}, {whom}"


def progress_of(job: BillJob) -> dict[str, Any]:
    """Return the shares of the progress bar in percent, a sentence, and whether it is over."""
    shares = {
        name: _percent(accounts, job.total)
        for name, accounts in (
            ("billed", job.billed),
            ("skipped", job.skipped),
            ("parked", job.parked),
        )
    }
    outcomes = (
        (job.billed, "billed"), (job.skipped, "without a bill"), (job.parked, "parked"),
    )  # fmt: skip
    told = [f"{count:,} {outcome}" for count, outcome in outcomes if count]
    words = f"{job.get_status_display()}: {_done(job)} done"
    if told:
        words += f" ({', '.join(told)})"
    return {"shares": shares, "words": words, "isFinished": job.status in FINISHED}


@running.register
def _running(request: HttpRequest) -> list[running.RunningTask]:
    """Return the jobs at work, oldest first."""
    jobs = BillJob.objects.for_organization(request.organization).filter(status__in=runs.ACTIVE)
    seen = request.permissions.visible(jobs, "config:retrieve", "billing:billJob")
    return [
        running.RunningTask(
            describe(job),
            show.address(job),
            progress_of(job)["words"],
            _percent(job.total_bills - job.pending_bills, job.total_bills),
        )
        for job in seen.order_by("created_at", "pk")
    ]


def recalculation_of(request: HttpRequest, bill: Bill) -> dict[str, Any] | None:
    """Return the recalculation at work on a bill, as its page shows it; None when there is none."""
    rows = BillJob.objects.for_organization(bill.organization_id).filter(
        status__in=runs.ACTIVE, type="RECALCULATE", bill_ids__contains=str(bill.pk)
    )
    job = linking.seen(request, rows).first()
    if job is None:
        return None
    return {
        "progress": progress_of(job),
        "progress_url": reverse("admin:bill_job_progress", args=[job.pk]),
        "url": show.address(job),
    }


def _done(job: BillJob) -> str:
    """Return how far a job is, in accounts, as the bar above it is shared out."""
    done = job.billed + job.skipped + job.parked
    return f"{done:,} of {counted(job.total, 'accounts')}"


def _percent(part: int, total: int) -> str:
    return f"{Decimal(100 * part) / total:.2f}" if total else "0"
