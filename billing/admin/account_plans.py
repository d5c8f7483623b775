"""The page of account plans: attach a plan, and end the one it takes the place of (C7)."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldBooleanSwitchWidget

from billing import account_plans
from billing.admin import overview
from billing.models import AccountPlan
from organizations.kernel import changes, clock
from organizations.kernel.console import choices, linking, show
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.filters import OwnRelatedFilter, WordFilter
from organizations.kernel.console.forms import ConsoleForm


class AccountPlanForm(ConsoleForm):
    """A plan on an account; when attaching, one may end the present plan of the product."""

    replaces = forms.BooleanField(
        required=False,
        label="Replace the present plan",
        widget=UnfoldBooleanSwitchWidget,
        help_text="Ends the account's plan of the same product where this one begins.",
    )

    def clean(self) -> dict[str, Any]:
        """Ask for either a plan or a plan group, in the words of the form."""
        cleaned = super().clean()
        if "plan" in self.fields and bool(cleaned.get("plan")) == bool(cleaned.get("plan_group")):
            raise ValidationError("Choose either a plan or a plan group.")
        return cleaned


class StateFilter(WordFilter):
    """Account plans of the past, of now, or of the future."""

    title = "state"
    parameter_name = "state"
    options = (("active", "Active"), ("pending", "Pending"), ("past", "Past"))

    def narrow(self, queryset: Any, word: str) -> Any:
        """Compare start and exclusive end with now."""
        now = clock.now()
        is_past = Q(end_date__isnull=False, end_date__lte=now)
        if word == "past":
            return queryset.filter(is_past)
        if word == "pending":
            return queryset.filter(start_date__gt=now)
        return queryset.filter(start_date__lte=now).exclude(is_past)


@admin.register(AccountPlan)
class AccountPlanAdmin(ConsoleModelAdmin):
    """Plans attached to accounts."""

    form = AccountPlanForm
    list_display = ["account", "attached", "product", "starts", "ends", "state"]
    list_select_related = ["account", "plan", "plan_group", "product"]
    list_filter = [
        StateFilter,
        ("plan", OwnRelatedFilter),
        ("plan_group", OwnRelatedFilter),
    ]
    search_fields = [
        "account__name",
        "account__code",
        "plan__name",
        "plan__code",
        "plan_group__name",
        "code",
    ]
    autocomplete_fields = ["account", "plan", "plan_group"]
    ordering = ("-start_date", "-pk")
    empty_hint = "Attach a plan, or a plan group, to an account, and its usage is billed."

    def title_of(self, row: AccountPlan) -> str:
        """Account and plan by name."""
        return f"{row.account} on {row.plan or row.plan_group}"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Replacing is asked when attaching only."""
        first = ["account", "plan", "plan_group", "start_date", "end_date"]
        more = ["bill_epoch", "code", "custom_fields"]
        self.fieldsets = [
            (None, {"fields": first if obj else [*first, "replaces"]}),
            ("More", {"fields": more}),
        ]
        return super().get_fieldsets(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Account and plan cannot be changed later."""
        fixed = ["account", "plan", "plan_group"] if obj else []
        return [*super().get_readonly_fields(request, obj), *fixed]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Start with the first of this month."""
        start = choices.month_begins(request)
        return {"start_date": start, **super().get_changeform_initial_data(request)}

    def create_row(self, request: HttpRequest, row: AccountPlan, form: Any) -> None:
        """Attach the plan, in place of the present one when asked."""
        if row.plan is not None:
            row.product = row.plan.plan_template.product
        asked = row.product_id is not None and form.cleaned_data.get("replaces")
        present = _present(row) if asked else None
        if present is None:
            changes.create(row, by=request.principal)
        else:
            account_plans.replace(present, row, by=request.principal)

    def response_add(self, request: HttpRequest, obj: AccountPlan, *args: Any, **o: Any) -> Any:
        """Go to the account."""
        response = super().response_add(request, obj, *args, **o)
        if "_continue" not in request.POST and "_popup" not in request.POST:
            response["Location"] = linking.back_to(request, obj.account)
        return response

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Days are those of the organization's timezone."""
        choices.note_zone(request, rows)

    @display(description="Plan or plan group")
    def attached(self, row: AccountPlan) -> str:
        """What is attached."""
        return f"{row.plan}" if row.plan_id else f"{row.plan_group} (plan group)"

    @display(description="From", ordering="start_date")
    def starts(self, row: AccountPlan) -> str:
        """First day."""
        return show.day(row.start_date, row.zone)

    @display(description="Until", ordering="end_date")
    def ends(self, row: AccountPlan) -> str:
        """Exclusive end."""
        return show.day(row.end_date, row.zone)

    @display(description="State")
    def state(self, row: AccountPlan) -> str:
        """Past, active or pending."""
        return show.label(*overview.state_of(row))


def _present(row: AccountPlan) -> AccountPlan | None:
    """Return the account's plan of the same product at the start of the new one."""
    return (
        AccountPlan.objects.filter(
            account_id=row.account_id, product_id=row.product_id, start_date__lt=row.start_date
        )
        .exclude(end_date__lte=row.start_date)
        .order_by("-start_date", "-pk")
        .first()
    )
