"""The pages of balances, of their transactions and of their schedules (C7)."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from billing import ledger
from billing.admin import balance_ledger
from billing.admin.agreement_forms import CoverageForm
from billing.models import (
    Balance,
    BalanceChargeSchedule,
    BalanceTransaction,
    BalanceTransactionSchedule,
)
from organizations.kernel import clock
from organizations.kernel.console import choices, linking, show
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.filters import CurrencyFilter


@admin.register(Balance)
class BalanceAdmin(ConsoleModelAdmin):
    """Credit that accounts hold; the page of one shows its ledger."""

    form = CoverageForm
    tells_all = True
    list_display = ["name", "shown_code", "account", "shown_amount", "starts", "ends", "state"]
    list_select_related = ["account"]
    list_filter = [CurrencyFilter]
    search_fields = ["name", "code", "account__name", "account__code"]
    autocomplete_fields = [
        "account", "contract", "consumptions_accounting_product", "fees_accounting_product",
    ]  # fmt: skip
    change_form_outer_before_template = "console/balance_ledger.html"
    fieldsets = [
        (None, {"fields": [
            "account", "contract", "name", "code", "currency", "start_date", "end_date"]}),
        ("Rollover and overdraft", {"fields": [
            "rollover_end_date", "rollover_amount", "allow_overdraft"]}),
        ("Covers", {"fields": ["product_ids", "line_item_types"]}),
        ("On the bill", {"fields": [
            "balance_draw_down_description", "overage_surcharge_percent", "overage_description",
            "consumptions_accounting_product", "fees_accounting_product"]}),
        ("More", {"fields": ["description", "custom_fields"]}),
    ]  # fmt: skip
    empty_hint = (
        "A balance is credit an account holds for a time. Transactions fill it, by hand or by a "
        "schedule; charges draw from it."
    )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Offer the organization's currencies."""
        if db_field.name == "currency":
            return choices.currency_field(request, db_field)
        return super().formfield_for_dbfield(db_field, request, **options)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> Any:
        """Add the ledger."""
        extra = {**(options.pop("extra_context", None) or {})}
        balance = self.get_object(request, object_id)
        if balance is not None and request.method == "GET":
            extra["ledger"] = balance_ledger.of(request, balance)
        return super().change_view(request, object_id, *args, extra_context=extra, **options)

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Days are those of the organization's timezone."""
        choices.note_zone(request, rows)

    @display(description="Code", ordering="code")
    def shown_code(self, row: Balance) -> str:
        """The code."""
        return show.code(row.code)

    @display(description="Balance", ordering="amount")
    def shown_amount(self, row: Balance) -> str:
        """What it holds."""
        return show.right(show.money(row.amount, row.currency))

    @display(description="From", ordering="start_date")
    def starts(self, row: Balance) -> str:
        """First day."""
        return show.day(row.start_date, row.zone)

    @display(description="Until", ordering="effective_end_date")
    def ends(self, row: Balance) -> str:
        """Exclusive end, that of the rollover if there is one."""
        return show.day(row.effective_end_date, row.zone)

    @display(description="State")
    def state(self, row: Balance) -> str:
        """Past, active or pending."""
        return show.label(*state_of(row))


def state_of(row: Balance) -> tuple[str, str]:
    """Return a word for whether the balance may be used, and the colour of its label."""
    now = clock.now()
    if row.effective_end_date <= now:
        return "past", "plain"
    if row.end_date <= now:
        return "rolled over", "busy"
    return ("pending", "warn") if row.start_date > now else ("active", "good")


