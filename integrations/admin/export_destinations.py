"""The page of export destinations (C11)."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from integrations.models import ExportDestination
from organizations.kernel.console import show
from organizations.kernel.console.base import ConsoleModelAdmin


@admin.register(ExportDestination)
class ExportDestinationAdmin(ConsoleModelAdmin):
    """Buckets that export files are copied to."""

    list_display = ["name", "shown_code", "destination_type", "bucket_name", "partition_order"]
    list_filter = ["destination_type"]
    search_fields = ["name", "code", "bucket_name"]
    fieldsets = [
        (None, {"fields": ["name", "code", "destination_type"]}),
        ("Where", {"fields": ["bucket_name", "prefix", "partition_order"]}),
        ("Amazon S3", {"fields": ["iam_role_arn"]}),
        (
            "Google Cloud Storage",
            {"fields": ["project_number", "pool_id", "provider_id", "service_account_email"]},
        ),
    ]
    tells_all = True
    empty_hint = (
        "A destination is a bucket in Amazon S3 or Google Cloud Storage that export files are "
        "copied to. Without one, exports can still be downloaded here for a day."
    )

    def prepare(self, request: HttpRequest, row: ExportDestination, form: Any) -> None:
        """Keep what was left empty as nothing."""
        for name in (
            "prefix",
            "iam_role_arn",
            "project_number",
            "pool_id",
            "provider_id",
            "service_account_email",
        ):
            if getattr(row, name) == "":
                setattr(row, name, None)

    @display(description="Code", ordering="code")
    def shown_code(self, row: ExportDestination) -> str:
        """The code."""
        return show.code(row.code)
