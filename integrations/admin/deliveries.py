"""The page of deliveries: what was sent where, each attempt, and "send again"."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from unfold.decorators import action, display

from integrations import resending
from integrations.models import Delivery, DeliveryStatus
from organizations.kernel import clock, exact_json
from organizations.kernel.console import show, telling
from organizations.kernel.console.base import ReadOnlyConsoleAdmin
from organizations.kernel.console.filters import OwnRelatedFilter, RangeDateFilter
from organizations.kernel.errors import DomainError
from organizations.kernel.wording import counted

COLOURS = {
    DeliveryStatus.COMPLETE: "good",
    DeliveryStatus.ERROR: "bad",
    DeliveryStatus.DISABLED: "bad",
    DeliveryStatus.AWAITING_RETRY: "warn",
    DeliveryStatus.RATE_LIMIT_RETRY: "warn",
}


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyConsoleAdmin):
    """Events on their way to webhook destinations."""

    resource = "config:webhookDestination"
    list_display = [
        "event_name",
        "destination",
        "shown_status",
        "attempts_made",
        "next_try",
        "created_at",
    ]
    list_select_related = ["destination"]
    list_filter = ["status", ("destination", OwnRelatedFilter), ("created_at", RangeDateFilter)]
    search_fields = ["event_name", "destination__name", "destination__code"]
    actions = ["send_again"]
    fields = ["event_name", "destination", "shown_status", "error", "attempts_made", "next_try",
              "created_at", "finished_at", "event_id", "attempt_log", "shown_body"]  # fmt: skip
    readonly_fields = ["shown_status", "next_try", "attempt_log", "shown_body"]
    empty_hint = (
        "What a rule finds is delivered to the webhook destinations connected with it; each "
        "delivery is listed here."
    )

    def title_of(self, row: Delivery) -> str:
        """What it is, and when it was: ids say nothing to people."""
        return f"{row.event_name}, {show.instant(row.created_at)}"

    @display(description="Status", ordering="status")
    def shown_status(self, row: Delivery) -> str:
        """A coloured word."""
        return show.label(row.get_status_display(), COLOURS.get(row.status, "busy"))

    @display(description="Next attempt")
    def next_try(self, row: Delivery) -> str:
        """When it is tried next."""
        return show.instant(row.next_attempt_at)

    @display(description="Attempts")
    def attempt_log(self, row: Delivery) -> str:
        """Each request and what came back."""
        attempts = row.attempts.order_by("number")
        return render_to_string("console/attempts.html", {"attempts": attempts})

    @display(description="Body")
    def shown_body(self, row: Delivery) -> str:
        """The frozen bytes, as JSON."""
        return show.json_block(exact_json.loads(bytes(row.body)))

    @action(description="Send again", permissions=["operate"])
    def send_again(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Send the same bytes under the same id again."""
        sent = 0
        for row in queryset:
            try:
                resending.send_again(row, by=request.principal, at=clock.now())
                sent += 1
            except DomainError as refusal:
                telling.refused(request, refusal, row.event_name)
        if sent:
            messages.success(request, f"Sent again: {counted(sent, 'deliveries')}.")
