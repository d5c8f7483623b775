"""The page of webhook destinations (C9): secrets go in and never come out."""

import secrets
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from integrations import connections, destinations, dispatch, resending, signing
from integrations.admin.header_names import HeaderNamesField
from integrations.models import Channel, Delivery, WebhookDestination
from integrations.representations import MASK
from organizations.kernel import clock
from organizations.kernel.console import linking, saving, show, telling
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.forms import ConsoleForm
from organizations.kernel.errors import DomainError

LATEST_DELIVERIES = 25


class DestinationForm(ConsoleForm):
    """A destination; an empty secret means: keep it, or make one."""

    wire_names = {"active": "is_active", "credentials": "api_key"}
    secret = forms.CharField(
        required=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Signs each delivery. Empty: one is made for a new destination and shown once; "
        "an existing one keeps its secret.",
    )
    api_key = forms.CharField(
        label="API key", widget=UnfoldAdminTextInputWidget, help_text="Sent with each delivery."
    )

    header_names = HeaderNamesField(
        label="Header names",
        help_text="Only for receivers written for another scheme; what is signed stays the same.",
    )


@admin.register(WebhookDestination)
class WebhookDestinationAdmin(ConsoleModelAdmin):
    """Addresses that receive events."""

    form = DestinationForm
    list_display = ["name", "url", "state", "created_at"]
    list_filter = ["is_active"]
    search_fields = ["name", "code", "url"]
    actions_detail = ["send_test", "send_everything", "send_failed_again", "switch"]
    change_form_outer_after_template = "console/deliveries.html"
    fieldsets = [
        (None, {"fields": ["name", "code", "description", "url", "is_active"]}),
        ("Signature", {"fields": ["api_key", "secret", "credentials_name", "header_names"]}),
    ]
    empty_hint = (
        "A webhook destination is an address of yours. Rules connected with it decide what it "
        "is told."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Leave channels that people look at to their own page."""
        return super().get_queryset(request).filter(channel=Channel.WEBHOOK)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Texts in one line."""
        if db_field.name == "description":
            options["widget"] = UnfoldAdminTextInputWidget()
        return super().formfield_for_dbfield(db_field, request, **options)

    def create_row(self, request: HttpRequest, row: WebhookDestination, form: Any) -> None:
        """Make the destination; a secret made by us is shown once."""
        given = form.cleaned_data["secret"]
        secret = given or f"whsec_{_secret()}"
        made = destinations.create(
            request.organization.pk,
            self._wanted(row, secret),
            by=request.principal,
            is_resolved=self._is_resolved(request),
        )
        row.__dict__.update(made.__dict__)
        if not given:
            messages.warning(request, f"The secret, shown only now: {secret}")
        _warn_if_short(request, secret)

    def update_row(self, request: HttpRequest, row: WebhookDestination, form: Any) -> None:
        """Change it; a new secret signs at once, the old one beside it for a day."""
        secret = form.cleaned_data["secret"] or MASK
        destinations.update(
            row,
            self._wanted(row, secret),
            by=request.principal,
            version=saving.loaded_version(request),
            at=clock.now(),
            is_resolved=self._is_resolved(request),
        )
        if secret != MASK:
            _warn_if_short(request, secret)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **options: Any
    ) -> HttpResponse:
        """Ask for the host before the admin begins its transaction."""
        may = self.has_change_permission(request) or self.has_add_permission(request)
        if request.method == "POST" and may:
            try:
                destinations.check_target(request.POST.get("url", ""))
                request.console_target_refusal = None
            except DomainError as refusal:
                request.console_target_refusal = refusal
        return super().changeform_view(request, object_id, *args, **options)

    def _is_resolved(self, request: HttpRequest) -> bool:
        """Raise what was found wrong with the address before the transaction."""
        if request.console_target_refusal is not None:
            raise request.console_target_refusal
        return True

    def delete_model(self, request: HttpRequest, obj: WebhookDestination) -> None:
        """Delete it with its deliveries."""
        destinations.delete(obj, by=request.principal)

    def _wanted(self, row: WebhookDestination, secret: str) -> destinations.Wanted:
        return destinations.Wanted(
            name=row.name,
            description=row.description,
            url=row.url,
            api_key=row.api_key,
            secret=secret,
            code=row.code,
            is_active=row.is_active,
            credentials_name=row.credentials_name,
            header_names=row.header_names,
        )

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> Any:
        """Add the latest deliveries."""
        extra = {**(options.pop("extra_context", None) or {})}
        if row := self.get_object(request, object_id):
            extra["deliveries"] = [
                {"row": each, "url": show.address(each)}
                for each in linking.seen(request, row.deliveries.all()).order_by(
                    "-created_at", "-pk"
                )[:LATEST_DELIVERIES]
            ]
            extra["deliveries_url"] = linking.to_list(
                request, Delivery, destination__id__exact=row.pk
            )
        return super().change_view(request, object_id, *args, extra_context=extra, **options)

    @action(description="Send test event", permissions=["operate"], icon="send")
    def send_test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send an event made for the purpose."""
        return self._do(
            request,
            object_id,
            lambda row: dispatch.send_test(row, by=request.principal, at=clock.now()),
            "A test event is on its way.",
        )

    @action(description="Send every event", permissions=["operate"], icon="all_inclusive")
    def send_everything(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Connect it with the rule about every event."""
        return self._do(
            request,
            object_id,
            lambda row: connections.connect_with_everything(row, by=request.principal),
            "From now on every event is sent to it.",
        )

    @action(description="Send failed again", permissions=["operate"], icon="replay")
    def send_failed_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send every failed delivery again."""
        return self._do(
            request,
            object_id,
            lambda row: resending.send_again_failed(
                row, since=row.created_at, by=request.principal, at=clock.now()
            ),
            "Failed deliveries are on their way again.",
        )

    @action(description="Switch on or off", permissions=["operate"], icon="power_settings_new")
    def switch(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Activate or deactivate."""
        return self._do(
            request,
            object_id,
            lambda row: destinations.activate(
                row, active=not row.is_active, by=request.principal, at=clock.now()
            ),
            "Switched.",
        )

    def _do(self, request: HttpRequest, object_id: str, work: Any, done: str) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None or not self.has_operate_permission(request, row):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        try:
            work(row)
        except DomainError as refusal:
            telling.refused(request, refusal)
        else:
            messages.success(request, done)
        return HttpResponseRedirect(show.address(row))

    @display(description="State")
    def state(self, row: WebhookDestination) -> str:
        """Active, inactive, or failing since."""
        if not row.is_active:
            return show.label((row.disabled_reason and "disabled") or "inactive", "bad")
        if row.failing_since:
            return show.label(f"failing since {show.day(row.failing_since)}", "warn")
        return show.label("active", "good")


def _warn_if_short(request: HttpRequest, secret: str) -> None:
    if destinations.is_short(secret):
        messages.warning(
            request,
            f"The secret is shorter than {signing.ENOUGH_BYTES} bytes: somebody who has seen a "
            "delivery could guess it.",
        )


def _secret() -> str:
    import base64

    return base64.b64encode(secrets.token_bytes(32)).decode()
