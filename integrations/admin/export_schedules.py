"""The page of export schedules (C11)."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
)

from integrations.exports import asking, schedules
from integrations.exports.encoding import CSV, JSONL
from integrations.exports.operational import KINDS
from integrations.exports.slots import PERIODS
from integrations.models import ExportDestination, ExportSchedule
from organizations.kernel.console import linking, show
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.forms import ConsoleForm

NOTHING = ("", "---------")
OWN = {
    "file_format": "exportFileFormat",
    "data_types": "operationalDataTypes",
    "time_period": "timePeriod",
}
MOST_CHOICES = 500


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


class ScheduleForm(ConsoleForm):
    """A schedule: when, what and where to."""

    wire_names = {
        "operationalDataTypes": "data_types",
        "exportFileFormat": "file_format",
        "timePeriod": "time_period",
        "destinationIds": "destinations",
    }
    file_format = forms.ChoiceField(
        label="Format", choices=[(CSV, "CSV"), (JSONL, "JSON lines")],
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip
    data_types = forms.MultipleChoiceField(
        label="Types of data",
        required=False,
        choices=[(one, _words(one)) for one in KINDS],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Of operational data: a file for each.",
    )
    time_period = forms.ChoiceField(
        label="Time",
        required=False,
        choices=[NOTHING, *((one, _words(one)) for one in PERIODS)],
        widget=UnfoldAdminSelectWidget,
        help_text="Of usage: which days each run is about, in UTC.",
    )
    destinations = forms.MultipleChoiceField(
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Without one the file can only be downloaded here.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        request = getattr(self, "read_by", None)
        if "destinations" in self.fields and request is not None:
            rows = ExportDestination.objects.for_organization(request.organization)
            seen = linking.seen(request, rows).order_by("name")[:MOST_CHOICES]
            found = {str(row.pk): row.name for row in seen}
            kept = dict.fromkeys(self.instance.destination_ids, "one you may not see")
            self.fields["destinations"].choices = list({**kept, **found}.items())

    def stored_value(self, name: str) -> Any:
        """Fill the fields that stand together in one column."""
        if name == "destinations":
            return self.instance.destination_ids
        if name in OWN:
            return self.instance.settings.get(OWN[name])
        return super().stored_value(name)


@admin.register(ExportSchedule)
class ExportScheduleAdmin(ConsoleModelAdmin):
    """Exports that repeat."""

    form = ScheduleForm
    list_display = ["name", "shown_code", "source_type", "times", "next_run_at"]
    list_filter = ["source_type"]
    search_fields = ["name", "code"]
    fieldsets = [
        (None, {"fields": ["name", "code"]}),
        ("What", {"fields": ["source_type", "data_types", "time_period", "file_format"]}),
        ("When", {"fields": ["schedule_type", "period", "offset", "cron_expression"]}),
        ("Where to", {"fields": ["destinations"]}),
    ]
    tells_all = True
    empty_hint = (
        "A schedule exports usage or operational data again and again, to be downloaded or copied "
        "to destinations. Times are in UTC; the first run starts when the schedule is saved."
    )

    def prepare(self, request: HttpRequest, row: ExportSchedule, form: Any) -> None:
        """Put the fields together that stand in one column; what else is asked for stays."""
        row.cron_expression = row.cron_expression or None
        row.schedule_type = row.schedule_type or None
        settings = dict(row.settings)
        for name, wire in OWN.items():
            settings.pop(wire, None)
            if value := form.cleaned_data.get(name):
                settings[wire] = value
        row.settings = settings
        row.destination_ids = form.cleaned_data.get("destinations") or []
        asking.require(request.permissions, row.source_type)
        schedules.take_over(row, request.principal)
        schedules.moved(row)

    def create_row(self, request: HttpRequest, row: ExportSchedule, form: Any) -> None:
        """Make the schedule and its first job."""
        schedules.create(row, by=request.principal)

    @display(description="Code", ordering="code")
    def shown_code(self, row: ExportSchedule) -> str:
        """The code."""
        return show.code(row.code)

    @display(description="When")
    def times(self, row: ExportSchedule) -> str:
        """How often it runs."""
        if row.cron_expression:
            return show.code(row.cron_expression)
        return f"every {row.period} {row.get_schedule_type_display()}"
