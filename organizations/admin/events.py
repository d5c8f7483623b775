"""The page of events: what happened, as other systems see it, and what was followed up."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import action, display

from organizations import audit, event_kinds, event_reading
from organizations.access import Rights
from organizations.kernel import clock, events, ids
from organizations.kernel.console import linking, show
from organizations.kernel.console.base import ReadOnlyConsoleAdmin
from organizations.kernel.console.filters import RangeDateFilter
from organizations.kernel.wording import counted
from organizations.models import Event

MOST_AT_ONCE = 10_000


class KindFilter(admin.SimpleListFilter):
    """Notifications, failures and errors, apart from changes."""

    title = "kind"
    parameter_name = "kind"
    words: ClassVar[dict[str, str]] = {
        "Notification": "Notifications of rules",
        "IntegrationEvent": "Integration errors",
        "IngestValidationFailure": "Usage that was refused",
        "DataExportJobFailure": "Exports that failed",
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the kinds the API knows, in words."""
        return list(self.words.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Narrow to one kind."""
        value = self.value()
        return event_kinds.narrow(queryset, value) if value in self.words else queryset


class FollowedUpFilter(admin.SimpleListFilter):
    """What was marked as actioned is left out unless asked for (B5)."""

    title = "follow-up"
    parameter_name = "actioned"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return what there is beside what is open."""
        return [("yes", "Actioned"), ("all", "All")]

    def choices(self, changelist: Any) -> Any:
        """Call the list without this filter what it is."""
        for number, choice in enumerate(super().choices(changelist)):
            yield {**choice, "display": "Not actioned"} if number == 0 else choice

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Leave out what was marked; a row of an address is always found."""
        if self.value() == "all":
            return queryset
        return queryset.filter(actioned_at__isnull=self.value() != "yes")


@admin.register(Event)
class EventAdmin(ReadOnlyConsoleAdmin):
    """Committed changes as other systems see them."""

    resource = "config:event"
    list_display = ["name", "created_at", "dispatched", "shown_actioned"]
    list_filter = [KindFilter, FollowedUpFilter, ("created_at", RangeDateFilter)]
    actions = ["mark_as_actioned", "undo_actioned"]
    search_fields = ["name"]
    search_help_text = "Search by name, or by the id of an event, an entity or an account"
    fields = ["name", "created_at", "shown_actioned", "resource_id", "account_id", "cause",
              "shown_payload"]  # fmt: skip
    readonly_fields = ["shown_payload", "shown_actioned", "cause"]
    empty_hint = "Every change of configuration and bills records an event here, for 28 days."

    def title_of(self, row: Event) -> str:
        """What it is, and when it was: ids say nothing to people."""
        return f"{row.name}, {show.instant(row.created_at)}"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Events of the last 28 days only, deleted or not."""
        return events.kept(super().get_queryset(request))

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

    @display(description="Actioned")
    def shown_actioned(self, row: Event) -> str:
        """When it was followed up."""
        return show.instant(row.actioned_at)

    @display(description="Fired upon")
    def cause(self, row: Event) -> str:
        """The event a notification tells of."""
        return row.cause_link

    @action(description="Mark as actioned", permissions=["operate"])
    def mark_as_actioned(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Somebody has followed it up: it leaves the list."""
        self._mark(request, queryset.filter(actioned_at__isnull=True), is_actioned=True)

    @action(description="Undo mark as actioned", permissions=["operate"])
    def undo_actioned(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Back into the list."""
        self._mark(request, queryset.filter(actioned_at__isnull=False), is_actioned=False)

    def _mark(self, request: HttpRequest, rows: QuerySet, *, is_actioned: bool) -> None:
        chosen = list(rows.values_list("pk", flat=True)[:MOST_AT_ONCE])
        at = clock.now() if is_actioned else None
        changed = Event.objects.filter(pk__in=chosen, organization=request.organization).update(
            actioned_at=at
        )
        audit.record(
            request.principal,
            "markActioned" if is_actioned else "undoActioned",
            "config:event",
            chosen[0] if len(chosen) == 1 else None,
            difference={"events": [None, changed]},
        )
        words = counted(changed, "events")
        told = "marked as actioned" if is_actioned else "back in the list"
        messages.success(request, f"{words} {told}.")

    @display(description="Payload")
    def shown_payload(self, row: Event) -> str:
        """The payload as it was frozen, or what may be seen of it."""
        return show.json_block(row.shown_payload)

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """Look up what this person may see of the payload."""
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            rights = Rights(request.principal)
            row.shown_payload = event_reading.payloads(rights, [row])[row.pk]
            known = Event.objects.for_organization(row.organization_id).filter(pk=row.cause_id)
            upon = known.first() if row.cause_id else None
            address = linking.to_row(request, upon)
            row.cause_link = show.linked(address, upon.name) if address else show.NOTHING
        return row
