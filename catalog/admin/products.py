"""The page of products, with what belongs to each."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from catalog.models import Aggregation, Meter, Plan, PlanTemplate, Product
from organizations.kernel.console import show
from organizations.kernel.console.base import ConsoleModelAdmin

MOST_SHOWN = 50


@admin.register(Product)
class ProductAdmin(ConsoleModelAdmin):
    """Products; a product's page lists its children and can start each of them (C2)."""

    list_display = ["name", "shown_code", "meter_count", "template_count", "modified_at"]
    search_fields = ["name", "code"]
    fields = ["name", "code", "custom_fields"]
    empty_hint = (
        "A product is what you sell, for example Inference. Meters, plans and prices hang on it."
    )
    change_form_outer_after_template = "console/product_children.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Count children in the list's one query."""
        return super().get_queryset(request).annotate(
            meters_=Count("meters", distinct=True),
            templates_=Count("plan_templates", distinct=True),
        )  # fmt: skip

    @display(description="Code", ordering="code")
    def shown_code(self, row: Product) -> str:
        """The code."""
        return show.code(row.code)

    @display(description="Meters")
    def meter_count(self, row: Product) -> int:
        """How many meters measure it."""
        return row.meters_

    @display(description="Plan templates")
    def template_count(self, row: Product) -> int:
        """How many templates price it."""
        return row.templates_

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> Any:
        """Add the children."""
        extra = {**(options.pop("extra_context", None) or {})}
        if product := self.get_object(request, object_id):
            extra["children"] = children_of(product)
        return super().change_view(request, object_id, *args, extra_context=extra, **options)


def children_of(product: Product) -> list[dict[str, Any]]:
    """Return each kind of child with its newest rows and the address to add one."""
    kinds = (
        ("Meters", Meter, product.meters.all(), f"?product={product.pk}"),
        (
            "Aggregations",
            Aggregation,
            Aggregation.objects.filter(meter__product=product),
            f"?product={product.pk}",
        ),
        ("Plan templates", PlanTemplate, product.plan_templates.all(), f"?product={product.pk}"),
        ("Plans", Plan, Plan.objects.filter(plan_template__product=product), ""),
    )
    return [
        {
            "title": title,
            "add": f"{show.list_address(model, 'add')}{query}",
            "rows": [
                {"name": row.name, "code": row.code, "url": show.address(row)}
                for row in rows.newest_first()[:MOST_SHOWN]
            ],
        }
        for title, model, rows, query in kinds
    ]
