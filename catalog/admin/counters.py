"""Pages of counters, with their prices, and of counter pricings."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from catalog.admin.pricings import InForceFilter, PricingAdmin, PricingForm
from catalog.models import Counter, CounterPricing
from organizations.kernel.console import choices, linking, show
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.filters import OwnRelatedFilter

MOST_SHOWN = 100


@admin.register(Counter)
class CounterAdmin(ConsoleModelAdmin):
    """Counters: units that people set, such as seats."""

    list_display = ["name", "shown_code", "product", "unit", "modified_at"]
    list_select_related = ["product"]
    list_filter = [("product", OwnRelatedFilter)]
    search_fields = ["name", "code"]
    fields = ["name", "code", "product", "unit"]
    autocomplete_fields = ["product"]
    change_form_outer_after_template = "console/counter_prices.html"
    empty_hint = (
        "A counter charges for a number of units that people set, such as seats or licences, "
        "without measurements. Without product, plans of every product may price it."
    )

    @display(description="Code", ordering="code")
    def shown_code(self, row: Counter) -> str:
        """The code."""
        return show.code(row.code)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> Any:
        """Add the prices."""
        extra = {**(options.pop("extra_context", None) or {})}
        counter = self.get_object(request, object_id)
        if counter is not None and linking.to_list(request, CounterPricing):
            extra["counter_prices"] = prices_of(request, counter.pricings.all())
            extra["counter_prices_add"] = linking.to_form(
                request, CounterPricing, counter=counter.pk
            )
        return super().change_view(request, object_id, *args, extra_context=extra, **options)


def prices_of(request: HttpRequest, rows: Any) -> list[dict[str, Any]]:
    """Return the counter pricings one may read, newest start first; one query."""
    zone = choices.zone(request)
    seen = linking.seen(request, rows).select_related(
        "counter", "plan__plan_template", "plan_template"
    )
    return [
        {
            "counter": pricing.counter.name,
            "owner": f"{pricing.plan}" if pricing.plan_id else f"{pricing.plan_template}",
            "is_template": pricing.plan_id is None,
            "currency": _currency(pricing),
            "start": show.day(pricing.start_date, zone),
            "end": show.day(pricing.end_date, zone),
            "url": show.address(pricing),
            "bands": [
                {key: show.amount(band[key]) for key in ("lowerLimit", "fixedPrice", "unitPrice")}
                for band in pricing.bands
            ],
        }
        for pricing in seen.order_by("-start_date", "-pk")[:MOST_SHOWN]
    ]


def _currency(pricing: CounterPricing) -> str:
    """Return the currency of the plan or template that has the price."""
    template = pricing.plan.plan_template if pricing.plan_id else pricing.plan_template
    return str(template.currency)


class CounterPricingForm(PricingForm):
    """The price of a counter's units; it has no segment and no overage."""

    segment = None
    overage_bands = None


@admin.register(CounterPricing)
class CounterPricingAdmin(PricingAdmin):
    """Prices of counters on plans and plan templates."""

    form = CounterPricingForm
    list_display = ["counter", "sold_with", "kind", "first_band", "starts", "ends"]
    list_select_related = ["counter", "plan__plan_template", "plan_template"]
    list_filter = [
        ("plan", OwnRelatedFilter),
        ("plan_template", OwnRelatedFilter),
        ("counter", OwnRelatedFilter),
        InForceFilter,
    ]
    search_fields = ["counter__name", "plan__name", "plan_template__name", "code"]
    autocomplete_fields = ["plan", "plan_template", "counter"]
    fieldsets = [
        (None, {"fields": ["plan", "plan_template", "counter", "start_date", "end_date"]}),
        ("Price", {"fields": ["shape", "bands"]}),
        (
            "When it is charged",
            {
                "fields": [
                    "running_total_bill_in_advance", "pro_rate_running_total",
                    "pro_rate_adjustment_debit", "pro_rate_adjustment_credit",
                ],
            },
        ),
        ("More", {"fields": ["description", "code", "accounting_product"]}),
    ]  # fmt: skip
    empty_hint = (
        "A counter pricing sets what the units of a counter cost, on a plan or on its template."
    )

    def title_of(self, row: CounterPricing) -> str:
        """Counter, and what it is sold with."""
        return f"{row.counter} on {self.sold_with(row)}"
