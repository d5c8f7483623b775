"""The page of credentials: what they consist of goes in and never comes out (A7, C9)."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from integrations import credentials
from integrations.models import IntegrationCredential
from integrations.systems import known, oauth, trying
from integrations.systems.base import TryAgain
from organizations.kernel import clock
from organizations.kernel.console import show, telling
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.forms import ConsoleForm
from organizations.kernel.errors import DomainError

NOTHING = ("", "---------")
KINDS = [*sorted(credentials.KINDS), credentials.OAUTH]
# Every detail of every kind, once: a key has the same meaning wherever it stands.
DETAILS = {one.key: one for kind in KINDS for one in credentials.details(kind)}


def _label(kind: str) -> str:
    names = ", ".join(one.label for one in credentials.details(kind))
    if kind == credentials.OAUTH:
        return f"Consent given at the system ({names}, then Connect)"
    return f"{kind.replace('_', ' ').capitalize()} ({names})"


def _field(detail: credentials.Detail) -> forms.CharField:
    secret = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
    return forms.CharField(
        label=detail.label,
        required=False,
        max_length=credentials.LONGEST,
        widget=secret if detail.is_secret else UnfoldAdminTextInputWidget(),
    )


class CredentialForm(ConsoleForm):
    """A credential; which details it needs depends on its kind."""

    type = forms.ChoiceField(
        label="Kind",
        choices=[NOTHING, *((kind, _label(kind)) for kind in KINDS)],
        widget=UnfoldAdminSelectWidget,
        help_text="Fill in the details named in brackets; the others stay empty.",
    )
    destination = forms.ChoiceField(
        label="System",
        choices=[NOTHING, *((one.identifier, one.name) for one in known.SYSTEMS)],
        widget=UnfoldAdminSelectWidget,
    )
    locals().update({f"detail_{key}": _field(one) for key, one in DETAILS.items()})
    wire_names = {key: f"detail_{key}" for key in DETAILS}


@admin.register(IntegrationCredential)
class IntegrationCredentialAdmin(ConsoleModelAdmin):
    """What we prove to systems outside who we are with; made and deleted, never edited."""

    form = CredentialForm
    list_display = ["shown_name", "system", "type", "state", "created_at"]
    search_fields = ["name"]
    actions_detail = ["connect", "send_test"]
    empty_hint = (
        "A credential is what a system outside knows us by. An integration names the one it "
        "sends with; what it consists of is never shown again."
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for details while it is made; afterwards nobody sees them."""
        if obj is not None:
            shown = ["name", "system", "type", "state", "owner"]
            return [(None, {"fields": shown})]
        details = [f"detail_{key}" for key in DETAILS]
        return [
            (None, {"fields": ["name", "destination", "type"]}),
            ("Details", {"fields": details}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Nothing of a credential is edited: another one takes its place."""
        return ["name", "system", "type", "state", "owner"] if obj is not None else []

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody edits credentials."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Add where people come back to from the page of a system."""
        connected = path(
            "connected/",
            self.admin_site.admin_view(self.connected_view),
            name="integration_connected",
        )
        return [connected, *super().get_urls()]

    def connected_view(self, request: HttpRequest) -> HttpResponse:
        """Take the consent that somebody comes back with from a system."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        try:
            row = oauth.arrive(
                request.organization.pk,
                request.GET.dict(),
                by=request.principal,
                back=_back(request),
                at=clock.now(),
            )
        except (DomainError, TryAgain) as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(show.list_address(IntegrationCredential))
        messages.success(request, f"Connected with {self.system(row)}.")
        return HttpResponseRedirect(show.address(row))

    def create_row(self, request: HttpRequest, row: IntegrationCredential, form: Any) -> None:
        """Make the credential; what is missing is refused at its field."""
        data = form.cleaned_data
        values = {key: data.get(f"detail_{key}") for key in DETAILS}
        values |= {"type": data["type"], "name": data["name"] or None}
        made = credentials.create(
            credentials.built(request.organization.pk, values, destination=data["destination"]),
            by=request.principal,
        )
        row.__dict__.update(made.__dict__)

    @action(description="Connect", permissions=["operate"], icon="link")
    def connect(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lead to the page of the system, where consent is given."""
        row = self.get_object(request, object_id)
        if row is None or not self.has_operate_permission(request, row):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if row.type != credentials.OAUTH:
            messages.info(request, "This kind of credential needs no consent; send a test.")
            return HttpResponseRedirect(show.address(row))
        try:
            away = oauth.leave(row, by=request.principal, back=_back(request), at=clock.now())
        except DomainError as refusal:
            telling.refused(request, refusal)
            return HttpResponseRedirect(show.address(row))
        return HttpResponseRedirect(away)

    @action(description="Send a test", permissions=["operate"], icon="send")
    def send_test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Make one harmless call with the credential, and tell whose account it is."""
        row = self.get_object(request, object_id)
        if row is None or not self.has_operate_permission(request, row):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        try:
            owner = trying.try_out(row)
        except DomainError as refusal:
            telling.refused(request, refusal)
        else:
            messages.success(request, f"It works: {owner}.")
        return HttpResponseRedirect(show.address(row))

    @display(description="Name", ordering="name")
    def shown_name(self, row: IntegrationCredential) -> str:
        """The name, or what it is for."""
        return str(row)

    @display(description="System")
    def system(self, row: IntegrationCredential) -> str:
        """The system it is for."""
        found = known.find(row.destination or "")
        return found.name if found else row.destination or show.NOTHING

    @display(description="State")
    def state(self, row: IntegrationCredential) -> str:
        """Whether it works."""
        if row.is_authorized:
            return show.label("connected", "good")
        return show.label("disconnected", "bad")


def _back(request: HttpRequest) -> str:
    """Return the address that systems send people back to; it is entered there once."""
    return request.build_absolute_uri(reverse("admin:integration_connected"))
