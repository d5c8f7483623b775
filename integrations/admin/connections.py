"""The page of connections: which rule is sent to which webhook destination (C2)."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from integrations.models import NOTIFICATION, IntegrationConfiguration, WebhookDestination
from notifications.models import NotificationConfiguration
from organizations.kernel.console import linking, show
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.forms import ConsoleForm

MOST_CHOICES = 500


class ConnectionForm(ConsoleForm):
    """A rule and a destination."""

    wire_names = {
        "entityId": "entity_id",
        "destinationId": "destination_id",
        "enabled": "is_enabled",
    }
    entity_id = forms.UUIDField(label="Rule", widget=UnfoldAdminSelectWidget)
    destination_id = forms.UUIDField(label="Destination", widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        request = getattr(self, "read_by", None)
        for name, model in (
            ("entity_id", NotificationConfiguration),
            ("destination_id", WebhookDestination),
        ):
            if name in self.fields and request is not None:
                rows = model.objects.for_organization(request.organization)
                seen = linking.seen(request, rows).order_by("name")[:MOST_CHOICES]
                self.fields[name].widget.choices = [("", "---------")] + [
                    (str(row.pk), row.name) for row in seen
                ]


@admin.register(IntegrationConfiguration)
class IntegrationConfigurationAdmin(ConsoleModelAdmin):
    """Which rule is sent to which webhook destination or channel."""

    form = ConnectionForm
    list_display = ["name", "entity_type", "destination", "state", "created_at"]
    list_filter = ["is_enabled"]
    search_fields = ["name"]
    fields = ["name", "entity_id", "destination_id", "is_enabled"]
    empty_hint = "A connection sends what a rule finds to a webhook destination or a channel."

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Leave the ids to the form, which offers names."""
        return super().formfield_for_dbfield(db_field, request, **options)

    def prepare(self, request: HttpRequest, row: IntegrationConfiguration, form: Any) -> None:
        """Give it a name of its own where none was typed."""
        if row.name or row.entity_type != NOTIFICATION:
            return
        ids = (row.entity_id, row.destination_id)
        found = [
            model.objects.for_organization(request.organization).filter(pk=pk).first()
            for model, pk in zip((NotificationConfiguration, WebhookDestination), ids, strict=True)
        ]
        row.name = " to ".join(str(each) for each in found if each is not None)[:200] or None

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Show what this page can change."""
        return super().get_queryset(request).filter(entity_type=NOTIFICATION)

    @display(description="State")
    def state(self, row: IntegrationConfiguration) -> str:
        """Enabled or not."""
        return show.label("enabled", "good") if row.is_enabled else show.label("disabled", "bad")
