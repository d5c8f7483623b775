"""The page of charges (C7)."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from billing.models import Charge
from organizations.kernel.console import choices, linking, show
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.filters import CurrencyFilter, WordFilter


class BilledFilter(WordFilter):
    """Charges by whether a bill carries them."""

    title = "billing"
    parameter_name = "billing"
    options = (("billed", "On a bill"), ("waiting", "Waiting"), ("undated", "Without bill date"))

    def narrow(self, queryset: Any, word: str) -> Any:
        """Look at the bill and the date."""
        if word == "billed":
            return queryset.filter(bill__isnull=False)
        return queryset.filter(bill__isnull=True, bill_date__isnull=word == "undated")


@admin.register(Charge)
class ChargeAdmin(ConsoleModelAdmin):
    """Amounts put on bills by people and by schedules of balances."""

    tells_all = True
    list_display = ["name", "shown_code", "account", "shown_amount", "bill_date", "state"]
    list_select_related = ["account"]
    list_filter = [BilledFilter, "entity_type", CurrencyFilter]
    search_fields = ["name", "code", "account__name", "account__code"]
    autocomplete_fields = ["account", "contract", "balance", "accounting_product"]
    fieldsets = [
        (None, {"fields": ["account", "contract", "name", "code", "currency"]}),
        ("Amount", {"fields": ["amount", "units", "unit_price"]}),
        ("Bill", {"fields": ["bill_date", "service_period_start_date", "service_period_end_date",
                             "description", "accounting_product"]}),
        ("Kind", {"fields": ["entity_type", "line_item_type", "balance"]}),
        ("More", {"fields": ["notes"]}),
    ]  # fmt: skip
    empty_hint = (
        "A charge puts an amount, or units and their price, on the bill of one date: a setup fee, "
        "a credit, the fee of a balance."
    )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Offer the organization's currencies."""
        if db_field.name == "currency":
            return choices.currency_field(request, db_field)
        return super().formfield_for_dbfield(db_field, request, **options)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Start with a one-off charge."""
        kinds = {"entity_type": "AD_HOC", "line_item_type": "AD_HOC"}
        return {**kinds, **super().get_changeform_initial_data(request)}

    def response_add(self, request: HttpRequest, obj: Charge, *args: Any, **o: Any) -> Any:
        """Go to the account."""
        response = super().response_add(request, obj, *args, **o)
        if "_continue" not in request.POST and "_popup" not in request.POST:
            response["Location"] = linking.back_to(request, obj.account)
        return response

    @display(description="Code", ordering="code")
    def shown_code(self, row: Charge) -> str:
        """The code."""
        return show.code(row.code)

    @display(description="Amount")
    def shown_amount(self, row: Charge) -> str:
        """The amount, or units and price."""
        return show.right(amount_of(row))

    @display(description="State")
    def state(self, row: Charge) -> str:
        """Whether a bill carries it."""
        return show.label(*state_of(row))


def amount_of(row: Charge) -> str:
    """Return the amount, or units times their price."""
    if row.amount is not None:
        return show.money(row.amount, row.currency)
    return f"{show.amount(row.units)} × {show.money(row.unit_price, row.currency)}"


def state_of(row: Charge) -> tuple[str, str]:
    """Return a word for whether a bill carries the charge, and the colour of its label."""
    if row.bill_id is not None:
        return "on a bill", "good"
    return ("waiting", "warn") if row.bill_date else ("no bill date", "plain")
