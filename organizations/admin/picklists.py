"""Pages of the short lists others pick from: reasons, transaction types, grouping keys (C12)."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import action, display

from organizations.kernel import changes
from organizations.kernel.console import show, telling
from organizations.kernel.console.base import ConsoleModelAdmin
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


@admin.register(Currency)
class CurrencyAdmin(ArchivingAdmin):
    """Currencies to price and bill in (MON-1)."""

    strict_code = True
    list_display = ["code", "name", "max_decimal_places", "rounding_mode", "state"]
    search_fields = ["name", "code"]
    fields = ["name", "code", "max_decimal_places", "rounding_mode", "is_archived"]
    ordering = ("code", "pk")
    empty_hint = "Add the currencies you price and bill in."
