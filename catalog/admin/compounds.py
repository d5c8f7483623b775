"""The page of compound aggregations."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST
from unfold.decorators import display

from catalog import derived_fields
from catalog.admin import calculating
from catalog.admin.calculating import CalculationField
from catalog.calculations import AggregationNames, Type
from catalog.lookups.published import Tables
from catalog.models import Aggregation, CompoundAggregation
from organizations.kernel.console import linking, show
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.filters import OwnRelatedFilter
from organizations.kernel.console.forms import ConsoleForm


class CompoundAggregationForm(ConsoleForm):
    """A compound aggregation; its calculation has the editor."""

    calculation = CalculationField("admin:compound_calculation")


@admin.register(CompoundAggregation)
class CompoundAggregationAdmin(ConsoleModelAdmin):
    """Quantities calculated from the values of other aggregations."""

    form = CompoundAggregationForm
    tells_all = True
    strict_code = True
    list_display = ["name", "shown_code", "product", "unit", "modified_at"]
    list_select_related = ["product"]
    list_filter = [("product", OwnRelatedFilter)]
    search_fields = ["name", "code"]
    autocomplete_fields = ["product", "accounting_product"]
    fieldsets = [
        (None, {"fields": ["name", "code", "product"]}),
        (
            "Calculation",
            {
                "description": "Write aggregation.CODE for the value of an aggregation in the "
                "billing period, for example aggregation.revenue - aggregation.cost. Rounding "
                "and quantity per unit of those aggregations are not applied, only the ones here.",
                "fields": ["calculation", "evaluate_null_aggregations"],
            },
        ),
        ("Units", {"fields": ["quantity_per_unit", "rounding", "unit"]}),
        ("More", {"fields": ["accounting_product", "custom_fields"]}),
    ]
    empty_hint = (
        "A compound aggregation calculates a quantity from the values of other aggregations, "
        "for example a margin from revenue and cost."
    )

    def get_urls(self) -> list[URLPattern]:
        """Add the check of calculations."""
        check = require_POST(self.admin_site.admin_view(self.calculation_view))
        return [path("calculation/", check, name="compound_calculation"), *super().get_urls()]

    def calculation_view(self, request: HttpRequest) -> JsonResponse:
        """Check a calculation; names of aggregations one may not read are not offered."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = Aggregation.objects.filter(organization=request.organization, code__isnull=False)
        codes = linking.seen(request, rows).values_list("code", flat=True)
        defaults = derived_fields.custom_field_defaults(request.organization.pk)
        may_look_up = request.permissions.allows("config:retrieve", "config:lookupTableData")
        lookup = Tables(request.organization.pk) if may_look_up else None
        names = AggregationNames(codes, defaults)
        return calculating.answer(request, names, Type.NUMBER, lookup=lookup)

    @display(description="Code", ordering="code")
    def shown_code(self, row: CompoundAggregation) -> str:
        """The code."""
        return show.code(row.code)
