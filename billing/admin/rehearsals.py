"""The pages of rehearsals: what a bill run would change, by money, and running it for real."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet, Sum
from django.http import Http404, HttpRequest, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from unfold.decorators import display

from billing.admin import run_billing
from billing.admin.jobs import describe
from billing.admin.since_last import signed
from billing.models import Account, Rehearsal, RehearsalStatus, RehearsedAccount, RehearsedKind
from billing.rehearsing import reading, rehearsals
from organizations.kernel.console import linking, show
from organizations.kernel.console.pages import PageConsoleAdmin
from organizations.kernel.errors import Forbidden

A_PAGE = 50
COLOURS = {"NEW": "good", "GONE": "bad", "CHANGED": "busy", "PARKED": "warn"}


@admin.register(Rehearsal)
class RehearsalAdmin(PageConsoleAdmin):
    """Rehearsals of bill runs."""

    resource = "config:rehearsal"
    list_display = ["asked_for", "what", "shown_status", "total"]
    list_filter = ["status"]
    search_fields = ["status"]
    search_help_text = "Search by id"
    page_template = "console/rehearsal.html"
    empty_hint = (
        "A rehearsal says what a bill run would change, and writes no bill. Start one where "
        "billing is run."
    )

    def title_of(self, row: Rehearsal) -> str:
        """The run in words."""
        return describe(rehearsals.job_of(row))

    def get_urls(self) -> list[URLPattern]:
        """Add the file and the answer a progress bar asks for."""
        wrap = self.admin_site.admin_view
        return [
            path("<uuid:row_id>/csv/", wrap(self.csv_view), name="rehearsal_csv"),
            path("<uuid:row_id>/progress/", wrap(self.progress_view), name="rehearsal_progress"),
            *super().get_urls(),
        ]

    def csv_view(self, request: HttpRequest, row_id: Any) -> HttpResponseBase:
        """Stream the accounts that the person may read."""
        row = self._allowed(request, row_id)
        rows = readable(request, row)
        if rows is None:  # a file without accounts, as the page is
            rows = row.accounts.none()
        return StreamingHttpResponse(
            reading.csv(rows),
            content_type="text/csv",
            headers={"Content-Disposition": 'attachment; filename="rehearsal.csv"'},
        )

    def progress_view(self, request: HttpRequest, row_id: Any) -> JsonResponse:
        """Answer how far a rehearsal is."""
        return JsonResponse(progress_of(self._allowed(request, row_id)))

    def _allowed(self, request: HttpRequest, row_id: Any) -> Rehearsal:
        row: Rehearsal | None = self.get_queryset(request).filter(pk=row_id).first()
        if row is None or not self.has_view_permission(request, row):
            raise Http404
        return row

    def page_context(self, request: HttpRequest, row: Rehearsal) -> dict[str, Any]:
        """Add progress, sums by currency and a page of accounts."""
        return {
            **accounts_of(request, row),
            "what": self.title_of(row),
            "progress": progress_of(row),
            "progress_url": reverse("admin:rehearsal_progress", args=[row.pk]),
            "is_finished": row.status == RehearsalStatus.COMPLETE,
            "csv_url": reverse("admin:rehearsal_csv", args=[row.pk]),
            "run_url": _run_url(request, row),
        }

    @display(description="Asked for", ordering="created_at")
    def asked_for(self, row: Rehearsal) -> str:
        """When it was asked for."""
        return show.instant(row.created_at)

    @display(description="What")
    def what(self, row: Rehearsal) -> str:
        """Which bills a run would make."""
        return self.title_of(row)

    @display(description="Status", ordering="status")
    def shown_status(self, row: Rehearsal) -> str:
        """A coloured word."""
        colour = "good" if row.status == RehearsalStatus.COMPLETE else "busy"
        return show.label(row.get_status_display(), colour)


def readable(request: HttpRequest, row: Rehearsal) -> QuerySet[RehearsedAccount] | None:
    """Return the accounts that the person may read; ``None`` for whom may read no bills."""
    try:
        return reading.readable(request.permissions, row)
    except Forbidden:
        return None


def accounts_of(request: HttpRequest, row: Rehearsal) -> dict[str, Any]:
    """Return a page of the accounts, narrowed by kind if asked; a fixed number of queries."""
    rows = readable(request, row)
    if rows is None:
        return {"hidden": True}
    chosen = request.GET.get("kind", "")
    counts = dict(rows.order_by().values_list("kind").annotate(Count("pk")))
    sums = rows.exclude(currency="").order_by("currency").values("currency")
    narrowed = rows.filter(kind=chosen) if chosen in counts else rows
    page = Paginator(narrowed.order_by(*reading.ORDER), A_PAGE).get_page(request.GET.get("page"))
    around = [("Previous", page.number - 1)] if page.has_previous() else []
    around += [("Next", page.number + 1)] if page.has_next() else []
    kept = {"kind": chosen} if chosen else {}
    return {
        "sums": [
            (
                one["currency"],
                show.money(one["old"], one["currency"]),
                show.money(one["new"], one["currency"]),
                signed(one["new"] - one["old"], one["currency"]),
            )
            for one in sums.annotate(old=Sum("before"), new=Sum("after"))
        ],
        "kinds": _kinds(counts, chosen),
        "accounts": _shown(request, list(page)),
        "page": page,
        "page_links": [
            (words, "?" + urlencode({**kept, "page": number})) for words, number in around
        ],
    }


def _kinds(counts: dict[str, int], chosen: str) -> list[dict[str, Any]]:
    """Return what the list can be narrowed to, with its share for the picture."""
    whole = sum(counts.values()) or 1
    every = {"words": "All", "count": sum(counts.values()), "query": "?", "chosen": not chosen}
    return [
        every,
        *(
            {
                "words": kind.label,
                "count": counts[kind.value],
                "share": round(100 * counts[kind.value] / whole, 2),
                "query": "?" + urlencode({"kind": kind.value}),
                "chosen": kind.value == chosen,
            }
            for kind in RehearsedKind
            if kind.value in counts
        ),
    ]


def _shown(request: HttpRequest, rows: Sequence[RehearsedAccount]) -> list[dict[str, Any]]:
    urls = linking.to_rows(request, Account, [row.account_id for row in rows])
    largest = max((row.moved for row in rows), default=0) or 1
    return [
        {
            "name": row.account.name,
            "code": row.account.code,
            "url": urls.get(row.account_id, ""),
            "kind": row.get_kind_display(),
            "colour": COLOURS.get(row.kind, "plain"),
            "before": show.money(row.before, row.currency) if row.currency else "",
            "after": show.money(row.after, row.currency) if row.currency else "",
            "difference": signed(row.difference, row.currency) if row.moved else "",
            "share": round(float(100 * row.moved / largest), 1),
            "told": [
                f"{one['sentence']} ({signed(one['amount'], row.currency)})"
                for one in row.sentences
            ],
            "reason": row.reason,
        }
        for row in rows
    ]


def progress_of(row: Rehearsal) -> dict[str, Any]:
    """Return the share that is done in percent, a sentence, and whether it is over."""
    is_finished = row.status == RehearsalStatus.COMPLETE
    left = 0 if is_finished else row.accounts.filter(kind=RehearsedKind.PENDING).count()
    done = row.total - left
    return {
        "shares": {"billed": round(100 * done / row.total, 2) if row.total else 100},
        "words": f"{row.get_status_display()}: {done:,} of {row.total:,} accounts",
        "isFinished": is_finished,
    }


def _run_url(request: HttpRequest, row: Rehearsal) -> str:
    """Return the form of the run, filled in with what was rehearsed; empty for whom may not."""
    url = run_billing.address(request)
    named = row.request.get("account_ids", [])
    known = Account.objects.filter(organization_id=row.organization_id, pk__in=named)
    filled = {
        "day": row.request.get("latest_date_in_billing_period", ""),
        "frequency": row.request.get("billing_frequency", ""),
        "accounts": ",".join(linking.seen(request, known).values_list("code", flat=True)),
    }
    return f"{url}?{urlencode(filled)}" if url else ""
