"""Pages of the organization's details and configuration (C12)."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.widgets import UnfoldAdminSelectWidget

from organizations.kernel.console import choices, fields, show
from organizations.kernel.console.addresses import AddressField
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.fields import plain_text
from organizations.kernel.console.forms import ConsoleForm
from organizations.kernel.periods import region_names
from organizations.models import Organization, OrganizationConfig
from organizations.settings_rules import CREDIT_ORDERS, INTERVALS

TIMEZONES = region_names()


def _every(hours: Decimal) -> str:
    return f"Every {plain_text(hours)} hours" if hours else "Not scheduled"


def _order(words: list[str]) -> str:
    names = {"PREPAYMENT": "prepayments", "BALANCE": "balances"}
    if not words:
        return "Not set: first prepayments, then balances"
    first, *second = (names[word] for word in words)
    return f"First {first}, then {second[0]}" if second else f"Only {first}"


class OrganizationForm(ConsoleForm):
    """The organization's own facts."""

    address = AddressField(label="Address")


class ConfigForm(ConsoleForm):
    """Billing settings; conversions are a table."""

    scheduled_bill_interval = forms.TypedChoiceField(
        choices=[(plain_text(hours), _every(hours)) for hours in INTERVALS],
        coerce=Decimal,
        widget=UnfoldAdminSelectWidget,
    )

    timezone = forms.ChoiceField(
        choices=[(zone, zone) for zone in TIMEZONES], widget=UnfoldAdminSelectWidget
    )
    currency_conversions = fields.RowsField(
        required=False,
        columns=(
            fields.Column("from", "From"),
            fields.Column("to", "To"),
            fields.Column("multiplier", "Rate", "decimal"),
        ),
        add="Add rate",
        help_text="An amount in the first currency times the rate is the amount in the second.",
    )

    credit_application_order = forms.TypedChoiceField(
        choices=[(" ".join(words), _order(words)) for words in CREDIT_ORDERS],
        coerce=str.split,
        empty_value=[],
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="In which order credit pays bills. An account may say otherwise.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        order = self.initial.get("credit_application_order") or []
        self.initial["credit_application_order"] = " ".join(order)
        # 0.00 as it is stored is the choice 0.
        stored = self.initial.get("scheduled_bill_interval")
        self.initial["scheduled_bill_interval"] = plain_text(stored)
        # An offset such as UTC+1:00, set through the API, stays a choice.
        kept = {name for name in [self.instance.timezone] if name and name not in TIMEZONES}
        offered = [(name, name) for name in [*kept, *TIMEZONES]]
        self.fields["timezone"].choices = offered


class OneRowAdmin(ConsoleModelAdmin):
    """A page of the one row an organization has of a kind: neither added nor deleted."""

    is_single = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It is made with the organization."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It lives as long as the organization."""
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Open the one row."""
        only = self.get_queryset(request).first()
        if only is None or not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        return HttpResponseRedirect(show.address(only))


@admin.register(Organization)
class OrganizationAdmin(OneRowAdmin):
    """Who bills: name, address and tax id as they stand on every document."""

    form = OrganizationForm
    fieldsets = [
        (None, {"fields": ["name", "short_name", "address"]}),
        (
            "On documents",
            {
                "fields": [
                    "tax_id",
                    "purchase_order_number",
                    "invoice_general_reference",
                    "document_language",
                ]
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """The organization one works in, and no other."""
        return Organization.objects.filter(pk=request.organization.pk)


@admin.register(OrganizationConfig)
class OrganizationConfigAdmin(OneRowAdmin):
    """Billing settings."""

    form = ConfigForm
    fieldsets = [
        (None, {"fields": ["timezone", "currency", "currency_conversions"]}),
        ("Billing periods", {"fields": ["year_epoch", "month_epoch", "week_epoch", "day_epoch"]}),
        (
            "Bills",
            {
                "fields": [
                    "days_before_bill_due", "external_invoice_date", "suppressed_empty_bills",
                    "consolidate_bills", "bill_prefix", "sequence_start_number",
                    "auto_generate_statement_mode",
                ]
            },
        ),
        (
            "Scheduled billing and approval",
            {
                "fields": [
                    "scheduled_bill_interval", "scheduled_bill_offset",
                    "auto_approve_bills_grace_period", "auto_approve_bills_grace_period_unit",
                ]
            },
        ),
        (
            "Charges in advance",
            {
                "fields": [
                    "standing_charge_bill_in_advance", "minimum_spend_bill_in_advance",
                    "commitment_fee_bill_in_advance",
                ]
            },
        ),
        (
            "Plans, balances and credit",
            {
                "fields": [
                    "credit_application_order", "allow_negative_balances",
                    "allow_overlapping_plans",
                ]
            },
        ),
    ]  # fmt: skip

    def title_of(self, row: OrganizationConfig) -> str:
        """It is called the same everywhere."""
        return "Settings"

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Offer the organization's currencies."""
        if db_field.name == "currency":
            return choices.currency_field(request, db_field)
        return super().formfield_for_dbfield(db_field, request, **options)
