"""Pages of the short lists others pick from: reasons, transaction types, grouping keys (C12)."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import action, display
from unfold.widgets import UnfoldBooleanSwitchWidget

from organizations.kernel import changes, iso4217
from organizations.kernel.console import show, telling
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.forms import ConsoleForm
from organizations.kernel.errors import DomainError
from organizations.models import (
    BillGroupingKey,
    CreditReason,
    Currency,
    DebitReason,
    TransactionType,
)


class ArchivingAdmin(ConsoleModelAdmin):
    """Rows that are archived rather than deleted: not offered any more, valid where used."""

    list_filter = ["is_archived"]
    actions = ["archive", "restore"]

    @display(description="State")
    def state(self, row: Any) -> str:
        """Archived rows are not offered any more."""
        return show.label("archived", "warn") if row.is_archived else show.label("in use", "good")

    @display(description="Code", ordering="code")
    def shown_code(self, row: Any) -> str:
        """The code."""
        return show.code(row.code)

    @action(description="Archive", permissions=["operate"])
    def archive(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Stop offering the selected rows."""
        self._set(request, queryset, is_archived=True)

    @action(description="Restore", permissions=["operate"])
    def restore(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Offer them again."""
        self._set(request, queryset, is_archived=False)

    def _set(self, request: HttpRequest, queryset: QuerySet, *, is_archived: bool) -> None:
        """Change each row that is not so yet; tell what was done, skipped and refused."""
        done = skipped = 0
        for row in queryset:
            if row.is_archived == is_archived:
                skipped += 1
                continue
            try:
                with changes.editing(row, by=request.principal) as changed:
                    changed.is_archived = is_archived
            except DomainError as refusal:
                telling.refused(request, refusal, str(row))
            else:
                done += 1
        word = "archived" if is_archived else "restored"
        messages.success(request, f"{done} {word}, {skipped} were so already.")


class PickListAdmin(ArchivingAdmin):
    """Name, code, archived or not."""

    strict_code = True
    list_display = ["name", "shown_code", "state", "modified_at"]
    search_fields = ["name", "code"]
    fields = ["name", "code", "is_archived"]


@admin.register(CreditReason)
class CreditReasonAdmin(PickListAdmin):
    """Why a credit stands on a bill."""

    empty_hint = "Credits on bills name a reason, for example Goodwill."


@admin.register(DebitReason)
class DebitReasonAdmin(PickListAdmin):
    """Why a debit stands on a bill."""

    empty_hint = "Debits on bills name a reason, for example Setup fee."


@admin.register(TransactionType)
class TransactionTypeAdmin(PickListAdmin):
    """What kind of transaction changed a balance."""

    empty_hint = "Transactions of balances have a type, for example Top-up."


@admin.register(BillGroupingKey)
class BillGroupingKeyAdmin(PickListAdmin):
    """Which charges share a bill."""

    list_display = ["name", "shown_code", "is_exclusive", "state", "modified_at"]
    fields = ["name", "code", "is_exclusive", "is_archived"]
    empty_hint = "Contracts with the same key share a bill; an exclusive key has one of its own."


class CurrencyForm(ConsoleForm):
    """A currency: its decimals may be left to its code, a code in other letters is asked about."""

    keep_code = forms.BooleanField(
        label="Keep the code as I typed it",
        required=False,
        widget=forms.HiddenInput,
        help_text="Capital and small letters make different currencies.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if places := self.fields.get("max_decimal_places"):
            places.required = False
            places.help_text = "Left empty: as many as the currency has, 2 for a code of your own."
            if not self.instance.pk:
                places.initial = self.initial["max_decimal_places"] = None

    def clean(self) -> dict[str, Any]:
        """Fill in the decimals, and ask before a code is kept that looks mistyped."""
        values = super().clean() or self.cleaned_data
        code = values.get("code")
        if code and not self.errors and values.get("max_decimal_places") is None:
            values["max_decimal_places"] = iso4217.decimals(code)
        meant = iso4217.meant_by(code) if code and code != self.instance.code else None
        if meant and not values.get("keep_code"):
            self.fields["keep_code"].widget = UnfoldBooleanSwitchWidget()
            self.add_error(
                "code",
                f"{code} is not the currency {meant}: codes are compared letter by letter. Write "
                f"{meant}, or tick below that you want a currency of your own called {code}.",
            )
        return values


@admin.register(Currency)
class CurrencyAdmin(ArchivingAdmin):
    """Currencies to price and bill in (MON-1)."""

    strict_code = True
    list_display = ["code", "name", "max_decimal_places", "rounding_mode", "state"]
    search_fields = ["name", "code"]
    form = CurrencyForm
    fields = ["name", "code", "keep_code", "max_decimal_places", "rounding_mode", "is_archived"]
    ordering = ("code", "pk")
    empty_hint = "Add the currencies you price and bill in."

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask about the letters of a code only where one can be typed."""
        names = super().get_fields(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return names
        return [name for name in names if name != "keep_code"]
