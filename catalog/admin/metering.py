"""Pages of meters and aggregations."""

from functools import partial
from typing import Any

import msgspec
from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from catalog import derived_fields
from catalog.admin import calculating, segments, sending
from catalog.lookups.published import Tables
from catalog.models import Aggregation, AggregationMethod, FieldCategory, Meter
from organizations.kernel import exact_json
from organizations.kernel.console import fields, show
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.filters import OwnRelatedFilter
from organizations.kernel.console.forms import ConsoleForm


class MeterForm(ConsoleForm):
    """A meter; its data fields are a table."""

    data_fields = fields.RowsField(
        columns=(
            fields.Column(
                "category", "Category", "choice", FieldCategory.choices, default="MEASURE"
            ),
            fields.Column("code", "Code"),
            fields.Column("name", "Name"),
            fields.Column("unit", "Unit", is_required=False),
        ),
        add="Add field",
        help_text="Measure, income and cost fields hold numbers and need a unit; the others hold "
        "text.",
    )

    derived_fields = fields.RowsField(
        required=False,
        columns=(
            fields.Column(
                "category", "Category", "choice", FieldCategory.choices, default="MEASURE"
            ),
            fields.Column("code", "Code"),
            fields.Column("name", "Name"),
            fields.Column("unit", "Unit", is_required=False),
            fields.Column(
                "calculation",
                "Calculation",
                "calculation",
                check="admin:meter_calculation",
                sends="data_fields",
            ),
        ),
        add="Add derived field",
        help_text="Calculated once from the data fields when a measurement arrives, and stored "
        "with it. A changed calculation counts for measurements that arrive from then on.",
    )

    def clean_data_fields(self) -> list[dict[str, Any]]:
        """Leave out the unit where there is none, as the API does."""
        return _without_empty(self.cleaned_data["data_fields"])

    def clean_derived_fields(self) -> list[dict[str, Any]]:
        """Do the same for derived fields."""
        return _without_empty(self.cleaned_data["derived_fields"])


def _without_empty(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if value is not None} for row in rows]


def calculation_view(page: ConsoleModelAdmin, request: HttpRequest) -> JsonResponse:
    """Check a derived field of the meter that is being edited, with the data fields as typed."""
    if not page.has_view_permission(request):
        raise PermissionDenied
    defaults = derived_fields.custom_field_defaults(request.organization.pk)
    names = derived_fields.names(_typed_fields(request), defaults)
    expects = derived_fields.type_of(request.POST.get("category", ""))
    lookup = Tables(request.organization.pk) if _may_look_up(request) else None
    return calculating.answer(request, names, expects, lookup=lookup)


def _may_look_up(request: HttpRequest) -> bool:
    """Say whether the one who checks a calculation may see what lookup tables hold."""
    return bool(request.permissions.allows("config:retrieve", "config:lookupTableData"))


def _typed_fields(request: HttpRequest) -> list[dict[str, str]]:
    """Return the data fields in the form that have a code already."""
    try:
        rows = exact_json.loads(request.POST.get("data_fields") or "[]")
    except (msgspec.DecodeError, RecursionError):
        return []
    return [
        {"code": row["code"].strip(), "category": str(row.get("category"))}
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and isinstance(row.get("code"), str)
    ]


MOST_FIELDS = 15


