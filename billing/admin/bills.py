"""The list of bills and what can be done with a selection of them (C8.1)."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.decorators import action, display

from billing.admin import (
    bill_documents,
    bill_emails,
    bill_explorer,
    bill_page,
    confirming_bills,
    line_csv,
    memos,
    month_end,
    overview,
    run_billing,
    since_last,
)
from billing.admin import jobs as jobs_page
from billing.admin.bill_filters import JobFilter, MonthFilter
from billing.bills import lifecycle, marked, runs
from billing.models import Bill
from billing.statements import jobs
from organizations.kernel import clock
from organizations.kernel.console import exporting, linking, show, telling
from organizations.kernel.console.confirming import confirmed
from organizations.kernel.console.filters import CurrencyFilter, OwnRelatedFilter, RangeDateFilter
from organizations.kernel.console.pages import PageConsoleAdmin
from organizations.kernel.errors import DomainError
from organizations.kernel.wording import counted

TYPED_WORD = "delete"


@admin.register(Bill)
class BillAdmin(PageConsoleAdmin):
    """Bills: made by bill jobs, approved and locked by people."""

    resource = "billing:bill"
    list_display = ["account_of", "reference", "period", "bill_date", "state", "shown_total"]
    list_filter = [
        MonthFilter,
        "status",
        "is_locked",
        "billing_frequency",
        CurrencyFilter,
        ("bill_date", RangeDateFilter),
        ("external_invoice_date", RangeDateFilter),
        ("account", OwnRelatedFilter),
        JobFilter,
    ]
    csv_display = (
        "account_of",
        "account_code",
        "reference",
        "first_day",
        "last_day",
        "bill_date",
        "due_date",
        "state",
        "total",
        "currency",
    )
    search_fields = ["account_name", "account_code", "invoice_reference"]
    ordering = ("-bill_date", "account_name", "-pk")
    actions = [
        "approve_selected",
        "lock_selected",
        "recalculate_selected",
        "download_selected",
        "download_lines",
        "delete_bills",
    ]
    action_verbs = {
        "delete_bills": "delete",
        "download_selected": "retrieve",
        "download_lines": "retrieve",
    }
    page_template = "console/bill.html"
    change_list_template = "console/bill_jobs.html"
    deeds = {
        "approve": "approve",
        "put_back": "put_back",
        "lock": "lock",
        "recalculate": "recalculate",
        "delete": "delete",
        "write_statement": "write_statement",
        "remove_memo": "remove_memo",
        "send_email": "send_email",
        "recalculate_marked": "recalculate_marked",
    }
    empty_hint = "Run billing to make the bills of a period."

    def title_of(self, row: Bill) -> str:
        """Account and reference."""
        return f"{row.account_name}, {bill_page.reference(row)}"

    def get_urls(self) -> list[URLPattern]:
        """Add the document and the explanation of a line."""
        wrap = self.admin_site.admin_view
        return [
            path("documents/", wrap(self.documents_view), name="bill_documents"),
            path("explore/", wrap(self.explorer_view), name="bill_explorer"),
            path("month-end/", wrap(self.month_end_view), name="month_end"),
            path("<uuid:bill_id>/pdf/", wrap(self.pdf_view), name="bill_pdf"),
            path(
                "<uuid:bill_id>/lines/<uuid:line_id>/",
                wrap(self.explanation_view),
                name="bill_line_explanation",
            ),
            path("<uuid:bill_id>/lines.csv", wrap(self.lines_view), name="bill_lines"),
            path("<uuid:bill_id>/memo/<str:word>/", wrap(self.memo_view), name="bill_memo"),
            *super().get_urls(),
        ]

    def documents_view(self, request: HttpRequest) -> HttpResponse:
        """Say how bills look and how they are sent."""
        return bill_documents.view(self, request)

    def month_end_view(self, request: HttpRequest) -> HttpResponse:
        """Close a month."""
        return month_end.view(self, request)

    def pdf_view(self, request: HttpRequest, bill_id: Any) -> HttpResponse:
        """Send the bill as PDF."""
        return bill_page.pdf(request, self._allowed(request, bill_id))

    def explanation_view(self, request: HttpRequest, bill_id: Any, line_id: Any) -> HttpResponse:
        """Send how a line came about, as a piece of the bill's page."""
        return bill_page.explanation(request, self._allowed(request, bill_id), line_id)

    def lines_view(self, request: HttpRequest, bill_id: Any) -> StreamingHttpResponse:
        """Send the bill's lines as CSV."""
        bill = self._allowed(request, bill_id)
        return line_csv.response(request, self.get_queryset(request).filter(pk=bill.pk))

    def memo_view(self, request: HttpRequest, bill_id: Any, word: str) -> HttpResponse:
        """Ask for a credit or debit and write it on the bill."""
        return memos.add_view(self, request, self._allowed(request, bill_id), word)

    def _allowed(self, request: HttpRequest, bill_id: Any) -> Bill:
        bill = self.get_queryset(request).filter(pk=bill_id).first()
        if bill is None or not self.has_view_permission(request, bill):
            raise PermissionDenied
        return bill

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        """Offer to run billing, and to explore bills."""
        return {
            "run_billing_url": run_billing.address(request),
            "explorer_url": bill_explorer.address(request),
        }

    def explorer_view(self, request: HttpRequest) -> HttpResponse:
        """Show what bills came to by month."""
        return bill_explorer.view(self, request)

    def has_discard_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether bills may be deleted, which Django's own page for that does not do."""
        return self.has_view_permission(request, obj) and self._allows(request, "delete", obj)

    def page_context(self, request: HttpRequest, row: Bill) -> dict[str, Any]:
        """Add lines, waterfall and what may be done."""
        return {
            **bill_page.context_of(request, row),
            "may_delete": self.has_discard_permission(request, row),
            **bill_page.statements_of(request, row),
            **since_last.context_of(request, row),
            **bill_emails.context_of(request, row),
            "recalculation": jobs_page.recalculation_of(request, row),
        }

    # What the buttons of a bill's page do -----------------------------------------------------
    def approve(self, request: HttpRequest, row: Bill) -> str:
        """Approve the bill."""
        lifecycle.approve(row, by=request.principal, at=clock.now())
        return "Approved."

    def put_back(self, request: HttpRequest, row: Bill) -> str:
        """Make an approved bill pending again."""
        lifecycle.put_back(row, by=request.principal, at=clock.now())
        return "Pending again."

    def lock(self, request: HttpRequest, row: Bill) -> str:
        """Lock the bill for good."""
        lifecycle.lock(row, by=request.principal, at=clock.now())
        return "Locked. Nothing changes this bill any more."

    def recalculate(self, request: HttpRequest, row: Bill) -> HttpResponse:
        """Calculate the bill again with a job; the bill's page shows how far it is."""
        return self._recalculate(request, row, [row.pk])

    def recalculate_marked(self, request: HttpRequest, row: Bill) -> HttpResponse:
        """Calculate it again together with those that a change of credit has marked."""
        return self._recalculate(request, row, marked.together(row))

    def _recalculate(self, request: HttpRequest, row: Bill, bill_ids: list[Any]) -> HttpResponse:
        request.permissions.require("config:create", "billing:billJob")
        job = runs.recalculate(request.organization, bill_ids, by=request.principal, at=clock.now())
        messages.success(
            request,
            format_html("Recalculation has started: {}.", linking.link(request, job, "its job")),
        )
        return HttpResponseRedirect(show.address(row))

    def write_statement(self, request: HttpRequest, row: Bill) -> HttpResponse:
        """Start writing the statement, as JSON and CSV, and show the job."""
        request.permissions.require("config:create", bill_page.STATEMENT)
        (job,) = jobs.start([row], by=request.principal, include_csv=True)
        messages.success(request, "The statement is being written.")
        return HttpResponseRedirect(linking.to_row(request, job) or show.address(row))

    def send_email(self, request: HttpRequest, row: Bill) -> str:
        """Send the bill by e-mail."""
        return bill_emails.send(request, row)

    def remove_memo(self, request: HttpRequest, row: Bill) -> str:
        """Take a credit or debit off the bill."""
        return memos.remove(request, row)

    def delete(self, request: HttpRequest, row: Bill) -> HttpResponse:
        """Delete the bill, after asking."""
        return self._ask_or_delete(request, [row])

    # What can be done with a selection --------------------------------------------------------
    @action(description="Approve selected", permissions=["operate"])
    @confirmed(
        "Approve",
        "They are what customers owe then. Those that are not pending stay.",
        details=confirming_bills.details,
    )
    def approve_selected(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Approve those that are pending; unfinished ones only where that is ticked."""
        selected = queryset.count()
        bill_ids = list(confirming_bills.chosen(request, queryset).values_list("pk", flat=True))
        try:
            changed = lifecycle.approve_many(
                request.organization, bill_ids=bill_ids, by=request.principal, at=clock.now()
            )
        except DomainError as refusal:
            telling.refused(request, refusal)
            return
        messages.success(request, f"{changed} approved, {selected - changed} left as they were.")

    @action(description="Lock selected", permissions=["operate"])
    @confirmed(
        "Lock",
        "They can never be changed or deleted again.",
        is_final=True,
        details=confirming_bills.details,
    )
    def lock_selected(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Lock those that are approved; say which are not."""
        locked = before = 0
        meant = confirming_bills.chosen(request, queryset)
        left_out = queryset.count() - meant.count()
        if left_out:
            messages.warning(request, f"{left_out} of a period that is not over left out.")
        for bill in meant:
            if bill.is_locked:
                before += 1
                continue
            try:
                lifecycle.lock(bill, by=request.principal, at=clock.now())
                locked += 1
            except DomainError as refusal:
                telling.refused(request, refusal, bill.account_name)
        if locked or before:
            stay = f", {before} locked already" if before else ""
            messages.success(request, f"{locked} locked{stay}.")

    @action(description="Recalculate selected", permissions=["operate"])
    @confirmed(
        "Recalculate",
        "A job calculates them again from usage and prices of now, and approved ones are pending "
        "again. Locked ones stay.",
    )
    def recalculate_selected(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        """Start a job that calculates the selected bills again."""
        bill_ids = list(queryset.values_list("pk", flat=True))
        try:
            request.permissions.require("config:create", "billing:billJob")
            job = runs.recalculate(
                request.organization, bill_ids, by=request.principal, at=clock.now()
            )
        except DomainError as refusal:
            telling.refused(request, refusal)
            return None
        messages.success(request, "Recalculation has started.")
        return HttpResponseRedirect(linking.to_row(request, job) or show.list_address(Bill))

    @action(description="Download selected as CSV", permissions=["view"])
    def download_selected(self, request: HttpRequest, queryset: QuerySet) -> StreamingHttpResponse:
        """Send the selected bills; the total is a bare number, its currency a column of its own."""
        return exporting.of_rows(self, request, queryset)

    @action(description="Download line items of selected as CSV", permissions=["view"])
    def download_lines(self, request: HttpRequest, queryset: QuerySet) -> StreamingHttpResponse:
        """Send the line items of the selected bills, a row a line."""
        return line_csv.response(request, queryset)

    @action(description="Delete selected", permissions=["discard"])
    def delete_bills(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse:
        """Delete the selected bills, after asking."""
        return self._ask_or_delete(request, list(queryset))

    def _ask_or_delete(self, request: HttpRequest, bills: list[Bill]) -> HttpResponse:
        if not all(self.has_discard_permission(request, bill) for bill in bills):
            raise PermissionDenied
        if request.POST.get("typed", "").strip().lower() != TYPED_WORD:
            return self._ask(request, bills)
        deleted, stayed = lifecycle.delete_many(
            Bill.objects.filter(pk__in=[bill.pk for bill in bills]), by=request.principal
        )
        if stayed:
            messages.error(request, f"{counted(stayed, 'locked bills')} stay as they are.")
        if deleted:
            messages.success(request, f"{deleted} deleted.")
        return HttpResponseRedirect(reverse("admin:billing_bill_changelist"))

    def _ask(self, request: HttpRequest, bills: list[Bill]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Delete bills",
            "opts": self.opts,
            "bills": [(bill, overview.period(bill)) for bill in bills],
            "word": TYPED_WORD,
            "is_wrong": "typed" in request.POST,
            "action_name": request.POST.get("action", ""),
        }
        return TemplateResponse(request, "console/delete_bills.html", context)

    # Columns ----------------------------------------------------------------------------------
    @display(description="Account", ordering="account_name")
    def account_of(self, row: Bill) -> str:
        """The account's name as it is on the bill."""
        return row.account_name

    @display(description="Reference", ordering="invoice_number")
    def reference(self, row: Bill) -> str:
        """The invoice number, or the end of the id (NUM-2)."""
        return show.code(bill_page.reference(row))

    @display(description="First – last day", ordering="start_date")
    def period(self, row: Bill) -> str:
        """First and last day, and whether it shows only what was used so far."""
        return overview.period_so_far(row)

    @display(description="First day")
    def first_day(self, row: Bill) -> str:
        """Where the period begins."""
        return show.day(row.start_date)

    @display(description="Last day")
    def last_day(self, row: Bill) -> str:
        """The last day of the period."""
        return show.day(row.end_date - timedelta(days=1))

    @display(description="State", ordering="status")
    def state(self, row: Bill) -> str:
        """Pending, approved or locked."""
        return show.label(*overview.bill_state(row))

    @display(description="Total", ordering="total")
    def shown_total(self, row: Bill) -> str:
        """The total with its currency."""
        return show.right(show.money(row.total, row.currency))
