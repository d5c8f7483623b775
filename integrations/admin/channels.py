"""The page of channels: e-mail, Slack, PagerDuty and Opsgenie as destinations of rules."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldBooleanSwitchWidget,
)

from integrations import channels, destinations, dispatch
from integrations.models import Channel, Delivery, NotificationChannel, WebhookDestination
from organizations import mail
from organizations.kernel import clock
from organizations.kernel.console import linking, saving, show, telling
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.forms import ConsoleForm
from organizations.kernel.errors import DomainError

LATEST_DELIVERIES = 25
CHANNELS = [choice for choice in Channel.choices if choice[0] != Channel.WEBHOOK]


class ChannelForm(ConsoleForm):
    """A channel; which of the fields it needs depends on its kind."""

    wire_names = {"active": "is_active"}
    channel = forms.ChoiceField(
        label="Kind", choices=CHANNELS, widget=UnfoldAdminSelectWidget,
        help_text="It cannot be changed later.",
    )  # fmt: skip
    recipients = forms.CharField(
        label="E-mail addresses", required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="One a line. For e-mail only.",
    )  # fmt: skip
    secret = forms.CharField(
        label="Key or address", required=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Slack: the address of an incoming webhook. PagerDuty: the integration key of a "
        "service (Events API v2). Opsgenie: the key of an API integration. It is never shown "
        "again; empty keeps the one there is.",
    )  # fmt: skip
    is_in_europe = forms.BooleanField(
        label="Account in Europe", required=False, widget=UnfoldBooleanSwitchWidget,
        help_text="Opsgenie only.",
    )  # fmt: skip

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        if not self.instance._state.adding:  # it keeps its kind
            self.fields.pop("channel", None)

    def stored_value(self, name: str) -> Any:
        """Return what a field shows: addresses are kept in the url."""
        if name == "recipients":
            return "\n".join(channels.recipients(self.instance))
        if name == "is_in_europe":
            return self.instance.url == channels.EUROPE
        if name == "channel":
            return self.instance.channel if self.instance.url else CHANNELS[0][0]
        return super().stored_value(name)

    class Meta:
        model = NotificationChannel
        fields = ("name", "code", "is_active")


@admin.register(NotificationChannel)
class NotificationChannelAdmin(ConsoleModelAdmin):
    """Where people are told: by mail, in Slack, on call."""

    resource = "config:webhookDestination"
    form = ChannelForm
    list_display = ["name", "kind", "where", "state", "created_at"]
    list_filter = ["channel", "is_active"]
    search_fields = ["name", "code"]
    actions_detail = ["send_test", "switch"]
    change_form_outer_after_template = "console/deliveries.html"
    empty_hint = (
        "A channel tells people: by e-mail, in Slack, or on call by PagerDuty or Opsgenie. "
        "Connect a rule with it, and it is told each time the rule fires."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Leave webhooks to their own page."""
        return super().get_queryset(request).exclude(channel=Channel.WEBHOOK)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for what the kind needs; while it is made, for everything."""
        if obj is not None and not self.has_change_permission(request, obj):
            return [(None, {"fields": ["name", "code", "kind", "where", "state"]})]
        if obj is None:
            fields = ["name", "code", "channel", "recipients", "secret", "is_in_europe"]
        else:
            own = ["recipients"] if obj.channel == Channel.EMAIL else ["secret"]
            own += ["is_in_europe"] if obj.channel == Channel.OPSGENIE else []
            fields = ["name", "code", "kind", *own]
        return [(None, {"fields": [*fields, "is_active"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A channel keeps its kind."""
        if obj is not None and not self.has_change_permission(request, obj):
            return ["name", "code", "kind", "where", "state"]
        return ["kind"] if obj is not None else []

    def create_row(self, request: HttpRequest, row: NotificationChannel, form: Any) -> None:
        """Make the channel."""
        made = channels.create(
            request.organization.pk,
            self._wanted(row, form, form.cleaned_data["channel"]),
            by=request.principal,
            is_resolved=self._is_resolved(request),
        )
        row.__dict__.update(made.__dict__)
        if row.channel == Channel.EMAIL and not mail.is_set_up():
            messages.warning(request, "No mail is set up here: it would only be written to a log.")

    def update_row(self, request: HttpRequest, row: NotificationChannel, form: Any) -> None:
        """Change the channel."""
        stored = WebhookDestination.objects.get(pk=row.pk)
        changed = channels.update(
            stored,
            self._wanted(row, form, stored.channel),
            by=request.principal,
            version=saving.loaded_version(request),
            at=clock.now(),
            is_resolved=self._is_resolved(request),
        )
        row.version = changed.version

    def delete_model(self, request: HttpRequest, obj: NotificationChannel) -> None:
        """Delete it with its deliveries."""
        destinations.delete(WebhookDestination.objects.get(pk=obj.pk), by=request.principal)

    def _wanted(self, row: NotificationChannel, form: Any, channel: str) -> channels.Wanted:
        given = form.cleaned_data
        words = str(given.get("recipients") or "").splitlines()
        return channels.Wanted(
            channel=channel,
            name=row.name,
            recipients=tuple(dict.fromkeys(word.strip() for word in words if word.strip())),
            secret=str(given.get("secret") or "").strip(),
            code=row.code,
            is_active=row.is_active,
            is_in_europe=bool(given.get("is_in_europe")),
        )

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **options: Any
    ) -> HttpResponse:
        """Ask for Slack's host before the admin begins its transaction."""
        request.channel_refusal = None
        may = self.has_change_permission(request) or self.has_add_permission(request)
        if request.method == "POST" and may:
            stored = self.get_object(request, object_id) if object_id else None
            channel = stored.channel if stored else request.POST.get("channel", "")
            try:
                channels.check_target(channel, request.POST.get("secret", "").strip())
            except DomainError as refusal:
                request.channel_refusal = refusal
        return super().changeform_view(request, object_id, *args, **options)

    def _is_resolved(self, request: HttpRequest) -> bool:
        if request.channel_refusal is not None:
            raise request.channel_refusal
        return True

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> Any:
        """Add the latest deliveries."""
        extra = {**(options.pop("extra_context", None) or {})}
        if row := self.get_object(request, object_id):
            rows = linking.seen(request, Delivery.objects.filter(destination_id=row.pk))
            extra["deliveries"] = [
                {"row": each, "url": show.address(each)}
                for each in rows.order_by("-created_at", "-pk")[:LATEST_DELIVERIES]
            ]
            extra["deliveries_url"] = linking.to_list(
                request, Delivery, destination__id__exact=row.pk
            )
        return super().change_view(request, object_id, *args, extra_context=extra, **options)

    @action(description="Send a test", permissions=["operate"], icon="send")
    def send_test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send an event made for the purpose."""
        return self._do(
            request, object_id,
            lambda row: dispatch.send_test(row, by=request.principal, at=clock.now()),
            "A test is on its way.",
        )  # fmt: skip

    @action(description="Switch on or off", permissions=["operate"], icon="power_settings_new")
    def switch(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Activate or deactivate it."""
        return self._do(
            request, object_id,
            lambda row: destinations.activate(
                row, active=not row.is_active, by=request.principal, at=clock.now()
            ),
            "Switched.",
        )  # fmt: skip

    def _do(self, request: HttpRequest, object_id: str, work: Any, done: str) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None or not self.has_operate_permission(request, row):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        try:
            work(WebhookDestination.objects.get(pk=row.pk))
        except DomainError as refusal:
            telling.refused(request, refusal)
        else:
            messages.success(request, done)
        return HttpResponseRedirect(show.address(row))

    @display(description="Kind", ordering="channel")
    def kind(self, row: NotificationChannel) -> str:
        """The kind in words."""
        return row.get_channel_display()

    @display(description="Where")
    def where(self, row: NotificationChannel) -> str:
        """Addresses, or the host; never a key."""
        return ", ".join(channels.recipients(row)) or row.url.removeprefix("https://")

    @display(description="State")
    def state(self, row: NotificationChannel) -> str:
        """Active, inactive, or failing since."""
        if not row.is_active:
            return show.label((row.disabled_reason and "disabled") or "inactive", "bad")
        if row.failing_since:
            return show.label(f"failing since {show.day(row.failing_since)}", "warn")
        return show.label("active", "good")