@admin.register(Meter)
class MeterAdmin(ConsoleModelAdmin):
    """Meters, of a product or global (C3)."""

    form = MeterForm
    tells_all = True
    list_display = ["name", "shown_code", "product", "field_list", "modified_at"]
    list_select_related = ["product"]
    list_filter = [("product", OwnRelatedFilter)]
    search_fields = ["name", "code"]
    fields = ["name", "code", "product", "data_fields", "derived_fields", "custom_fields"]
    empty_hint = (
        "A meter says which fields a measurement of usage has, for example tokens and model."
    )
    change_form_outer_after_template = "console/meter_sending.html"

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> Any:
        """Add how to send measurements, and what arrived lately."""
        extra = {**(options.pop("extra_context", None) or {})}
        if meter := self.get_object(request, object_id):
            extra["sending"] = sending.of(request, meter)
        return super().change_view(request, object_id, *args, extra_context=extra, **options)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Start with one measure, or with the fields the address names: ``measure.gb,who.user``."""
        initial = super().get_changeform_initial_data(request)
        named = [one.partition(".") for one in initial.pop("fields", "").split(",") if one]
        found = [
            {"category": category.upper(), "code": code, "name": code, "unit": ""}
            for category, _, code in named[:MOST_FIELDS]
        ]
        one = {"category": "MEASURE", "code": "", "name": "", "unit": ""}
        return {"data_fields": found or [one], **initial}

    def get_urls(self) -> list[URLPattern]:
        """The fields of a meter, for forms that choose among them; a check of calculations."""
        view = self.admin_site.admin_view(partial(segments.meter_fields_view, self))
        check = require_POST(self.admin_site.admin_view(partial(calculation_view, self)))
        return [
            path("calculation/", check, name="meter_calculation"),
            path("<str:object_id>/fields/", view, name="meter_fields"),
            *super().get_urls(),
        ]

    @display(description="Code", ordering="code")
    def shown_code(self, row: Meter) -> str:
        """The code measurements name."""
        return show.code(row.code)

    @display(description="Fields")
    def field_list(self, row: Meter) -> str:
        """Codes of the data and derived fields."""
        return ", ".join(field["code"] for field in [*row.data_fields, *row.derived_fields])


class AggregationForm(ConsoleForm):
    """An aggregation; its fields are chosen among the meter's, its segments are rows of values."""

    segmented_fields = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "Codes, separated by commas"}),
        help_text="Text fields of the meter by whose values usage is told apart. None: not "
        "segmented.",
    )
    segments = segments.SegmentsField(
        help_text="Each has a value for every segmented field; * stands for any value for which no "
        "other segment fits better.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if not settings.ALLOWS_CUSTOM_SQL and "aggregation" in self.fields:
            kept = self.instance.aggregation == AggregationMethod.CUSTOM_SQL
            methods = self.fields["aggregation"]
            methods.choices = [
                one for one in methods.choices if kept or one[0] != AggregationMethod.CUSTOM_SQL
            ]
            if not kept:
                self.fields["custom_sql"].widget = forms.HiddenInput()
        if self.instance.segmented_fields:
            self.initial["segmented_fields"] = ", ".join(self.instance.segmented_fields)

    def clean_segmented_fields(self) -> list[str]:
        """Return the codes as a list."""
        parts = self.cleaned_data["segmented_fields"].split(",")
        return [part.strip() for part in parts if part.strip()]


@admin.register(Aggregation)
class AggregationAdmin(ConsoleModelAdmin):
    """Aggregations: how a period's measurements become one quantity."""

    form = AggregationForm
    tells_all = True
    strict_code = True
    list_display = ["name", "shown_code", "meter", "target_field", "aggregation", "unit_size"]
    list_select_related = ["meter"]
    list_filter = [("meter", OwnRelatedFilter), "aggregation"]
    search_fields = ["name", "code", "target_field"]
    fieldsets = [
        (None, {"fields": ["name", "code", "meter", "target_field", "aggregation", "custom_sql"]}),
        (
            "Units",
            {
                "fields": ["quantity_per_unit", "unit", "rounding", "default_value"],
                "description": "Units = quantity / quantity per unit, rounded as said here. "
                "Bands and prices count units.",
            },
        ),
        (
            "Segments and accounting",
            {
                "fields": [
                    "segmented_fields", "segments", "accounting_product", "custom_fields",
                ]
            },
        ),
    ]  # fmt: skip
    empty_hint = (
        "An aggregation turns the measurements of a period into one quantity, for example the "
        "sum of tokens in millions."
    )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Start with one unit a quantity, not rounded."""
        initial = super().get_changeform_initial_data(request)
        return {"quantity_per_unit": "1", "rounding": "NONE", "aggregation": "SUM", **initial}

    def get_urls(self) -> list[URLPattern]:
        """The segments of an aggregation, for the form of a price."""
        view = self.admin_site.admin_view(partial(segments.segments_view, self))
        name = "aggregation_segments"
        return [path("<str:object_id>/segments/", view, name=name), *super().get_urls()]

    @display(description="Code", ordering="code")
    def shown_code(self, row: Aggregation) -> str:
        """The code."""
        return show.code(row.code)

    @display(description="Unit")
    def unit_size(self, row: Aggregation) -> str:
        """How much makes a unit."""
        return f"{show.amount(row.quantity_per_unit)} per {row.unit}"
