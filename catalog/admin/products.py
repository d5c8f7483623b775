"""The page of products, with what belongs to each."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from unfold.decorators import display

from catalog.admin import catalogue_page
from catalog.as_code import permissions
from catalog.models import (
    Aggregation,
    CompoundAggregation,
    Counter,
    Meter,
    Plan,
    PlanTemplate,
    Product,
)
from organizations.kernel.console import linking, show
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

    def get_urls(self) -> list[URLPattern]:
        """Add the catalogue as code."""
        view = self.admin_site.admin_view(self.catalogue_view)
        return [path("catalogue/", view, name="catalogue_as_code"), *super().get_urls()]

    def may_open_catalogue_as_code(self, request: HttpRequest) -> bool:
        """Whether the page of the catalogue opens: it needs to read every kind of it."""
        return permissions.may_read(request.permissions)

    def catalogue_view(self, request: HttpRequest) -> HttpResponse:
        """Show the catalogue as a file."""
        return catalogue_page.view(self, request)

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
            extra["children"] = children_of(request, product)
        return super().change_view(request, object_id, *args, extra_context=extra, **options)


def children_of(request: HttpRequest, product: Product) -> list[dict[str, Any]]:
    """Return each kind of child one may read: its newest rows, and the address to add one."""
    of_it = {"product": product.pk}
    kinds: tuple[tuple[str, Any, Any, dict[str, Any]], ...] = (
        ("Meters", Meter, product.meters.all(), of_it),
        ("Aggregations", Aggregation, Aggregation.objects.filter(meter__product=product), of_it),
        ("Compound aggregations", CompoundAggregation, product.compound_aggregations.all(), of_it),
        ("Counters", Counter, product.counters.all(), of_it),
        ("Plan templates", PlanTemplate, product.plan_templates.all(), of_it),
        ("Plans", Plan, Plan.objects.filter(plan_template__product=product), {}),
    )
    found = []
    for title, model, rows, filled in kinds:
        if not linking.to_list(request, model):
            continue
        seen = linking.seen(request, rows)
        shown = list(seen.newest_first()[: MOST_SHOWN + 1])
        is_all = len(shown) <= MOST_SHOWN
        found.append({
            "title": title,
            "add": linking.to_form(request, model, **filled),
            "count": len(shown) if is_all else f"{MOST_SHOWN}+",
            "all": "" if is_all else linking.to_list(request, model),
            "rows": [
                {"name": row.name, "code": row.code, "url": show.address(row)}
                for row in shown[:MOST_SHOWN]
            ],
        })  # fmt: skip
    return found
