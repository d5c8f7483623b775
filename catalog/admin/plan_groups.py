"""Pages of plan groups, with the plans in them, and of the links."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from catalog.models import Plan, PlanGroup, PlanGroupLink
from organizations.kernel.console import choices, linking, show
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.filters import OwnRelatedFilter


@admin.register(PlanGroup)
class PlanGroupAdmin(ConsoleModelAdmin):
    """Plan groups: one minimum spend across plans of several products."""

    tells_all = True
    list_display = ["name", "shown_code", "account", "shown_minimum", "shown_charge"]
    list_select_related = ["account"]
    search_fields = ["name", "code"]
    autocomplete_fields = ["account"]
    change_form_outer_after_template = "console/plan_group_plans.html"
    fieldsets = [
        (None, {"fields": ["name", "code", "currency", "account"]}),
        (
            "Minimum spend",
            {
                "fields": [
                    "minimum_spend",
                    "minimum_spend_description",
                    "minimum_spend_bill_in_advance",
                    "minimum_spend_accounting_product",
                ],
            },
        ),
        (
            "Standing charge",
            {
                "fields": [
                    "standing_charge",
                    "standing_charge_description",
                    "standing_charge_bill_in_advance",
                    "standing_charge_accounting_product",
                ],
            },
        ),
        ("More", {"fields": ["custom_fields"]}),
    ]
    empty_hint = (
        "A plan group puts one minimum spend on plans of several products. Attach the group to an "
        "account, and the account has all of its plans."
    )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Offer the organization's currencies."""
        if db_field.name == "currency":
            return choices.currency_field(request, db_field)
        return super().formfield_for_dbfield(db_field, request, **options)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> Any:
        """Add the plans of the group."""
        extra = {**(options.pop("extra_context", None) or {})}
        group = self.get_object(request, object_id)
        if group is not None and linking.to_list(request, PlanGroupLink):
            extra["group_plans"] = plans_of(request, group)
            extra["group_plans_add"] = linking.to_form(request, PlanGroupLink, plan_group=group.pk)
        return super().change_view(request, object_id, *args, extra_context=extra, **options)

    def choice_of(self, row: PlanGroup) -> str:
        """Name, code and currency."""
        return f"{row.name} ({row.code or 'no code'}, {row.currency})"

    @display(description="Code", ordering="code")
    def shown_code(self, row: PlanGroup) -> str:
        """The code."""
        return show.code(row.code)

    @display(description="Minimum spend")
    def shown_minimum(self, row: PlanGroup) -> str:
        """The group's minimum spend."""
        return show.right(show.money(row.minimum_spend, row.currency))

    @display(description="Standing charge")
    def shown_charge(self, row: PlanGroup) -> str:
        """The group's standing charge."""
        return show.right(show.money(row.standing_charge, row.currency))


def plans_of(request: HttpRequest, group: PlanGroup) -> list[dict[str, Any]]:
    """Return the plans of a group whose links one may read."""
    seen = linking.seen(request, group.links.all()).select_related("plan__plan_template__product")
    links = list(seen.order_by("plan__plan_template__product__name", "plan__name", "pk"))
    urls = linking.to_rows(request, Plan, [link.plan_id for link in links])
    return [
        {
            "plan": link.plan.name,
            "code": link.plan.code,
            "plan_url": urls.get(link.plan_id, ""),
            "product": link.plan.plan_template.product.name,
            "currency": link.plan.plan_template.currency,
            "url": show.address(link),
        }
        for link in links
    ]


@admin.register(PlanGroupLink)
class PlanGroupLinkAdmin(ConsoleModelAdmin):
    """Which plan is in which plan group."""

    list_display = ["plan_group", "plan", "modified_at"]
    list_select_related = ["plan_group", "plan"]
    list_filter = [("plan_group", OwnRelatedFilter), ("plan", OwnRelatedFilter)]
    search_fields = ["plan_group__name", "plan__name", "plan__code"]
    autocomplete_fields = ["plan_group", "plan"]
    fields = ["plan_group", "plan"]
    empty_hint = "A plan group link puts a plan into a plan group."

    def title_of(self, row: PlanGroupLink) -> str:
        """Plan and group by name."""
        return f"{row.plan} in {row.plan_group}"

    def response_add(
        self, request: HttpRequest, obj: PlanGroupLink, *args: Any, **options: Any
    ) -> Any:
        """Go back to the group."""
        response = super().response_add(request, obj, *args, **options)
        if "_continue" not in request.POST and "_popup" not in request.POST:
            response["Location"] = linking.back_to(request, obj.plan_group)
        return response
