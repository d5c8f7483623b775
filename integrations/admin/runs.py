"""The page of integration runs: what was sent where, its log, and "run again" (C9)."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.decorators import action, display

from integrations.admin import run_history
from integrations.models import IntegrationRun, RunStatus
from integrations.runs import logs, replaying
from integrations.systems import known
from organizations.kernel import clock
from organizations.kernel.console import show
from organizations.kernel.console.base import ReadOnlyConsoleAdmin
from organizations.kernel.console.confirming import confirmed
from organizations.kernel.console.filters import RangeDateFilter
from organizations.kernel.wording import counted

COLOURS = {
    RunStatus.COMPLETE: "good",
    RunStatus.WAITING: "busy",
    RunStatus.STARTED: "busy",
    RunStatus.AWAITING_RETRY: "warn",
    RunStatus.RATE_LIMIT_RETRY: "warn",
}


BEYOND = "Left for another time: {}. Run them again when these are through."


@admin.register(IntegrationRun)
class IntegrationRunAdmin(ReadOnlyConsoleAdmin):
    """Entities on their way to systems outside."""

    resource = "config:integrationRun"
    list_display = ["created_at", "what", "system", "shown_status", "error", "finished_at"]
    list_filter = ["status", ("created_at", RangeDateFilter)]
    search_fields = ["entity_id", "external_id"]
    actions = ["run_again"]
    list_before_template = "console/run_history.html"
    fields = [
        "what", "system", "shown_status", "error", "external_id", "url", "attempts_made",
        "created_at", "started_at", "finished_at", "next_attempt_at", "shown_log",
    ]  # fmt: skip
    readonly_fields = ["what", "system", "shown_status", "shown_log"]
    empty_hint = (
        "Each sending of a bill or another entity to a system outside is a run, with its status "
        "and its log."
    )

    def title_of(self, row: IntegrationRun) -> str:
        """What it is, and when it was: ids say nothing to people."""
        return f"{row.entity_type} to {self.system(row)}, {show.instant(row.created_at)}"

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add how runs ended on each of the last days."""
        return {"history": run_history.days(self.get_queryset(request), clock.now())}

    @display(description="What", ordering="entity_id")
    def what(self, row: IntegrationRun) -> str:
        """Kind and id of what is sent."""
        return format_html("{} {}", row.entity_type, show.code(row.entity_id))

    @display(description="System", ordering="destination")
    def system(self, row: IntegrationRun) -> str:
        """Where it is sent."""
        found = known.find(row.destination)
        return found.name if found else row.destination

    @display(description="Status", ordering="status")
    def shown_status(self, row: IntegrationRun) -> str:
        """A coloured word."""
        return show.label(row.get_status_display(), COLOURS.get(RunStatus(row.status), "bad"))

    @display(description="Log")
    def shown_log(self, row: IntegrationRun) -> str:
        """What was done and answered; kept for 28 days, without secrets."""
        return format_html('<pre class="bw-json">{}</pre>', logs.text_of(row) or show.NOTHING)

    @action(description="Run again", permissions=["operate"])
    @confirmed(
        "Run again",
        "What is there now is sent to the same system once more. Of each entity one new run is "
        "made; an invoice that is there already is changed, never made twice.",
    )
    def run_again(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Make new runs of those selected, newest first."""
        runs, beyond = replaying.newest(queryset)
        done, left = replaying.many(runs, by=request.principal, at=clock.now())
        if beyond:
            messages.warning(request, BEYOND.format(counted(beyond, "older runs")))
        if done:
            messages.success(request, f"On their way again: {counted(done, 'runs')}.")
        if left:
            messages.warning(
                request,
                f"Not run again: {counted(left, 'runs')}. A newer one is on its way, or the "
                "integration is disabled or deleted.",
            )
