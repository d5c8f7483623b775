"""Pages of what happened: alerts for people, events for systems, the audit trail."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import action, display

from organizations.kernel import clock, ids
from organizations.kernel.console import names, show
from organizations.kernel.console.base import ReadOnlyConsoleAdmin
from organizations.kernel.console.filters import RangeDateFilter, WordFilter
from organizations.models import Alert, AlertSeverity, AlertStatus, AuditEntry, Event

SEVERITY = {AlertSeverity.INFO: "", AlertSeverity.WARN: "warn", AlertSeverity.ERROR: "bad"}
PROGRESS = {AlertStatus.NEW: "busy", AlertStatus.IN_PROGRESS: "warn", AlertStatus.RESOLVED: "good"}


@admin.register(Alert)
class AlertAdmin(ReadOnlyConsoleAdmin):
    """What somebody should know or do; its status is changed by actions (C10)."""

    resource = "config:event"
    list_display = ["shown_severity", "description", "type", "shown_status", "created_at"]
    list_display_links = ["description"]
    list_filter = ["status", "severity", ("created_at", RangeDateFilter)]
    search_fields = ["description", "type"]
    fields = ["shown_severity", "shown_status", "type", "description", "created_at", "modified_at",
              "account_id", "resource_id"]  # fmt: skip
    readonly_fields = ["shown_severity", "shown_status"]
    actions = ["mark_new", "mark_in_progress", "mark_resolved"]
    empty_hint = (
        "Alerts tell of bills made, accounts that could not be billed and "
        "destinations that stopped answering."
    )

    @display(description="Severity", ordering="severity")
    def shown_severity(self, row: Alert) -> str:
        """A coloured word."""
        return show.label(row.get_severity_display(), SEVERITY[row.severity])

    @display(description="Status", ordering="status")
    def shown_status(self, row: Alert) -> str:
        """A coloured word."""
        return show.label(row.get_status_display(), PROGRESS[row.status])

    @action(description="Mark as new", permissions=["operate"])
    def mark_new(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Back to the start."""
        self._mark(request, queryset, AlertStatus.NEW)

    @action(description="Mark as in progress", permissions=["operate"])
    def mark_in_progress(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Somebody looks after it."""
        self._mark(request, queryset, AlertStatus.IN_PROGRESS)

    @action(description="Mark as resolved", permissions=["operate"])
    def mark_resolved(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Done."""
        self._mark(request, queryset, AlertStatus.RESOLVED)

    def _mark(self, request: HttpRequest, queryset: QuerySet, status: AlertStatus) -> None:
        changed = queryset.exclude(status=status).update(status=status, modified_at=clock.now())
        messages.success(request, f"{changed} alerts marked as {status.label.lower()}.")


@admin.register(Event)
class EventAdmin(ReadOnlyConsoleAdmin):
    """Committed changes as other systems see them."""

    resource = "config:event"
    list_display = ["name", "created_at", "dispatched"]
    list_filter = [("created_at", RangeDateFilter)]
    search_fields = ["name"]
    search_help_text = "Search by name, or by the id of an event, an entity or an account"
    fields = ["name", "created_at", "resource_id", "account_id", "shown_payload"]
    readonly_fields = ["shown_payload"]
    empty_hint = "Every change of configuration and bills records an event here."

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """An id finds the event, and what happened to an entity or account."""
        if wanted := ids.parse(search_term.strip().lower()):
            return (
                queryset.filter(pk=wanted)
                | queryset.filter(resource_id=wanted)
                | queryset.filter(account_id=wanted)
            ), False
        return super().get_search_results(request, queryset, search_term)

    @display(description="Sent on", boolean=True)
    def dispatched(self, row: Event) -> bool:
        """Whether destinations have been told."""
        return row.dispatched_at is not None

    @display(description="Payload")
    def shown_payload(self, row: Event) -> str:
        """The payload as it was frozen."""
        return show.json_block(row.payload)


class ActionFilter(WordFilter):
    """What was done; the words are given, because asking a long trail for them takes long."""

    title = "action"
    parameter_name = "action"
    options = (("created", "Created"), ("updated", "Updated"), ("deleted", "Deleted"))

    def narrow(self, queryset: Any, word: str) -> Any:
        """Compare the action."""
        return queryset.filter(action=word)


class PrincipalFilter(WordFilter):
    """Whether a person, a service user or the system did it."""

    title = "who"
    parameter_name = "who"
    options = (("USER", "People"), ("SERVICE_USER", "Service users"), ("SYSTEM", "Billwright"))

    def narrow(self, queryset: Any, word: str) -> Any:
        """Compare the kind of principal."""
        return queryset.filter(principal_kind=word)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyConsoleAdmin):
    """Who did what to which row (C14)."""

    resource = "audit:entry"
    view_action = "audit:retrieve"
    list_display = ["at", "who", "action", "resource", "entity_id", "field_list"]
    list_filter = [("at", RangeDateFilter), ActionFilter, PrincipalFilter, "is_allowed"]
    search_fields = ["resource", "request_id"]
    search_help_text = "Search by resource, request id, or the id of an entity or a person"
    ordering = ("-pk",)
    fields = ["at", "who", "principal_kind", "action", "resource", "entity_id", "source_address",
              "request_id", "is_allowed", "shown_difference"]  # fmt: skip
    readonly_fields = ["who", "shown_difference"]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """An id finds what happened to an entity and what a person did."""
        if wanted := ids.parse(search_term.strip().lower()):
            return (queryset.filter(entity_id=wanted) | queryset.filter(principal_id=wanted)), False
        if search_term.strip().isdigit():
            return queryset.filter(pk=int(search_term)), False
        return super().get_search_results(request, queryset, search_term)

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Look up the people."""
        known = names.of(row.principal_id for row in rows)
        for row in rows:
            row.principal_name = known.get(row.principal_id, "")

    @display(description="Who")
    def who(self, row: AuditEntry) -> str:
        """The person, service user or system."""
        if not hasattr(row, "principal_name"):
            row.principal_name = names.of([row.principal_id]).get(row.principal_id, "")
        return row.principal_name or str(row.principal_id or show.NOTHING)

    @display(description="Fields")
    def field_list(self, row: AuditEntry) -> str:
        """Which fields changed."""
        if row.action != "updated":
            return ""
        told = {"version", "dtLastModified", "lastModifiedBy"}
        return ", ".join(key for key in row.difference if key not in told)

    @display(description="Difference")
    def shown_difference(self, row: AuditEntry) -> str:
        """Field by field, before and after."""
        from django.template.loader import render_to_string

        pairs = [(key, *_before_after(pair)) for key, pair in row.difference.items()]
        return render_to_string("console/difference.html", {"pairs": pairs})


def _before_after(pair: Any) -> tuple[str, str]:
    before, after = pair if isinstance(pair, list) and len(pair) == 2 else (None, pair)
    return _text(before), _text(after)


def _text(value: Any) -> str:
    from organizations.kernel import exact_json

    if value is None or value == "":
        return show.NOTHING
    return value if isinstance(value, str) else exact_json.dumps(value).decode()
