"""The page of prepayments, which the API calls commitments (C7)."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.decorators import display

from billing.admin.agreement_forms import CoverageForm
from billing.admin.contracts import InForceFilter, state_of
from billing.api.commitments import FeeSerializer
from billing.models import Commitment
from organizations.kernel.console import choices, fields, show
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.filters import CurrencyFilter

FEE_COLUMNS = (
    fields.Column("date", "Bill date (YYYY-MM-DD)"),
    fields.Column("amount", "Amount", "decimal"),
    fields.Column("servicePeriodStartDate", "Service from (YYYY-MM-DD)"),
    fields.Column("servicePeriodEndDate", "Service until (YYYY-MM-DD)"),
)


class CommitmentForm(CoverageForm):
    """A prepayment; its fees by date are a table."""

    fee_dates = fields.RowsField(
        label="Fees by date",
        required=False,
        columns=FEE_COLUMNS,
        add="Add fee",
        help_text="Without a billing plan: the dates and amounts of the fees.",
    )

    def clean_fee_dates(self) -> list[dict[str, Any]]:
        """Read days and amounts as the API does."""
        request = getattr(self, "read_by", None)
        context = {} if request is None else {"zone": lambda: choices.zone(request)}
        checked = FeeSerializer(data=self.cleaned_data["fee_dates"], many=True, context=context)
        if checked.is_valid():
            return checked.validated_data
        found = checked.errors
        by_row = found.items() if isinstance(found, dict) else enumerate(found)
        labels = {column.name: column.label.partition(" (")[0] for column in FEE_COLUMNS}
        raise ValidationError(
            [
                f"Row {position + 1}: {labels.get(name, name)}: {errors[0]}."
                for position, row in by_row
                for name, errors in row.items()
            ]
        )


@admin.register(Commitment)
class CommitmentAdmin(ConsoleModelAdmin):
    """Amounts that accounts have committed to."""

    form = CommitmentForm
    tells_all = True
    list_display = ["account", "shown_amount", "shown_spent", "start_date", "end_date", "state"]
    list_select_related = ["account"]
    list_filter = [InForceFilter, CurrencyFilter]
    search_fields = ["account__name", "account__code"]
    autocomplete_fields = [
        "account", "contract", "billing_plan", "accounting_product", "fees_accounting_product",
        "drawdowns_accounting_product",
    ]  # fmt: skip
    fieldsets = [
        (None, {"fields": ["account", "contract", "amount", "currency", "start_date", "end_date"]}),
        ("Covers", {"fields": ["product_ids", "line_item_types"]}),
        ("Fees", {"fields": [
            "amount_pre_paid", "amount_first_bill", "billing_plan", "billing_interval",
            "billing_offset", "bill_epoch", "commitment_fee_bill_in_advance", "fee_dates"]}),
        ("Overage", {"fields": ["overage_surcharge_percent", "separate_overage_usage"]}),
        ("On the bill", {"fields": [
            "commitment_fee_description", "commitment_usage_description", "overage_description",
            "accounting_product", "fees_accounting_product", "drawdowns_accounting_product"]}),
    ]  # fmt: skip
    empty_hint = (
        "A prepayment is an amount an account owes over a time, whatever it uses. Charges use it "
        "up; fees bill it."
    )

    def title_of(self, row: Commitment) -> str:
        """Account, amount and days."""
        amount = show.money(row.amount, row.currency)
        return f"{amount} of {row.account}, {row.start_date} to {row.end_date}"

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Offer the organization's currencies."""
        if db_field.name == "currency":
            return choices.currency_field(request, db_field)
        return super().formfield_for_dbfield(db_field, request, **options)

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Give each row the day it is."""
        for row in rows:
            row.today = choices.today(request)

    @display(description="Amount", ordering="amount")
    def shown_amount(self, row: Commitment) -> str:
        """The amount."""
        return show.right(show.money(row.amount, row.currency))

    @display(description="Spent", ordering="amount_spent")
    def shown_spent(self, row: Commitment) -> str:
        """What bills have drawn."""
        return show.right(show.money(row.amount_spent, row.currency))

    @display(description="State")
    def state(self, row: Commitment) -> str:
        """Past, active or pending."""
        return show.label(*state_of(row, row.today))
