"""Saved questions about usage, and the explorer in which they are made (C5)."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.decorators import display

from billing.admin import explorer_pictures as pictures
from billing.admin.explorer_form import ExplorerForm, initial
from billing.models import Account, SavedQuery
from billing.usage.queries import checking, running, saved
from catalog.models import Meter
from organizations.access import Rights
from organizations.kernel import changes, clock
from organizations.kernel.console import choices, show, telling
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.errors import DomainError
from organizations.kernel.instants import iso_instant
from organizations.kernel.periods import local_midnight

CHARTS = {"line": "line", "bar": "bar", "stacked": "bar"}
DOWNLOADS = ("csv", "json")


@admin.register(SavedQuery)
class SavedQueryAdmin(ConsoleModelAdmin):
    """Saved questions."""

    list_display = ["name", "open_link", "modified_at"]
    search_fields = ["name"]
    fields = ["name", "open_link", "shown_query"]
    readonly_fields = ["open_link", "shown_query"]
    change_list_template = "console/saved_queries.html"
    empty_hint = "Explore usage, then save the question: it shows up here for everybody."

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They are made in the explorer."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Add the explorer."""
        view = self.admin_site.admin_view(self.explorer)
        return [path("explore/", view, name="usage_explorer"), *super().get_urls()]

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        """Lead to the explorer whoever may ask."""
        may_ask = _may_ask(request)
        return {"explorer_url": reverse("admin:usage_explorer") if may_ask else ""}

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Remember for each row whether the person may ask it."""
        may_ask = _may_ask(request)
        for row in rows:
            row.may_ask = may_ask

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """Remember it for the page of one row, too."""
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            self.complete(request, [row])
        return row

    @display(description="Answer")
    def open_link(self, row: SavedQuery) -> str:
        """Lead to the explorer with the question asked, where the person may ask it."""
        if not getattr(row, "may_ask", False):
            return show.NOTHING
        return show.linked(f"{reverse('admin:usage_explorer')}?saved={row.pk}", "Open in explorer")

    @display(description="Question")
    def shown_query(self, row: SavedQuery) -> str:
        """The question itself."""
        return show.json_block(row.usage_query)

    def explorer(self, request: HttpRequest) -> HttpResponse:
        """Ask a question made by choosing, or a saved one; save it; download its answer."""
        if not _may_ask(request):
            raise PermissionDenied(
                "Exploring usage needs the permissions to create and read analytics jobs, and to "
                "query usage."
            )
        row, form = self._asked(request)
        wire = row.usage_query if row is not None else None
        if form.is_bound and form.is_valid():
            zone = choices.zone(request)

            def begins(day: date) -> str | None:
                return iso_instant(local_midnight(day, zone))

            wire = form.wire(begins)
            if request.method == "POST":
                return self._save(request, wire)
        answer = self._answer(request, wire) if wire is not None else None
        wanted = request.GET.get("format")
        if answer is not None and wanted in DOWNLOADS:
            return _download(answer, wanted)
        context = {
            **self.admin_site.each_context(request),
            "title": row.name if row is not None else "Usage explorer",
            "opts": self.opts,
            "form": form,
            "asked": request.GET.urlencode(),
            "may_save": request.permissions.allows("config:create", "config:savedQuery"),
            "is_bound": form.is_bound,
            **(_shown(request, answer, wire, form) if answer is not None and wire else {}),
        }
        return TemplateResponse(request, "console/usage_explorer.html", context)

    def _asked(self, request: HttpRequest) -> tuple[SavedQuery | None, ExplorerForm]:
        organization, rights = request.organization, Rights(request.principal)
        read = "config:retrieve"
        accounts = rights.not_denied(
            Account.objects.for_organization(organization), read, "config:account"
        )
        meters = rights.not_denied(
            Meter.objects.for_organization(organization), read, "config:meter"
        ).order_by("name", "pk")
        about: dict[str, Any] = {"meters": meters, "accounts": accounts}
        if wanted := request.GET.get("saved"):
            row = next((one for one in self.get_queryset(request) if str(one.pk) == wanted), None)
            if row is None or not self.has_view_permission(request, row):
                raise Http404
            return row, ExplorerForm(initial=initial(row.usage_query, accounts), **about)
        is_asked = any(name in request.GET for name in ("period", "start", "values"))
        first = {"period": "LAST_30_DAYS", "time": "DAY", "show": "line"}
        return None, ExplorerForm(request.GET if is_asked else None, initial=first, **about)

    def _answer(self, request: HttpRequest, wire: dict[str, Any]) -> running.Answer | None:
        organization_id = request.organization.pk
        try:
            query = saved.at(organization_id, wire, now=clock.now())
            return running.run(organization_id, query, rights=Rights(request.principal))
        except DomainError as refusal:
            telling.refused(request, refusal)
            return None

    def _save(self, request: HttpRequest, wire: dict[str, Any]) -> HttpResponse:
        if not request.permissions.allows("config:create", "config:savedQuery"):
            raise PermissionDenied
        name = request.POST.get("name", "").strip()[:200] or "Usage"
        row = SavedQuery(organization=request.organization, name=name, usage_query=wire)
        try:
            changes.create(row, by=request.principal)
        except DomainError as refusal:
            telling.refused(request, refusal)
            return HttpResponseRedirect(request.get_full_path())
        messages.success(request, "The question is saved. Its address can be shared.")
        return HttpResponseRedirect(f"{reverse('admin:usage_explorer')}?saved={row.pk}")


def _may_ask(request: HttpRequest) -> bool:
    return request.principal is not None and checking.may_ask(Rights(request.principal))


def _shown(
    request: HttpRequest, answer: running.Answer, wire: dict[str, Any], form: ExplorerForm
) -> dict[str, Any]:
    """Return what the page shows of an answer."""
    rows, zone = list(answer.rows()), choices.zone(request)
    count = len(wire.get("aggregations", ()))
    values = answer.columns[len(answer.columns) - count :] if count else []
    groups = [name for name in answer.columns if name not in values and name != "accountId"]
    groups.sort(key=lambda name: name != "timestamp")
    wanted = (form.data.get("show") if form.is_bound else "") or request.GET.get("show", "table")
    context: dict[str, Any] = {"has_answer": True, "count": len(rows), "has_more": answer.has_more}
    if wanted in CHARTS and count:
        picture = pictures.chart(groups, values, rows, zone, kind=wanted)
        context |= {"chart": picture, "chart_type": CHARTS[wanted]}
    is_pivot = wanted == "pivot" and count
    context["table"] = (
        pictures.pivot(groups, values, rows, zone)
        if is_pivot
        else pictures.table(answer.columns, rows, zone)
    )
    context["not_shown"] = max(0, len(rows) - pictures.MOST_SHOWN)
    return context


def _download(answer: running.Answer, wanted: str) -> StreamingHttpResponse:
    if wanted == "csv":
        body: Any = pictures.lines(answer.columns, answer.rows())
        kind = "text/csv; charset=utf-8"
    else:
        body = running.written(answer)
        kind = "application/json"
    return StreamingHttpResponse(
        body,
        content_type=kind,
        headers={"Content-Disposition": f'attachment; filename="usage.{wanted}"'},
    )
