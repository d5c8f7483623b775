"""The page of integrations: systems outside, what is set up for each, and how it goes (C9)."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path
from unfold.decorators import action, display

from integrations.admin import run_history, runs, system_forms
from integrations.models import (
    NOTIFICATION,
    IntegrationConfiguration,
    IntegrationCredential,
    IntegrationRun,
    RunStatus,
    SystemIntegration,
)
from integrations.runs import enabling, replaying, sandbox, sending_now
from integrations.systems import known, registry, trying, values
from organizations.kernel import changes, clock
from organizations.kernel.console import linking, saving, show, telling
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.confirming import confirmed
from organizations.kernel.errors import DomainError
from organizations.kernel.wording import counted

LATEST_RUNS = 10
ENTITIES = {"Account": "accounts", "Bill": "bills", "Contract": "contracts",
            "Commitment": "prepayments", "Balance": "balances"}  # fmt: skip
CATEGORIES = (known.RECEIVABLES, known.CRM, known.MARKETPLACE)


@admin.register(SystemIntegration)
class SystemIntegrationAdmin(ConsoleModelAdmin):
    """What is sent to which system."""

    resource = "config:integrationConfiguration"
    list_display = ["shown_name", "system", "entity_type", "state", "created_at"]
    list_filter = ["is_enabled", "entity_type"]
    search_fields = ["name"]
    actions = ["run_failed_again"]
    actions_detail = ["try_out", "send_newest", "switch"]
    list_before_template = "console/systems.html"
    change_form_outer_after_template = "console/integration_runs.html"
    empty_hint = "Choose a system above: what it asks for is on its page."

    class Media:
        js = ("console/live_choices.js",)

    def get_urls(self) -> list[URLPattern]:
        """Add the choices that a system has for one of its settings."""
        choices = path(
            "choices/<str:system>/<str:option>/",
            self.admin_site.admin_view(self.choices_view),
            name="integration_choices",
        )
        return [choices, *super().get_urls()]

    def choices_view(self, request: HttpRequest, system: str, option: str) -> HttpResponse:
        """Answer the choices; none where the system cannot be asked."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = values.choices(request.organization.pk, system, option)
        return JsonResponse({"choices": [{"id": one.identity, "name": one.name} for one in found]})

    # Which system ------------------------------------------------------------------------------
    def _about(self, request: HttpRequest, row: Any) -> known.Known | None:
        name = row.destination if row is not None else request.GET.get("system", "")
        return known.find(name) if registry.is_released(name) else None

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Leave out what leads to webhooks: connections have a page of their own."""
        return super().get_queryset(request).exclude(entity_type=NOTIFICATION)

    def add_view(self, request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        """Ask for the system first."""
        if self.has_add_permission(request) and self._about(request, None) is None:
            messages.info(request, "Choose the system that is to be set up.")
            return HttpResponseRedirect(show.list_address(SystemIntegration))
        return super().add_view(request, *args, **options)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **o: Any
    ) -> Any:
        """Return the form of the system."""
        about = self._about(request, obj)
        if about is not None:
            o["form"] = system_forms.form_for(about)
        return super().get_form(request, obj, change, **o)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return what the system asks for; read only, what is stored."""
        about = self._about(request, obj)
        if about is None or (obj is not None and not self.has_change_permission(request, obj)):
            shown = ["shown_name", "system", "shown_entity", "shown_credential", "state", "shown"]
            return [(None, {"fields": shown})]
        return system_forms.groups(about)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return what is only shown, for those who may not change it."""
        about = self._about(request, obj)
        if about is None or (obj is not None and not self.has_change_permission(request, obj)):
            return ["shown_name", "system", "shown_entity", "shown_credential", "state", "shown"]
        return []

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Warn where a sandbox organization would send to a live system."""
        super().save_model(request, obj, form, change)
        if warning := sandbox.warning(request.organization, form.about.identifier):
            messages.warning(request, warning)

    # Saving ------------------------------------------------------------------------------------
    def create_row(self, request: HttpRequest, row: SystemIntegration, form: Any) -> None:
        """Make the configuration."""
        about = form.about
        made = changes.create(
            IntegrationConfiguration(
                organization_id=request.organization.pk,
                name=row.name or f"{row.entity_type}s to {about.name}",
                entity_type=row.entity_type,
                destination=about.identifier,
                credential=row.credential,
                is_enabled=row.is_enabled,
                config_data=form.settings(),
            ),
            by=request.principal,
        )
        row.__dict__.update(made.__dict__)

    def update_row(self, request: HttpRequest, row: SystemIntegration, form: Any) -> None:
        """Change the configuration; it sends nothing old by itself when it is enabled."""
        stored = IntegrationConfiguration.objects.get(pk=row.pk)
        version = saving.loaded_version(request)
        with changes.editing(stored, by=request.principal, version=version) as kept:
            kept.name, kept.entity_type = row.name, row.entity_type
            kept.credential = row.credential
            kept.config_data = form.settings()
            if row.is_enabled and not kept.is_enabled:
                kept.disabled_reason, kept.failing_since, kept.failures_in_row = None, None, 0
            kept.is_enabled = row.is_enabled
        row.version = kept.version

    def delete_model(self, request: HttpRequest, obj: SystemIntegration) -> None:
        """Delete the configuration; its runs stay to be read."""
        changes.delete(IntegrationConfiguration.objects.get(pk=obj.pk), by=request.principal)

    # Pages -------------------------------------------------------------------------------------
    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add the systems by category with what is set up for each, and what is wrong."""
        wanted = request.GET.get("category", "")
        return {
            "categories": [
                {"name": name, "systems": [self._card(request, one) for one in systems]}
                for name, systems in _by_category().items()
                if wanted in ("", name)
            ]
        }

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Count once for all the cards."""
        request.integration_counts = self._counts(request)
        return super().changelist_view(request, extra_context)

    def _counts(self, request: HttpRequest) -> tuple[dict[str, Any], dict[str, Any]]:
        found: list[dict[str, Any]] = []
        questions: tuple[tuple[Any, str], ...] = (
            (IntegrationConfiguration.objects.exclude(entity_type=NOTIFICATION), "is_enabled"),
            (IntegrationCredential.objects.all(), "is_authorized"),
        )
        for rows, flag in questions:
            seen = linking.seen(request, rows.filter(organization=request.organization))
            counted_ = seen.order_by().values("destination").annotate(
                count=Count("pk"), wrong=Count("pk", filter=Q(**{flag: False}))
            )  # fmt: skip
            kept: dict[str, Any] = {}
            for row in counted_:
                mine = kept.setdefault(known.key(row["destination"] or ""), [0, 0])
                mine[0] += row["count"]
                mine[1] += row["wrong"]
            found.append(kept)
        return found[0], found[1]

    def _card(self, request: HttpRequest, about: known.Known) -> dict[str, Any]:
        configurations, credentials_ = request.integration_counts
        count, disabled = configurations.get(about.key, (0, 0))
        keys, disconnected = credentials_.get(about.key, (0, 0))
        return {
            "name": about.name,
            "entities": ", ".join(ENTITIES[word] for word in about.entities),
            "count": count,
            "disabled": disabled,
            "credentials": keys,
            "disconnected": disconnected,
            "is_test": about.is_test,
            "add": linking.to_form(request, SystemIntegration, system=about.identifier),
            "add_credential": linking.to_form(
                request, IntegrationCredential, destination=about.identifier
            ),
            "list": linking.to_list(
                request, SystemIntegration, destination__iexact=about.identifier
            ),
        }

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Let the cards narrow the list to a system."""
        return lookup == "destination__iexact" or super().lookup_allowed(lookup, value, request)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> Any:
        """Add the latest runs, and the picture of the last weeks."""
        extra = {**(options.pop("extra_context", None) or {})}
        row = self.get_object(request, object_id)
        may_read = request.permissions.allows_some("config:retrieve", "config:integrationRun")
        if row is not None and may_read:
            seen_runs = linking.seen(
                request,
                IntegrationRun.objects.filter(
                    configuration_id=row.pk, organization=request.organization
                ),
            )
            extra["runs"] = [
                {"row": each, "url": show.address(each)}
                for each in seen_runs.order_by("-created_at", "-pk")[:LATEST_RUNS]
            ]
            extra["history"] = run_history.days(seen_runs, clock.now())
            extra["runs_url"] = linking.to_list(
                request, IntegrationRun, configuration__id__exact=row.pk
            )
        return super().change_view(request, object_id, *args, extra_context=extra, **options)

    # Actions -----------------------------------------------------------------------------------
    @action(description="Send a test", permissions=["operate"], icon="network_check")
    def try_out(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Make one harmless call with the credential; nothing is written there."""
        return self._do(request, object_id, lambda row: f"It works: {_tried(row)}.")

    @action(description="Send the newest now", permissions=["operate"], icon="send")
    def send_newest(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send the newest entity that the settings admit, as if it had just changed."""

        def work(row: IntegrationConfiguration) -> str:
            run = sending_now.newest(row, by=request.principal, at=clock.now())
            return f"On its way: {run.entity_type} {run.entity_id}. Its run is below."

        return self._do(request, object_id, work)

    @action(description="Enable or disable", permissions=["operate"], icon="power_settings_new")
    def switch(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Enable it, or disable it and end what waits."""

        def work(row: IntegrationConfiguration) -> str:
            if row.is_enabled:
                enabling.disable(row, by=request.principal, at=clock.now())
                return "Disabled. What waited has ended; nothing more is sent."
            enabling.enable(row, by=request.principal)
            return "Enabled. What happens from now on is sent; nothing old is."

        return self._do(request, object_id, work)

    @action(description="Run what failed again", permissions=["operate"])
    @confirmed(
        "Run what failed again",
        "Of each integration chosen, the failed runs of the last 28 days are made once more, the "
        "newest of each bill or other entity. Invoices that are there are changed, never doubled.",
    )
    def run_failed_again(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Make new runs of those that ended without success."""
        failed = IntegrationRun.objects.filter(
            configuration__in=queryset.values("pk"), finished_at__isnull=False
        ).exclude(status=RunStatus.COMPLETE)
        rows, beyond = replaying.newest(failed)
        done, left = replaying.many(rows, by=request.principal, at=clock.now())
        messages.success(request, f"On their way again: {counted(done, 'runs')}.")
        if beyond:
            messages.warning(request, runs.BEYOND.format(counted(beyond, "older runs")))
        if left:
            messages.warning(request, f"Not run again: {counted(left, 'runs')}.")

    def _do(self, request: HttpRequest, object_id: str, work: Any) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None or not self.has_operate_permission(request, row):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        try:
            done = work(
                IntegrationConfiguration.objects.select_related("credential").get(pk=row.pk)
            )
        except DomainError as refusal:
            telling.refused(request, refusal)
        else:
            messages.success(request, done)
        return HttpResponseRedirect(show.address(row))

    # Columns -----------------------------------------------------------------------------------
    @display(description="Name", ordering="name")
    def shown_name(self, row: SystemIntegration) -> str:
        """The name, or what is sent where."""
        return str(row)

    @display(description="System", ordering="destination")
    def system(self, row: SystemIntegration) -> str:
        """The system."""
        about = known.find(row.destination)
        return about.name if about else row.destination

    @display(description="What is sent")
    def shown_entity(self, row: SystemIntegration) -> str:
        """The kind of entity."""
        return row.entity_type

    @display(description="Credential")
    def shown_credential(self, row: SystemIntegration) -> str:
        """The credential by its name."""
        return str(row.credential) if row.credential else show.NOTHING

    @display(description="Settings")
    def shown(self, row: SystemIntegration) -> str:
        """The settings as they are kept; there is no secret in them."""
        return show.json_block(row.config_data)

    @display(description="State")
    def state(self, row: SystemIntegration) -> str:
        """Enabled, failing, disabled and why, or without a credential that works."""
        if not row.is_enabled:
            reason = f" ({row.disabled_reason})" if row.disabled_reason else ""
            return show.label(f"disabled{reason}", "bad")
        if row.failing_since:
            return show.label(f"failing since {show.day(row.failing_since)}", "warn")
        return show.label("enabled", "good")


def _tried(row: IntegrationConfiguration) -> str:
    if row.credential is None:
        raise trying.TryingFailed("It has no credential yet: choose one.")
    return trying.try_out(row.credential)


def _by_category() -> dict[str, list[known.Known]]:
    found: dict[str, list[known.Known]] = {name: [] for name in CATEGORIES}
    for one in known.SYSTEMS:
        if registry.is_released(one.identifier):
            found[one.category].append(one)
    return found
