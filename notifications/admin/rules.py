"""The page of rules: what they say, what they did lately, and trying them on real events (C10)."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, path
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from catalog.admin import calculating
from catalog.calculations import Type
from notifications import configurations, rules, trying
from notifications.models import EVERY_EVENT, NotificationConfiguration
from organizations.access import Rights
from organizations.kernel import event_types, events
from organizations.kernel.console import linking, show
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.forms import ConsoleForm
from organizations.models import Event

DAYS_SHOWN = 14
FIRED_SHOWN = 10
LONGEST_TRIED = 4000
COLOURS = {"fired": "good", "not fired": "", "failed": "bad"}


class RuleForm(ConsoleForm):
    """A rule; the type of event is picked from those there are."""

    wire_names = {
        "active": "is_active",
        "alwaysFireEvent": "always_fires",
        "eventName": "event_name",
    }
    event_name = forms.ChoiceField(label="Event", widget=UnfoldAdminSelectWidget)
    description = forms.CharField(widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}))
    calculation = calculating.CalculationField(
        "admin:rule_calculation",
        sends=("event_name",),
        required=False,
        help_text='True or false, as in new.status == "APPROVED" AND old.status != "APPROVED".',
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "event_name" in self.fields:
            request = getattr(self, "read_by", None)
            organization = getattr(request, "organization", None)
            known = (
                event_types.fields_for(organization.pk) if organization else event_types.fields()
            )
            self.fields["event_name"].choices = [
                (EVERY_EVENT, "every event"),
                *((name, name) for name in known),
            ]


@admin.register(NotificationConfiguration)
class NotificationConfigurationAdmin(ConsoleModelAdmin):
    """Rules: of events of one type, those that matter."""

    form = RuleForm
    list_display = ["name", "shown_code", "shown_event", "state", "fired_lately", "shown_error"]
    list_filter = ["is_active", "always_fires"]
    search_fields = ["name", "code", "event_name"]
    fields = [
        "name",
        "code",
        "description",
        "event_name",
        "is_active",
        "always_fires",
        "calculation",
    ]
    tells_all = True
    change_form_outer_after_template = "console/rule_activity.html"
    empty_hint = (
        "A rule picks the events that matter, for example every bill that is approved. What it "
        "finds is listed under events, and sent to the webhook destinations connected with it."
    )

    def get_urls(self) -> list[URLPattern]:
        """Add the check of the calculation editor."""
        check = self.admin_site.admin_view(self.calculation_view)
        return [path("calculation/", check, name="rule_calculation"), *super().get_urls()]

    def calculation_view(self, request: HttpRequest) -> JsonResponse:
        """Check a calculation about the type of event that is chosen in the form."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        known = event_types.fields_for(request.organization.pk)
        fields = known.get(request.POST.get("event_name", ""), {})
        return calculating.answer(request, rules.names_of(fields), Type.BOOLEAN)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Sum up in the list's one query."""
        return super().get_queryset(request).annotate(fired=Sum("activity__fired"))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Warn of a rule that never fires."""
        super().save_model(request, obj, form, change)
        if warning := configurations.warning(obj):
            messages.warning(request, warning)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> Any:
        """Add what it did lately, and what it makes of the latest events."""
        extra = {**(options.pop("extra_context", None) or {})}
        row = self.get_object(request, object_id)
        if row is not None and self.has_view_permission(request, row):
            extra |= _lately(request, row) | _tried(request, row)
        return super().change_view(request, object_id, *args, extra_context=extra, **options)

    @display(description="Code", ordering="code")
    def shown_code(self, row: NotificationConfiguration) -> str:
        """The code."""
        return show.code(row.code)

    @display(description="Event", ordering="event_name")
    def shown_event(self, row: NotificationConfiguration) -> str:
        """The type of event."""
        return "every event" if row.event_name == EVERY_EVENT else row.event_name

    @display(description="State")
    def state(self, row: NotificationConfiguration) -> str:
        """Whether it can fire at all."""
        if not row.is_active:
            return show.label("inactive", "")
        if configurations.warning(row):
            return show.label("never fires", "warn")
        return show.label("active", "good")

    @display(description="Fired")
    def fired_lately(self, row: NotificationConfiguration) -> str:
        """How often, in the days that are remembered."""
        return str(row.fired or 0)

    @display(description="Last error")
    def shown_error(self, row: NotificationConfiguration) -> str:
        """When an event could not be evaluated."""
        return show.instant(row.last_error_at)


def _lately(request: HttpRequest, row: NotificationConfiguration) -> dict[str, Any]:
    told = Event.objects.for_organization(row.organization_id).filter(rule_id=row.pk)
    latest = list(
        linking.seen(request, events.kept(told)).order_by("-created_at", "-id")[:FIRED_SHOWN]
    )
    causes = linking.to_rows(request, Event, [each.cause_id for each in latest])
    return {
        "rule_days": row.activity.order_by("-day")[:DAYS_SHOWN],
        "rule_fired": [
            {
                "at": each.created_at,
                "name": each.payload["eventData"]["newDto"]["eventName"],
                "url": causes.get(each.cause_id, ""),
            }
            for each in latest
        ],
    }


def _tried(request: HttpRequest, row: NotificationConfiguration) -> dict[str, Any]:
    """Return the verdict about each of the latest events, of the rule or what was typed to try."""
    typed = request.GET.get("try")
    calculation = row.calculation if typed is None else typed[:LONGEST_TRIED]
    always = row.always_fires and typed is None
    wrong = ""
    if not always and calculation.strip() and row.event_name != EVERY_EVENT:
        known = event_types.fields_for(row.organization_id)
        if row.event_name in known:
            wrong = trying.for_type(row.organization_id, row.event_name, calculation)
    tried = trying.latest(Rights(request.principal), row.event_name, calculation, always=always)
    return {
        "rule_calculation": calculation,
        "rule_wrong": wrong,
        "rule_tried": [
            {
                "at": one.event.created_at,
                "name": one.event.name,
                "url": linking.to_row(request, one.event),
                "verdict": show.label(one.outcome.verdict, COLOURS[one.outcome.verdict]),
                "error": one.outcome.error,
            }
            for one in tried
        ],
    }