class OfBalanceAdmin(ConsoleModelAdmin):
    """Rows of a balance: the way back leads to its page."""

    list_select_related = ["balance"]
    autocomplete_fields = ["balance", "transaction_type"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A row stays with its balance."""
        fixed = ["balance"] if obj else []
        return [*super().get_readonly_fields(request, obj), *fixed]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Offer the organization's currencies."""
        if db_field.name == "currency":
            return choices.currency_field(request, db_field)
        return super().formfield_for_dbfield(db_field, request, **options)

    def response_add(self, request: HttpRequest, obj: Any, *args: Any, **o: Any) -> Any:
        """Go to the balance."""
        response = super().response_add(request, obj, *args, **o)
        if "_continue" not in request.POST and "_popup" not in request.POST:
            response["Location"] = linking.back_to(request, obj.balance)
        return response


@admin.register(BalanceTransaction)
class BalanceTransactionAdmin(OfBalanceAdmin):
    """Credits and debits of balances: posted, never changed."""

    list_display = ["balance", "shown_amount", "transaction_type", "entity_type", "applied_date"]
    list_select_related = ["balance", "transaction_type"]
    list_filter = ["entity_type"]
    search_fields = ["balance__name", "balance__code", "description"]
    fields = [
        "balance", "amount", "description", "transaction_type", "applied_date",
        "transaction_date", "paid", "currency_paid",
    ]  # fmt: skip
    empty_hint = "A transaction adds credit to a balance, or takes some away with a minus sign."

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A transaction stays as it is; another one corrects it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A transaction stays."""
        return False

    def create_row(self, request: HttpRequest, row: BalanceTransaction, form: Any) -> None:
        """Post it on the ledger."""
        ledger.post(row, by=request.principal)

    def title_of(self, row: BalanceTransaction) -> str:
        """Amount and balance."""
        return f"{show.money(row.amount, row.balance.currency)} on {row.balance}"

    @display(description="Amount", ordering="amount")
    def shown_amount(self, row: BalanceTransaction) -> str:
        """The amount."""
        return show.right(show.money(row.amount, row.balance.currency))


class ScheduleAdmin(OfBalanceAdmin):
    """What pages of schedules share."""

    tells_all = True
    search_fields = ["name", "code", "balance__name", "balance__code"]

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Days are those of the organization's timezone."""
        choices.note_zone(request, rows)

    @display(description="Code", ordering="code")
    def shown_code(self, row: Any) -> str:
        """The code."""
        return show.code(row.code)

    @display(description="Next run", ordering="next_run")
    def next_day(self, row: Any) -> str:
        """The day it runs next."""
        return show.day(row.next_run, row.zone)

    @display(description="Latest run", ordering="previous_run")
    def latest_day(self, row: Any) -> str:
        """The day it ran last."""
        return show.day(row.previous_run, row.zone)


@admin.register(BalanceTransactionSchedule)
class TransactionScheduleAdmin(ScheduleAdmin):
    """Schedules that post the same transaction again and again."""

    list_display = ["name", "shown_code", "balance", "frequency", "latest_day", "next_day"]
    fields = [
        "balance", "name", "code", "amount", "transaction_description", "transaction_type",
        "start_date", "end_date", "frequency", "frequency_interval", "paid", "currency_paid",
        "custom_fields",
    ]  # fmt: skip
    empty_hint = (
        "A transaction schedule adds credit to a balance at its start and after every interval. A "
        "fee for it is billed by a charge schedule."
    )


@admin.register(BalanceChargeSchedule)
class ChargeScheduleAdmin(ScheduleAdmin):
    """Schedules that make a charge for each billing period."""

    autocomplete_fields = ["balance"]
    list_display = ["name", "shown_code", "balance", "bill_frequency", "latest_day", "next_day"]
    fields = [
        "balance", "name", "code", "currency", "amount", "units", "unit_price",
        "charge_description", "service_period_start_date", "service_period_end_date",
        "bill_frequency", "bill_frequency_interval", "bill_in_advance", "bill_epoch",
        "custom_fields",
    ]  # fmt: skip
    empty_hint = (
        "A charge schedule bills the fee of a balance, period by period. Changing it replaces the "
        "charges that no bill carries yet."
    )
