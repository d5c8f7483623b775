"""The page of external mappings: what our entities are called in systems outside (A8)."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from integrations.mappings.rules import ENTITIES
from integrations.models import ExternalMapping, IntegrationConfiguration
from integrations.systems import known
from organizations.kernel.console import linking, show
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.forms import ConsoleForm


def _offering(words: Any, **attributes: str) -> UnfoldAdminTextInputWidget:
    return UnfoldAdminTextInputWidget(
        attrs={"placeholder": ", ".join(words[:4]) + " …", **attributes}
    )


class MappingForm(ConsoleForm):
    """A mapping; names of systems and tables are free, the usual ones are named."""

    wire_names = {
        "m3terEntity": "entity",
        "m3terId": "entity_identity",
        "integrationConfigId": "configuration",
    }
    entity = forms.CharField(
        label="Our entity",
        max_length=60,
        widget=_offering(ENTITIES),
        help_text="What it is here: Account, Product, Bill and so on.",
    )
    external_system = forms.CharField(
        max_length=60,
        widget=_offering([system.name for system in known.SYSTEMS]),
        help_text="A system outside; one we do not know is taken as well.",
    )
    external_table = forms.CharField(
        max_length=100,
        widget=_offering(["Customer", "Invoice", "Product", "Subscription"]),
        help_text="The kind of record there, in its own words.",
    )


@admin.register(ExternalMapping)
class ExternalMappingAdmin(ConsoleModelAdmin):
    """Which record of a system outside an entity of ours is."""

    form = MappingForm
    list_display = [
        "entity", "ours", "external_system", "external_table", "theirs", "configuration",
    ]  # fmt: skip
    csv_display = [
        "entity",
        "entity_identity",
        "external_system",
        "external_table",
        "external_id",
        "configuration",
    ]
    list_select_related = ["configuration"]
    search_fields = ["entity_identity", "external_id"]
    fields = csv_display
    empty_hint = (
        "A mapping says which record of a system outside an account, a product or another entity "
        "is. Senders need one for each account; what they create there is added by themselves."
    )

    def get_form(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        """Offer the configurations the person may read."""
        form = super().get_form(request, obj, **options)
        if field := form.base_fields.get("configuration"):
            rows = IntegrationConfiguration.objects.for_organization(request.organization)
            field.queryset = linking.seen(request, rows).exclude(entity_type="Notification")
            field.label = "Only for the integration"
        return form

    @display(description="Our id", ordering="entity_identity")
    def ours(self, row: ExternalMapping) -> str:
        """The id."""
        return show.code(row.entity_identity)

    @display(description="Their id", ordering="external_id")
    def theirs(self, row: ExternalMapping) -> str:
        """The id there."""
        return show.code(row.external_id)
