"""The page of uploaded files of measurements: how far each is, and what of it was not stored."""

from decimal import Decimal
from functools import partial
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from unfold.decorators import display

from billing.admin import arrived, usage_csv
from billing.models import MeasurementUpload, UploadStatus
from billing.usage import upload_faults, uploads
from organizations.kernel import file_addresses, files
from organizations.kernel.console import running, show, telling
from organizations.kernel.console.base import ReadOnlyConsoleAdmin
from organizations.kernel.console.filters import RangeDateFilter
from organizations.kernel.errors import DomainError
from organizations.models import StoredFile

RESOURCE, ACTION = "data:fileUpload", "measurements:fileupload"
COLOURS = {"succeeded": "good", "failed": "bad", "running": "busy"}
FILES = {"original": uploads.original, "errors": uploads.errors}


@admin.register(MeasurementUpload)
class MeasurementUploadAdmin(ReadOnlyConsoleAdmin):
    """Uploaded files."""

    resource = RESOURCE
    view_action = ACTION
    list_display = ["file_name", "shown_status", "progress", "failed_rows", "uploaded_at"]
    list_filter = ["status", ("created_at", RangeDateFilter)]
    search_fields = ["file_name"]
    fields = ["file_name", "shown_status", "failure_reason", "progress", "failed_rows",
              "content_length", "uploaded_at", "finished_at", "faults"]  # fmt: skip
    readonly_fields = ["shown_status", "progress", "faults"]
    change_list_template = "console/measurement_uploads.html"
    change_form_template = "console/ingest_failure.html"
    empty_hint = (
        "Files of measurements that are sent over the API show up here, with their progress and "
        "the rows that were not stored. A table of one meter can be uploaded on this page."
    )

    def get_urls(self) -> list[URLPattern]:
        """Add uploading a table, and downloads."""
        wrap = self.admin_site.admin_view
        return [
            path("csv/", wrap(self.csv_view), name="usage_csv"),
            path(
                "arrived/<uuid:meter_id>/", wrap(partial(arrived.view, self)), name="meter_arrived"
            ),
            path("<uuid:upload_id>/file/<str:what>/", wrap(self.file_view), name="upload_file"),
            *super().get_urls(),
        ]

    def csv_view(self, request: HttpRequest) -> HttpResponse:
        """Upload usage of one meter as a table."""
        return usage_csv.view(self, request)

    def file_view(self, request: HttpRequest, upload_id: Any, what: str) -> HttpResponse:
        """Lead to the original or to the file of errors."""
        row = self.get_queryset(request).filter(pk=upload_id).first()
        if row is None or what not in FILES or not self.has_view_permission(request, row):
            raise Http404
        try:
            file = FILES[what](row)
        except DomainError as refusal:
            telling.refused(request, refusal)
            return HttpResponseRedirect(show.address(row))
        base = request.build_absolute_uri("/")
        return HttpResponseRedirect(file_addresses.download_url(file, base=base))

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        """Offer to upload usage."""
        return {"usage_csv_url": usage_csv.address(request)}

    def render_change_form(self, request: HttpRequest, context: Any, **options: Any) -> Any:
        """Offer the files that are there."""
        row = options.get("obj")
        if row is not None:
            context["ways_on"] = [
                (text, reverse("admin:upload_file", args=[row.pk, what]))
                for text, what, file in (
                    ("Original", "original", row.file),
                    ("Errors", "errors", row.errors_file),
                )
                if _is_there(file)
            ]
        return super().render_change_form(request, context, **options)

    @display(description="Status", ordering="status")
    def shown_status(self, row: MeasurementUpload) -> str:
        """A coloured word."""
        return show.label(row.get_status_display(), COLOURS.get(row.status, ""))

    @display(description="Rows")
    def progress(self, row: MeasurementUpload) -> str:
        """How many rows are taken in, of how many."""
        return _progress(row)

    @display(description="Rows that were not stored")
    def faults(self, row: MeasurementUpload) -> str:
        """The first of them with their reasons."""
        found = row.faults.order_by("row")[: upload_faults.MOST_SHOWN]
        return render_to_string("console/upload_faults.html", {"faults": found})


def _is_there(file: StoredFile | None) -> bool:
    return file is not None and files.is_readable(file)


def _progress(row: MeasurementUpload) -> str:
    if row.total_rows is None:
        return "Counting" if row.status == UploadStatus.RUNNING else "-"
    return f"{row.handled_rows:,} of {row.total_rows:,}"


@running.register
def _running(request: HttpRequest) -> list[running.RunningTask]:
    """Return the files that are being taken in, oldest first."""
    rows = MeasurementUpload.objects.for_organization(request.organization)
    seen = request.permissions.visible(rows.filter(status="running"), ACTION, RESOURCE)
    return [
        running.RunningTask(
            f"Upload of {row.file_name}",
            show.address(row),
            _progress(row),
            f"{Decimal(100 * row.handled_rows) / row.total_rows:.2f}" if row.total_rows else "0",
        )
        for row in seen.order_by("created_at", "pk")[:50]
    ]
