"""The page of compound aggregations."""

from django.contrib import admin
from unfold.decorators import display

from catalog.models import CompoundAggregation
from organizations.kernel.console import show
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.filters import OwnRelatedFilter


@admin.register(CompoundAggregation)
class CompoundAggregationAdmin(ConsoleModelAdmin):
    """Quantities calculated from the values of other aggregations."""

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

    @display(description="Code", ordering="code")
    def shown_code(self, row: CompoundAggregation) -> str:
        """The code."""
        return show.code(row.code)
