"""The page of accounts: overview with usage, plans and bills above the form (C7)."""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from unfold.decorators import display

from billing.admin import overview, statements, visits
from billing.models import Account, AccountPlan
from organizations.kernel.console import choices, show
from organizations.kernel.console.addresses import AddressField
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.filters import WordFilter
from organizations.kernel.console.forms import ConsoleForm


class AccountForm(ConsoleForm):
    """An account; its address is a handful of lines."""

    address = AddressField(label="Address")


class ParentFilter(admin.SimpleListFilter):
    """Accounts by their place in a family."""

    title = "family"
    parameter_name = "family"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Children, or those that are not."""
        return [("child", "Child accounts"), ("top", "No parent")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Narrow."""
        if self.value() is None:
            return queryset
        return queryset.filter(parent_account__isnull=self.value() == "top")


class PlanFilter(WordFilter):
    """Accounts that no plan was ever attached to: what they use is not billed."""

    title = "plan"
    parameter_name = "plan"
    options = (("none", "Without a plan"), ("some", "With a plan"))

    def narrow(self, queryset: Any, word: str) -> Any:
        """Ask for rows of account plans, past and future ones included."""
        attached = Exists(AccountPlan.objects.filter(account_id=OuterRef("pk")))
        narrowing = {"some": attached, "none": ~attached}.get(word)
        return queryset if narrowing is None else queryset.filter(narrowing)


@admin.register(Account)
class AccountAdmin(ConsoleModelAdmin):
    """Customers who send usage and receive bills."""

    form = AccountForm
    tells_all = True
    list_display = [
        "name",
        "shown_code",
        "email_address",
        "parent_account",
        "currency",
        "created_at",
    ]
    list_select_related = ["parent_account"]
    list_filter = [ParentFilter, "is_autocreated", PlanFilter]
    search_fields = ["name", "code", "email_address"]
    autocomplete_fields = ["parent_account"]
    change_form_outer_before_template = "console/account_overview.html"
    fieldsets = [
        (None, {"fields": ["name", "code", "email_address", "parent_account"]}),
        (
            "Billing",
            {
                "fields": [
                    "currency", "bill_epoch", "days_before_bill_due", "purchase_order_number",
                    "document_language", "bills_by_email", "bill_email_addresses",
                ]
            },
        ),
        (
            "Statements",
            {"fields": ["statement_definition_id", "auto_generate_statement_mode"]},
        ),
        ("More", {"fields": ["address", "custom_fields"]}),
    ]  # fmt: skip
    empty_hint = (
        "An account is a customer. Its code is what measurements name; usage for an unknown "
        "code makes a bare account by itself."
    )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Offer the organization's currencies."""
        if db_field.name == "currency":
            return choices.currency_field(request, db_field)
        if db_field.name == "statement_definition_id":
            return statements.definition_choices(request, "The organization's")
        return super().formfield_for_dbfield(db_field, request, **options)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> Any:
        """Add the overview."""
        extra = {**(options.pop("extra_context", None) or {})}
        account = self.get_object(request, object_id)
        if account is not None and request.method == "GET":
            extra["overview"] = overview.of(request, account)
        answer = super().change_view(request, object_id, *args, extra_context=extra, **options)
        if account is not None and answer.status_code == 200:
            visits.note(request, account)
        return answer

    @display(description="Code", ordering="code")
    def shown_code(self, row: Account) -> str:
        """The code measurements name."""
        return show.code(row.code)
