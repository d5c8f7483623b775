"""Pages of plan templates and plans."""

from datetime import tzinfo
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from catalog.models import Plan, PlanTemplate, Pricing
from organizations.kernel.console import choices, linking, show
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.filters import OwnRelatedFilter

INHERITED = "Empty means: as the plan template says. Zero is a value and switches the charge off."


class PricedAdmin(ConsoleModelAdmin):
    """What templates and plans share: the list of their prices below the form."""

    change_form_outer_after_template = "console/prices.html"
    owner: str = ""
    tells_all = True

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> Any:
        """Add the prices."""
        extra = {**(options.pop("extra_context", None) or {})}
        if row := self.get_object(request, object_id):
            extra.update(prices_of(request, row, self.owner, choices.zone(request)))
        return super().change_view(request, object_id, *args, extra_context=extra, **options)


@admin.register(PlanTemplate)
class PlanTemplateAdmin(PricedAdmin):
    """Plan templates: what the plans of a product share."""

    owner = "plan_template"
    list_display = ["name", "shown_code", "product", "currency", "rhythm", "shown_charge"]
    list_select_related = ["product"]
    list_filter = [("product", OwnRelatedFilter), "bill_frequency"]
    search_fields = ["name", "code"]
    fieldsets = [
        (None, {"fields": ["name", "code", "product", "currency"]}),
        ("Billing", {"fields": ["bill_frequency", "bill_frequency_interval"]}),
        (
            "Standing charge",
            {
                "fields": [
                    "standing_charge",
                    "standing_charge_description",
                    "standing_charge_interval",
                    "standing_charge_offset",
                    "standing_charge_bill_in_advance",
                ]
            },
        ),
        (
            "Minimum spend",
            {
                "fields": [
                    "minimum_spend",
                    "minimum_spend_description",
                    "minimum_spend_bill_in_advance",
                ]
            },
        ),
        ("More", {"fields": ["ordinal", "custom_fields"]}),
    ]
    empty_hint = (
        "A plan template says currency, billing rhythm and standing charge for the plans made "
        "from it."
    )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Offer the organization's currencies."""
        if db_field.name == "currency":
            return choices.currency_field(request, db_field)
        return super().formfield_for_dbfield(db_field, request, **options)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Start monthly and without standing charge."""
        initial = super().get_changeform_initial_data(request)
        return {"bill_frequency": "MONTHLY", "standing_charge": "0", **initial}

    def choice_of(self, row: PlanTemplate) -> str:
        """Name, code and currency."""
        return f"{row.name} ({row.code}, {row.currency})"

    @display(description="Code", ordering="code")
    def shown_code(self, row: PlanTemplate) -> str:
        """The code."""
        return show.code(row.code)

    @display(description="Bills")
    def rhythm(self, row: PlanTemplate) -> str:
        """How often bills are made."""
        word = row.get_bill_frequency_display().lower()
        every = row.bill_frequency_interval
        return word if every == 1 else f"{word}, every {every}"

    @display(description="Standing charge")
    def shown_charge(self, row: PlanTemplate) -> str:
        """The default standing charge."""
        return show.right(show.money(row.standing_charge, row.currency))


@admin.register(Plan)
class PlanAdmin(PricedAdmin):
    """Plans: what accounts are attached to."""

    owner = "plan"
    list_display = [
        "name",
        "shown_code",
        "plan_template",
        "product_name",
        "account",
        "shown_charge",
    ]
    list_select_related = ["plan_template__product", "account"]
    choice_related = ["plan_template"]
    list_filter = [("plan_template", OwnRelatedFilter)]
    search_fields = ["name", "code"]
    autocomplete_fields = ["account"]
    fieldsets = [
        (None, {"fields": ["name", "code", "plan_template", "account"]}),
        (
            "Standing charge",
            {
                "description": INHERITED,
                "fields": [
                    "standing_charge",
                    "standing_charge_description",
                    "standing_charge_bill_in_advance",
                    "standing_charge_accounting_product",
                ],
            },
        ),
        (
            "Minimum spend",
            {
                "description": INHERITED,
                "fields": [
                    "minimum_spend",
                    "minimum_spend_description",
                    "minimum_spend_bill_in_advance",
                    "minimum_spend_accounting_product",
                ],
            },
        ),
        ("More", {"fields": ["ordinal", "custom_fields"]}),
    ]
    empty_hint = "A plan is a priced version of a plan template. Accounts are attached to plans."

    def choice_of(self, row: Plan) -> str:
        """Name, code and the currency of its template."""
        return f"{row.name} ({row.code}, {row.plan_template.currency})"

    @display(description="Code", ordering="code")
    def shown_code(self, row: Plan) -> str:
        """The code."""
        return show.code(row.code)

    @display(description="Product")
    def product_name(self, row: Plan) -> str:
        """The template's product."""
        return row.plan_template.product.name

    @display(description="Standing charge")
    def shown_charge(self, row: Plan) -> str:
        """The plan's standing charge, or its template's."""
        template = row.plan_template
        own = row.standing_charge
        charge = template.standing_charge if own is None else own
        return show.right(show.money(charge, template.currency))


def prices_of(
    request: HttpRequest, row: Plan | PlanTemplate, owner: str, zone: tzinfo
) -> dict[str, Any]:
    """Return the prices of a plan or template one may read, and where to add one."""
    if not linking.to_list(request, Pricing):
        return {}
    seen = linking.seen(request, row.pricings.all())
    rows = seen.select_related("aggregation", "compound_aggregation").order_by(
        "aggregation__name", "compound_aggregation__name", "-start_date", "-pk"
    )
    template = row.plan_template if isinstance(row, Plan) else row
    return {
        "prices_add": linking.to_form(request, Pricing, **{owner: row.pk}),
        "may_edit_prices": request.permissions.allows_verb("change", "config:pricing"),
        "prices_currency": template.currency,
        "prices": [
            {
                "aggregation": pricing.aggregation or pricing.compound_aggregation,
                "segment": pricing.segment,
                "start": show.day(pricing.start_date, zone),
                "end": show.day(pricing.end_date, zone),
                "url": show.address(pricing),
                "bands": [
                    {
                        key: show.amount(band[key])
                        for key in ("lowerLimit", "fixedPrice", "unitPrice")
                    }
                    for band in pricing.bands
                ],
            }
            for pricing in rows
        ],
    }
