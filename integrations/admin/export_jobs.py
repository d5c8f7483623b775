"""The page of export jobs: how far each is, and its file (C11)."""

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from unfold.decorators import display

from integrations.exports import jobs
from integrations.models import ExportJob
from organizations.kernel import exact_json, file_addresses
from organizations.kernel.console import running, show, telling
from organizations.kernel.console.base import ReadOnlyConsoleAdmin
from organizations.kernel.console.filters import RangeDateFilter
from organizations.kernel.errors import DomainError

RESOURCE = "config:exportJob"
COLOURS = {"SUCCEEDED": "good", "FAILED": "bad", "RUNNING": "busy", "PENDING": ""}


@admin.register(ExportJob)
class ExportJobAdmin(ReadOnlyConsoleAdmin):
    """Exports that run or have run."""

    list_display = ["created_at", "source_type", "shown_status", "row_count", "finished_at"]
    list_filter = ["status", "source_type", ("created_at", RangeDateFilter)]
    fields = ["source_type", "shown_status", "failure_reason", "row_count", "attempts",
              "slot_at", "created_at", "started_at", "finished_at", "asked"]  # fmt: skip
    readonly_fields = ["shown_status", "asked"]
    change_form_template = "console/ingest_failure.html"
    empty_hint = (
        "Each run of an export is listed here. Its file can be downloaded for 24 hours after it "
        "has ended."
    )

    def title_of(self, row: ExportJob) -> str:
        """What it is, and when it was: ids say nothing to people."""
        return f"{row.get_source_type_display()}, {show.instant(row.created_at)}"

    def get_urls(self) -> list[URLPattern]:
        """Add the download."""
        wrap = self.admin_site.admin_view
        return [
            path("<uuid:job_id>/file/", wrap(self.file_view), name="export_file"),
            *super().get_urls(),
        ]

    def file_view(self, request: HttpRequest, job_id: Any) -> HttpResponse:
        """Lead to the file, for whoever may download it."""
        row = self.get_queryset(request).filter(pk=job_id).first()
        if row is None or not _may_download(request, row):
            raise Http404
        try:
            file = jobs.download(row)
        except DomainError as refusal:
            telling.refused(request, refusal)
            return HttpResponseRedirect(show.address(row))
        base = request.build_absolute_uri("/")
        return HttpResponseRedirect(file_addresses.download_url(file, base=base, seconds=900))

    def render_change_form(self, request: HttpRequest, context: Any, **options: Any) -> Any:
        """Offer the file while it is there."""
        row = options.get("obj")
        if row is not None and _has_file(row) and _may_download(request, row):
            context["ways_on"] = [("Download", reverse("admin:export_file", args=[row.pk]))]
        return super().render_change_form(request, context, **options)

    @display(description="Status", ordering="status")
    def shown_status(self, row: ExportJob) -> str:
        """A coloured word."""
        return show.label(row.get_status_display(), COLOURS.get(row.status, ""))

    @display(description="Asked for")
    def asked(self, row: ExportJob) -> str:
        """What was asked for."""
        return show.code(exact_json.dumps(row.settings).decode())


def _may_download(request: HttpRequest, row: ExportJob) -> bool:
    return request.permissions.allows("exports:download", RESOURCE, row.pk)


def _has_file(row: ExportJob) -> bool:
    try:
        jobs.download(row)
    except DomainError:
        return False
    return True


@running.register
def _running(request: HttpRequest) -> list[running.RunningTask]:
    """Return the exports that run, oldest first."""
    rows = ExportJob.objects.for_organization(request.organization)
    open_rows = rows.filter(status__in=jobs.OPEN)
    seen = request.permissions.visible(open_rows, "config:retrieve", RESOURCE)
    return [
        running.RunningTask(
            f"Export of {row.get_source_type_display().lower()}",
            show.address(row),
            row.get_status_display(),
            "0",
        )
        for row in seen.order_by("created_at", "pk")[:50]
    ]
