"""Upload usage of one meter as a table: a template, then all faults at once, or all stored."""

from datetime import tzinfo
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import content_disposition_header

from billing.models import MeasurementUpload
from billing.usage import csv_files, ingest
from catalog.models import Meter
from organizations.kernel import clock
from organizations.kernel.console import choices, linking
from organizations.kernel.console.forms import PlainForm
from organizations.kernel.wording import counted

MOST_SHOWN = 200
TEMPLATE = "template"


class MeterField(forms.ModelChoiceField):
    """A meter by name and code."""

    def label_from_instance(self, obj: Any) -> str:
        """Return what a meter is called: names repeat, codes do not."""
        return f"{obj.name} ({obj.code})"


class UsageForm(PlainForm):
    """Which meter, and the file."""

    meter = MeterField(queryset=Meter.objects.none(), label="Meter")
    file = forms.FileField(
        label="File",
        required=False,
        help_text=f"CSV in UTF-8 with at most {csv_files.MOST_ROWS:,} rows. One fault in it, and "
        "nothing is stored.",
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )


def address(request: HttpRequest) -> str:
    """Return where to upload usage; empty for whom may not."""
    return reverse("admin:usage_csv") if _may(request) else ""


def view(page: Any, request: HttpRequest) -> HttpResponse:
    """Show the form, send the template, or store a file without faults."""
    if not _may(request):
        raise PermissionDenied
    form = UsageForm(request.POST or None, request.FILES or None, initial=request.GET.dict())
    meters = Meter.objects.for_organization(request.organization).order_by("name", "pk")
    form.fields["meter"].queryset = linking.seen(request, meters)
    faults: list[csv_files.Fault] = []
    if request.method == "POST" and form.is_valid():
        meter = form.cleaned_data["meter"]
        if request.POST.get("do") == TEMPLATE:
            return _template(meter)
        file = form.cleaned_data["file"]
        if file is None:
            form.add_error("file", "Choose a file.")
        else:
            faults = _store(request, meter, file)
            if not faults:
                return HttpResponseRedirect(_after(request))
    context = {
        **page.admin_site.each_context(request),
        "title": "Upload usage",
        "opts": page.opts,
        "form": form,
        "faults": faults[:MOST_SHOWN],
        "count": counted(len(faults), "faults"),
        "more": max(0, len(faults) - MOST_SHOWN),
        "back": linking.to_list(request, MeasurementUpload) or reverse("admin:index"),
    }
    return TemplateResponse(request, "console/usage_csv.html", context)


def _may(request: HttpRequest) -> bool:
    return request.permissions.allows("measurements:upload", "data:measurement")


def _after(request: HttpRequest) -> str:
    return linking.to_list(request, MeasurementUpload) or reverse("admin:usage_csv")


def _template(meter: Meter) -> HttpResponse:
    columns = csv_files.columns_of(meter.code, meter.data_fields)
    response = HttpResponse(csv_files.template(columns), content_type="text/csv; charset=utf-8")
    name = f"{meter.code}.csv"
    response["Content-Disposition"] = str(content_disposition_header(True, name))
    return response


def _store(request: HttpRequest, meter: Meter, file: Any) -> list[csv_files.Fault]:
    """Store the measurements of a file and say how many; returns the faults instead, if any."""
    at, columns = clock.now(), csv_files.columns_of(meter.code, meter.data_fields)

    def zone() -> tzinfo:
        return choices.zone(request)

    content = file.read(csv_files.MOST_BYTES + 1)
    table = csv_files.read(content, columns, at=at, zone=zone)
    if table.faults:
        return list(table.faults)
    refused = ingest.accept(request.organization.pk, table.received, at=at)
    lost = sum(len(failure.items) for failure in refused)
    stored = len(table.received) - lost
    if stored:
        messages.success(request, f"Stored: {counted(stored, 'measurements')}.")
    if lost:
        text = f"Not stored: {counted(lost, 'measurements')}. The reasons are in the failed usage."
        messages.warning(request, text)
    return []
