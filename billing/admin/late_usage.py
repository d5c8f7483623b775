"""The pages of late usage and of what is done with it by itself."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest
from unfold.decorators import action, display

from billing.admin import overview
from billing.late import deciding
from billing.models import (
    Bill,
    LateUsage,
    LateUsageCheck,
    LateUsageRule,
    LateUsageStatus,
)
from organizations.kernel.console import show
from organizations.kernel.console.base import ConsoleModelAdmin, ReadOnlyConsoleAdmin
from organizations.kernel.console.confirming import confirmed
from organizations.kernel.console.filters import (
    CurrencyFilter,
    OwnRelatedFilter,
    RangeDateFilter,
    WordFilter,
)
from organizations.kernel.periods import parse_timezone
from organizations.kernel.wording import counted

BILLS = ("config:retrieve", "billing:bill")
COLOURS = {"OPEN": "warn", "ACCEPTED": "busy", "IGNORED": "plain"}


class ChargedFilter(WordFilter):
    """Accepted late usage by whether a bill charges it."""

    title = "billing"
    parameter_name = "billing"
    options = (("charged", "On a bill"), ("waiting", "Waiting for the next bill"))

    def narrow(self, queryset: Any, word: str) -> Any:
        """Look at the bill that charges it."""
        return queryset.filter(status="ACCEPTED", charged_on__isnull=word == "waiting")


def amounts(request: HttpRequest, rows: QuerySet) -> dict[str, Any]:
    """Return a row a currency for the page that asks before something is decided."""
    found = LateUsage.objects.filter(pk__in=rows.values("pk")).values("currency").order_by()
    sums = found.annotate(count=Count("pk"), total=Sum("amount")).order_by("currency")
    return {
        "summary_titles": ("Currency", "Rows", "Amount"),
        "summary": [
            (row["currency"], row["count"], show.money(row["total"], row["currency"]))
            for row in sums
        ],
    }


@admin.register(LateUsage)
class LateUsageAdmin(ReadOnlyConsoleAdmin):
    """Usage that arrived for a period whose bill is locked."""

    list_display = ["description", "account", "period", "shown_units", "shown_amount", "state"]
    list_select_related = ["account", "bill"]
    list_filter = [
        "status",
        ChargedFilter,
        CurrencyFilter,
        ("account", OwnRelatedFilter),
        ("service_period_start", RangeDateFilter),
    ]
    search_fields = ["description", "product_name", "account__name", "account__code"]
    fields = ["description", "product_name", "account", "locked_bill", "period", "shown_units",
              "shown_amount", "shown_minimum", "state", "note", "charging_bill",
              "decided_at"]  # fmt: skip
    readonly_fields = ["locked_bill", "period", "shown_units", "shown_amount", "shown_minimum",
                       "state", "charging_bill"]  # fmt: skip
    actions = ["accept", "ignore"]
    change_list_template = "console/late_usage.html"
    empty_hint = (
        "Usage that arrives for a period whose bill is locked is listed here, with what it would "
        "have made. None has."
    )

    def title_of(self, row: LateUsage) -> str:
        """What it is, and when it was: ids say nothing to people."""
        return f"{row.description}, {show.instant(row.created_at)}"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Say what is open by currency, and whether usage adds up."""
        rows = self.get_queryset(request).filter(status=LateUsageStatus.OPEN)
        context = {"open_amounts": by_currency(rows), "law": law_sentence(request)}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def narrowed(self, request: HttpRequest, rows: QuerySet, action: str) -> QuerySet:
        """Leave out what belongs to bills that are denied: it tells of their amounts."""
        rows = super().narrowed(request, rows, action)
        if not request.permissions.denies_some(*BILLS):
            return rows
        bills = Bill.objects.for_organization(request.organization)
        return rows.filter(bill__in=request.permissions.not_denied(bills, *BILLS))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask for the row, and for its bill where some are denied."""
        if not super().has_view_permission(request, obj):
            return False
        if obj is None or not request.permissions.denies_some(*BILLS):
            return True
        bills = Bill.objects.filter(pk=obj.bill_id)
        return bool(request.permissions.not_denied(bills, *BILLS).exists())

    @action(description="Put on the next bill", permissions=["operate"])
    @confirmed(
        "Put on the next bill",
        "The next bill of each account charges these amounts, each as a line with its original "
        "service period; negative amounts are credits. They can be ignored until a bill has them.",
        details=amounts,
    )
    def accept(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Accept what is selected."""
        chosen = list(queryset.values_list("pk", flat=True))
        count = deciding.accept(chosen, by=request.principal)
        messages.success(request, f"For the next bill: {counted(count, 'rows')}.")

    @action(description="Ignore", permissions=["operate"])
    @confirmed(
        "Ignore",
        "These amounts are not charged and not given back. They stay listed as ignored, and can "
        "still be put on the next bill later.",
        details=amounts,
    )
    def ignore(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Ignore what is selected."""
        chosen = list(queryset.values_list("pk", flat=True))
        count = deciding.ignore(chosen, by=request.principal)
        messages.success(request, f"Ignored: {counted(count, 'rows')}.")

    @display(description="Service period", ordering="service_period_start")
    def period(self, row: LateUsage) -> str:
        """The first and the last day."""
        last = row.service_period_end - timedelta(microseconds=1)
        zone = parse_timezone(row.bill.timezone)
        return f"{show.day(row.service_period_start, zone)} – {show.day(last, zone)}"

    @display(description="Units")
    def shown_units(self, row: LateUsage) -> str:
        """How many units more or less."""
        return show.right(f"{show.amount(row.units)} {row.unit}".strip())

    @display(description="Amount", ordering="amount")
    def shown_amount(self, row: LateUsage) -> str:
        """What they would have made."""
        return show.right(show.money(row.amount, row.currency))

    @display(description="Of it minimum spend")
    def shown_minimum(self, row: LateUsage) -> str:
        """By how much the minimum spends of the locked bill would change."""
        return show.money(row.minimum_amount, row.currency)

    @display(description="State", ordering="status")
    def state(self, row: LateUsage) -> str:
        """A coloured word."""
        if row.charged_on_id is not None:
            return show.label("On a bill", "good")
        return show.label(row.get_status_display(), COLOURS[row.status])

    @display(description="Locked bill")
    def locked_bill(self, row: LateUsage) -> str:
        """The bill it belongs to."""
        return show.link(row.bill, overview.period(row.bill))

    @display(description="Charged on")
    def charging_bill(self, row: LateUsage) -> str:
        """The bill that charges it."""
        return (
            show.link(row.charged_on, overview.period(row.charged_on))
            if row.charged_on
            else show.NOTHING
        )


@admin.register(LateUsageRule)
class LateUsageRuleAdmin(ConsoleModelAdmin):
    """What is done with late usage by itself, by product."""

    list_display = ["shown_product", "action"]
    list_select_related = ["product"]
    list_filter = ["action"]
    autocomplete_fields = ["product"]
    fields = ["product", "action"]
    empty_hint = (
        "Without a rule late usage waits on its list until somebody decides. A rule puts the "
        "difference on the next bill, or ignores it: for one product, or for every other."
    )

    @display(description="Product")
    def shown_product(self, row: LateUsageRule) -> str:
        """The product, or every other one."""
        return row.product.name if row.product else "Every other product"


def by_currency(rows: QuerySet) -> list[str]:
    """Return the sum of each currency as text; one query."""
    sums = rows.order_by().values("currency").annotate(total=Sum("amount")).order_by("currency")
    return [show.money(row["total"] or Decimal(0), row["currency"]) for row in sums]


def law_sentence(request: HttpRequest) -> str:
    """Say whether what is stored is what was billed plus what is listed."""
    row = LateUsageCheck.objects.for_organization(request.organization).first()
    if row is None or row.compared_at is None:
        return "Usage was not compared with bills yet; that happens once a day."
    lines = counted(row.lines_checked, "charges")
    if row.lines_off:
        return f"{counted(row.lines_off, 'charges')} of {lines} on locked bills do not add up."
    return f"Stored usage is what was billed plus what is listed: {lines} on locked bills compared."
