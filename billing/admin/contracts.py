"""The page of contracts (C7)."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from billing.models import Contract
from organizations.kernel.console import choices, fields, show
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.filters import WordFilter
from organizations.kernel.console.forms import ConsoleForm


class ContractForm(ConsoleForm):
    """A contract; its filters of usage are a table."""

    usage_filters = fields.RowsField(
        label="Usage filters",
        required=False,
        columns=(
            fields.Column("dimensionCode", "Field of the meter"),
            fields.Column(
                "mode", "Usage", "choice", (("INCLUDE", "Only with"), ("EXCLUDE", "Without")),
                default="INCLUDE",
            ),
            fields.Column("value", "Value"),
        ),
        add="Add filter",
        help_text="Usage is charged under this contract only if it passes all filters.",
    )  # fmt: skip


class InForceFilter(WordFilter):
    """Rows by whether today lies between their days."""

    title = "state"
    parameter_name = "state"
    options = (("active", "Active"), ("pending", "Pending"), ("past", "Past"))

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        self.today = choices.today(request)
        super().__init__(request, *args)

    def narrow(self, queryset: Any, word: str) -> Any:
        """Compare start and exclusive end with today."""
        if word == "past":
            return queryset.filter(end_date__lte=self.today)
        if word == "pending":
            return queryset.filter(start_date__gt=self.today)
        return queryset.filter(start_date__lte=self.today, end_date__gt=self.today)


def state_of(row: Any, today: Any) -> tuple[str, str]:
    """Return a word for whether the row is in force, and the colour of its label."""
    if row.end_date <= today:
        return "past", "plain"
    return ("pending", "warn") if row.start_date > today else ("active", "good")


@admin.register(Contract)
class ContractAdmin(ConsoleModelAdmin):
    """What accounts have agreed to."""

    form = ContractForm
    tells_all = True
    list_display = ["name", "shown_code", "account", "start_date", "end_date", "state"]
    list_select_related = ["account"]
    list_filter = [InForceFilter]
    search_fields = ["name", "code", "account__name", "account__code", "purchase_order_number"]
    autocomplete_fields = ["account", "bill_grouping_key"]
    fieldsets = [
        (None, {"fields": ["account", "name", "code", "start_date", "end_date"]}),
        ("Bills", {"fields": ["bill_grouping_key", "purchase_order_number",
                              "apply_contract_period_limits", "usage_filters"]}),
        ("More", {"fields": ["description", "custom_fields"]}),
    ]  # fmt: skip
    empty_hint = (
        "A contract says what an account agreed to. Plans, prepayments, balances and charges may "
        "belong to one; with a bill grouping key they stand on bills of their own."
    )

    @display(description="Code", ordering="code")
    def shown_code(self, row: Contract) -> str:
        """The code."""
        return show.code(row.code)

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Give each row the day it is."""
        for row in rows:
            row.today = choices.today(request)

    @display(description="State")
    def state(self, row: Contract) -> str:
        """Past, active or pending."""
        return show.label(*state_of(row, row.today))
