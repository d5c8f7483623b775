"""The page of alerts: what somebody should know or do."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.utils.text import Truncator
from unfold.decorators import action, display

from organizations import alerts
from organizations.admin import alert_subjects
from organizations.kernel import clock
from organizations.kernel.console import plain_words, show
from organizations.kernel.console.base import ReadOnlyConsoleAdmin
from organizations.kernel.console.filters import RangeDateFilter
from organizations.kernel.wording import counted
from organizations.models import Alert, AlertSeverity, AlertStatus

SEVERITY = {AlertSeverity.INFO: "", AlertSeverity.WARN: "warn", AlertSeverity.ERROR: "bad"}
PROGRESS = {AlertStatus.NEW: "busy", AlertStatus.IN_PROGRESS: "warn", AlertStatus.RESOLVED: "good"}


@admin.register(Alert)
class AlertAdmin(ReadOnlyConsoleAdmin):
    """What somebody should know or do; its status changes in the list and on its page (C10)."""

    resource = "config:event"
    list_display = [
        "shown_severity",
        "shown_description",
        "shown_type",
        "shown_status",
        "created_at",
    ]
    list_display_links = ["shown_description"]
    list_filter = ["status", "severity", ("created_at", RangeDateFilter)]
    search_fields = ["description", "type"]
    fields = ["shown_severity", "shown_status", "shown_type", "shown_description", "created_at",
              "modified_at", "account", "subject"]  # fmt: skip
    readonly_fields = ["shown_severity", "shown_status", "shown_type", "shown_description",
                       "account", "subject"]  # fmt: skip
    change_form_outer_before_template = "console/alert_status.html"
    actions = ["mark_new", "mark_in_progress", "mark_resolved"]
    empty_hint = (
        "Alerts tell of bills made, accounts that could not be billed and "
        "destinations that stopped answering."
    )

    def title_of(self, row: Alert) -> str:
        """Its first words."""
        return Truncator(plain_words.in_words(row.description)).words(10)

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """Look up what it is about."""
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            alert_subjects.add(request, row)
        return row

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> Any:
        """Offer the other states, or take one."""
        row = self.get_object(request, object_id)
        if row is None or not self.has_operate_permission(request, row):
            return super().change_view(request, object_id, *args, **options)
        if request.method == "POST":
            return self._take(request, row)
        others = [(value, words.lower()) for value, words in AlertStatus.choices]
        extra = {**(options.pop("extra_context", None) or {})}
        extra["other_states"] = [one for one in others if one[0] != row.status]
        return super().change_view(request, object_id, *args, extra_context=extra, **options)

    def _take(self, request: HttpRequest, row: Alert) -> HttpResponse:
        wanted = request.POST.get("mark", "")
        if wanted not in AlertStatus.values:
            return HttpResponseBadRequest("There is no such state.")
        self._mark(request, Alert.objects.filter(pk=row.pk), AlertStatus(wanted))
        return HttpResponseRedirect(show.address(row))

    @display(description="Description", ordering="description")
    def shown_description(self, row: Alert) -> str:
        """All of it, in the console's words."""
        return plain_words.in_words(row.description)

    @display(description="Type", ordering="type")
    def shown_type(self, row: Alert) -> str:
        """Its kind in words."""
        return row.type.replace("_", " ").capitalize()

    @display(description="Account")
    def account(self, row: Alert) -> str:
        """The account it tells of."""
        return row.account_link

    @display(description="About")
    def subject(self, row: Alert) -> str:
        """The bill job, or whatever else it tells of."""
        return row.subject_link

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
        changed = alerts.mark(queryset, status, at=clock.now())
        words = counted(changed, "alerts")
        messages.success(request, f"{words} marked as {status.label.lower()}.")
