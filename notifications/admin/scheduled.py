"""The page of scheduled events."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from notifications import schedules
from notifications.models import ScheduledEventConfiguration
from organizations.kernel.console import show
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.forms import ConsoleForm
from organizations.kernel.wording import counted


class ScheduledForm(ConsoleForm):
    """An entity and one of its dates, picked from what there is."""

    entity = forms.ChoiceField(
        widget=UnfoldAdminSelectWidget, help_text="What has the date, as in Bill."
    )
    field = forms.ChoiceField(
        label="Date", widget=UnfoldAdminSelectWidget, help_text="One of the dates of that entity."
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        known = schedules.entities()
        if "entity" in self.fields:
            stored = {self.instance.entity.lower(): self.instance.entity}
            self.fields["entity"].choices = sorted(
                (stored.get(word, _wire(word, one.type)), one.model._meta.verbose_name.capitalize())
                for word, one in known.items()
            )
        if "field" in self.fields:
            fields = sorted(
                {name for one in known.values() for name in schedules.dated_fields(one.model)}
            )
            self.fields["field"].choices = [(name, name) for name in fields]


@admin.register(ScheduledEventConfiguration)
class ScheduledEventConfigurationAdmin(ConsoleModelAdmin):
    """Events some days before or after a date, for rules to be built upon (C10)."""

    form = ScheduledForm
    list_display = ["name", "entity", "field", "when", "shown_waiting"]
    search_fields = ["name"]
    fields = ["name", "entity", "field", "offset"]
    tells_all = True
    empty_hint = (
        "A scheduled event happens some days before or after a date, for example 5 days after a "
        "bill is due. Rules can be built upon it like upon any other event."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Count what is waiting in the list's one query."""
        waiting = Count("moments", filter=Q(moments__fired_at__isnull=True))
        return super().get_queryset(request).annotate(waiting=waiting)

    @display(description="When", ordering="offset")
    def when(self, row: ScheduledEventConfiguration) -> str:
        """In words."""
        if row.offset == 0:
            return "on the day"
        return f"{counted(abs(row.offset), 'days')} {'after' if row.offset > 0 else 'before'}"

    @display(description="To come")
    def shown_waiting(self, row: ScheduledEventConfiguration) -> str:
        """How many rows have their moment still before them."""
        return str(row.waiting) if row.planned_as else show.NOTHING


def _wire(word: str, kind: str) -> str:
    return kind[:1].upper() + kind[1:] if kind.lower() == word else word.capitalize()
