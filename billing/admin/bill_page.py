"""The page of one bill: facts, lines by product, waterfall, explanations, document (C8.2)."""

from datetime import datetime, time, timedelta, tzinfo
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from billing.admin import late_arrived, memos, overview, waterfall
from billing.bills import documents, explain, line_reading, line_words, marked, periods_over
from billing.models import Bill, LineItem
from billing.rating import band_rows
from billing.rating.band_rows import BandRow
from billing.statements import jobs, visible
from organizations.kernel import clock
from organizations.kernel.console import linking, names, show
from organizations.kernel.periods import parse_timezone

ZERO = Decimal(0)
NO_PRODUCT = "Other"
STATEMENT = "billing:statementJob"


def context_of(request: HttpRequest, bill: Bill) -> dict[str, Any]:
    """Return what the page shows; a fixed number of queries."""
    readable = line_reading.of_bill(request.permissions, bill)
    lines = list(readable.order_by("sequence_number", "pk"))
    known = names.of([bill.approved_by, bill.locked_by])
    bars = waterfall.steps((_step_label(line), line.converted_subtotal) for line in lines)
    return {
        "reference": reference(bill),
        "period": overview.period(bill),
        "state": overview.bill_state(bill),
        "total": show.money(bill.total, bill.currency),
        "approved_by": known.get(bill.approved_by, ""),
        "locked_by": known.get(bill.locked_by, ""),
        "account_url": linking.to_row(request, bill.account),
        "job_url": linking.to_row(request, bill.bill_job),
        "pdf_url": reverse("admin:bill_pdf", args=[bill.pk]),
        "lines_url": reverse("admin:bill_lines", args=[bill.pk]) if lines else "",
        "groups": [_group(bill, name, list(each)) for name, each in groupby(lines, _product)],
        "waterfall": [(bar, show.money(bar.amount)) for bar in bars] if lines else [],
        "waterfall_height": waterfall.height(bars),
        "marked": marked.count(bill),
        "late": late_arrived.about(request, bill=bill) if bill.is_locked else None,
        "memo_urls": memos.add_urls(request, bill),
        "boxes": documents.missing_glyphs(bill, among=readable),
        "is_pending": bill.status == "PENDING",
        "so_far": periods_over.is_so_far(bill),
        "not_over": bill.end_at > clock.now(),
        "last_day": show.day(bill.end_date - timedelta(days=1)),
    }


def statements_of(request: HttpRequest, bill: Bill) -> dict[str, Any]:
    """Return the newest files of the bill that the person may read, and whether they are old."""
    known = {kind: jobs.newest(bill, kind) for kind in ("json", "csv") if has_statement(bill, kind)}
    shown = {kind: job for kind, job in known.items() if linking.to_row(request, job)}
    may_read = bool(shown) and bill.pk in visible.whole(request.permissions, [bill])
    return {
        "may_make_statement": request.permissions.allows("config:create", STATEMENT),
        "is_statement_stale": any(
            job is not None and jobs.freshness(job) != jobs.LATEST for job in shown.values()
        ),
        "statement_files": [
            (kind.upper(), reverse("admin:statement_file", args=[job.pk, kind]))
            for kind, job in shown.items()
            if may_read and job is not None
        ],
    }


def has_statement(bill: Bill, kind: str) -> bool:
    """Whether a statement of a format was written."""
    return getattr(bill, f"{kind}_statement_of") is not None


def reference(bill: Bill) -> str:
    """Return the invoice number, or INV- and the end of the id (NUM-2)."""
    return bill.invoice_reference or f"INV-{str(bill.pk)[-4:]}"


def pdf(request: HttpRequest, bill: Bill) -> HttpResponse:
    """Return the document as a download, with the lines that the person may read."""
    return HttpResponse(
        documents.pdf(
            bill,
            among=line_reading.of_bill(request.permissions, bill),
            is_copy=request.GET.get("copy") == "yes",
        ),
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{documents.file_name(bill)}"'},
    )


def explanation(request: HttpRequest, bill: Bill, line_id: Any) -> HttpResponse:
    """Return how a line came about, recomputed now."""
    readable = line_reading.of_bill(request.permissions, bill)
    line = readable.select_related("bill").filter(pk=line_id).first()
    if line is None:
        raise Http404
    told = explain.explain(line)
    checks = [_check(told.recomputed), _check(told.current)]
    return render(request, "console/explanation.html", {"told": told, "checks": checks})


def _check(check: explain.Comparison) -> dict[str, Any]:
    rows = [(each.field, _text(each.stored), _text(each.now)) for each in check.differences]
    return {"matches": check.matches, "summary": check.summary, "differences": rows}


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return show.amount(value)
    return show.NOTHING if value is None else str(value)


def _product(line: LineItem) -> str:
    return line.product_name or NO_PRODUCT


def _step_label(line: LineItem) -> str:
    kind = line.get_line_item_type_display()
    return f"{_product(line)}: {kind.lower()}" if line.product_name else kind


def _group(bill: Bill, name: str, lines: list[LineItem]) -> dict[str, Any]:
    total = sum((line.converted_subtotal for line in lines), ZERO)
    return {
        "name": name,
        "total": show.money(total, bill.currency),
        "lines": [_line(bill, line) for line in lines],
    }


def _line(bill: Bill, line: LineItem) -> dict[str, Any]:
    is_metered = bool(line.unit)
    is_converted = line.currency != bill.currency
    return {
        "description": line_words.description(line),
        "kind": line.get_line_item_type_display(),
        "plan": line.plan_name or "",
        "child": line.child_account_code or "",
        "segment": line.segment or {},
        "period": _service_period(line, parse_timezone(bill.timezone)),
        "quantity": show.amount(line.quantity) if is_metered else "",
        "units": _units(line) if is_metered else "",
        "bands": [_band(band) for band in band_rows.of_line(line.band_usage)],
        "subtotal": show.money(line.subtotal, line.currency) if is_converted else "",
        "rate": show.amount(line.conversion_rate) if is_converted else "",
        "amount": show.money(line.converted_subtotal, bill.currency),
        "memo_id": memos.removable(bill, line),
        "explain_url": reverse("admin:bill_line_explanation", args=[bill.pk, line.pk]),
    }


def _units(line: LineItem) -> str:
    shown, is_exact = line_words.readable(line.units)
    figure = show.amount(shown)
    return line_words.with_unit(figure if is_exact else f"≈ {figure}", line.unit)


def _band(band: BandRow) -> dict[str, str]:
    return {
        "above": show.amount(band.lower_limit),
        "reckoning": band.reckoning(show.shortened, show.amount, times="×"),
        "sum": show.money(band.amount),
    }


def _service_period(line: LineItem, zone: tzinfo) -> str:
    """Return days when the period begins and ends at midnight there, else days with times."""
    start = line.service_period_start.astimezone(zone)
    end = line.service_period_end.astimezone(zone)
    if start.time() == end.time() == time.min:
        return f"{show.day(start)} – {show.day(_day_before(end))}"
    return f"{show.instant(start)} – {show.instant(end)}"


def _day_before(at: datetime) -> datetime:
    return at - timedelta(days=1)
