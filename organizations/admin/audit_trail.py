"""The audit trail: who did what to which row, and whether it was sealed (C14, A9.7)."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import escape, format_html
from unfold.contrib.filters.admin import DropdownFilter, TextFilter
from unfold.decorators import display

from organizations import row_reading, seals
from organizations.admin import differences, entity_names
from organizations.kernel import ids, registry
from organizations.kernel.console import names, plain_words, show
from organizations.kernel.console.base import ReadOnlyConsoleAdmin
from organizations.kernel.console.filters import RangeInstantFilter
from organizations.kernel.console.keyset import KeysetChangeList
from organizations.models import AuditEntry, Membership, ServiceUser

ACTIONS = ("created", "updated", "deleted", "config:create", "config:retrieve", "config:update",
           "config:delete")  # fmt: skip
MOST_NAMES = 500
MOST_SEALS = 100


class _Choice(DropdownFilter):
    """A drop-down that narrows by one column."""

    column = ""

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Narrow when something is chosen."""
        return queryset.filter(**{self.column: self.value()}) if self.value() else queryset


class ActionFilter(_Choice):
    """What was done; the words are given, because asking a long trail for them takes long."""

    title, parameter_name, column = "action", "action", "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """What happens to rows, and what is asked for in vain."""
        return [
            (word, f"{plain_words.deed(word)} (refused)" if ":" in word else word)
            for word in ACTIONS
        ]


class KindFilter(_Choice):
    """Which kind of entity, by the name policies use."""

    title, parameter_name, column = "entity kind", "resource", "resource"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every kind that can change."""
        kinds = {one.name: plain_words.kind(one.name) for one in registry.resources()}
        return sorted(kinds.items(), key=lambda one: one[1])


class OutcomeFilter(_Choice):
    """Done, or refused."""

    title, parameter_name = "outcome", "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The two outcomes."""
        return [("allowed", "Allowed"), ("denied", "Denied")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Narrow when one is chosen."""
        if self.value() not in {"allowed", "denied"}:
            return queryset
        return queryset.filter(is_allowed=self.value() == "allowed")


class PrincipalFilter(DropdownFilter):
    """Who did it: a kind, or one of the first 500 people and service users by name."""

    title, parameter_name = "principal", "who"
    KINDS = (("USER", "Any person"), ("SERVICE_USER", "Any service user"), ("SYSTEM", "Billwright"))

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Kinds first, then names."""
        people = Membership.objects.for_organization(request.organization)
        rows = people.select_related("user").order_by("user__email")[:MOST_NAMES]
        service_users = ServiceUser.objects.for_organization(request.organization)
        return [
            *self.KINDS,
            *((str(row.user_id), row.user.get_full_name()) for row in rows),
            *((str(row.pk), row.name) for row in service_users.order_by("name")[:MOST_NAMES]),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Compare the kind, or the id."""
        value = self.value()
        if not value:
            return queryset
        if value in dict(self.KINDS):
            return queryset.filter(principal_kind=value)
        identity = ids.parse(value)
        return queryset.filter(principal_id=identity) if identity else queryset.none()


class _Id(TextFilter):
    """An id one types or comes with."""

    column = ""

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Compare; what is no id matches nothing."""
        if not self.value():
            return queryset
        identity = ids.parse(self.value().strip().lower())
        return queryset.filter(**{self.column: identity}) if identity else queryset.none()


class EntityFilter(_Id):
    """What happened to one row: the address behind every History link."""

    title, parameter_name, column = "entity id", "entity", "entity_id"


class KeyFilter(_Id):
    """What was done with one access key."""

    title, parameter_name, column = "access key id", "key", "access_key_id"


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyConsoleAdmin):
    """Entries newest first, in pages without end; each opens a difference field by field."""

    resource = "audit:entry"
    view_action = "audit:retrieve"
    change_list_template = "console/audit_trail.html"
    list_display = ["shown_at", "who", "deed", "kind", "entity", "field_list", "outcome"]
    sortable_by = ()
    list_filter = [("at", RangeInstantFilter), PrincipalFilter, ActionFilter, KindFilter,
                   EntityFilter, KeyFilter, OutcomeFilter]  # fmt: skip
    list_filter_submit = True
    search_fields = ["request_id"]
    search_help_text = "Search by request id, number of the entry, or the id of an entity or person"
    ordering = ("-pk",)
    fieldsets = [
        (None, {"fields": ["shown_difference"]}),
        (
            "The call",
            {
                "fields": ["shown_at", "who", "principal_kind", "deed", "kind", "entity",
                           "outcome", "access_key_id", "source_address", "request_id", "seal"]
            },
        ),
    ]  # fmt: skip
    empty_hint = "Every change, and every call that was refused, stands here for ever."

    def get_urls(self) -> list[URLPattern]:
        """Add the page of seals."""
        page = self.admin_site.admin_view(self.seals_view)
        return [path("seals/", page, name="audit_seals"), *super().get_urls()]

    def get_changelist(self, request: HttpRequest, **options: Any) -> Any:
        """Pages by key: the trail is never counted."""
        return KeysetChangeList

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Everything is read."""
        shown = ["shown_at", "who", "deed", "kind", "entity", "outcome", "seal", "shown_difference"]
        return [*super().get_readonly_fields(request, obj), *shown]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """An id finds what happened to an entity and what a person did."""
        term = search_term.strip().lower()
        if wanted := ids.parse(term):
            return (queryset.filter(entity_id=wanted) | queryset.filter(principal_id=wanted)), False
        if term.isdecimal() and len(term) < 19:
            return queryset.filter(pk=int(term)), False
        return queryset.filter(request_id=search_term.strip()) if term else queryset, False

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """Look up what the page of one entry shows."""
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            self.complete(request, [row])
        return row

    def history_address(self, request: HttpRequest, row: AuditEntry) -> str:
        """The history of what the entry is about."""
        query = urlencode({"entity": str(row.entity_id)}) if row.entity_id else ""
        return f"{show.list_address(AuditEntry)}?{query}"

    def title_of(self, row: AuditEntry) -> str:
        """Number, action and kind."""
        return f"#{row.pk} {self.kind(row)} {self.deed(row)}"

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Look up who did it and to what, for all rows at once."""
        shown = row_reading.differences(request.permissions, rows)
        for row in rows:
            row.difference = shown[row.pk]
        entity_names.add(request, rows)
        known = names.linked(request, [row.principal_id for row in rows])
        for row in rows:
            row.principal_name = known.get(row.principal_id, "")

    def seals_view(self, request: HttpRequest) -> HttpResponse:
        """Show the sealed blocks, what is not sealed yet, and how to verify."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": "Seals of the audit trail",
            "opts": self.opts,
            "trail": seals.overview(request.organization.pk, most=MOST_SEALS),
            "list_url": show.list_address(AuditEntry),
        }
        return TemplateResponse(request, "console/audit_seals.html", context)

    @display(description="At")
    def shown_at(self, row: AuditEntry) -> str:
        """The second it happened, UTC."""
        return f"{row.at:%Y-%m-%d %H:%M:%S}"

    @display(description="Who")
    def who(self, row: AuditEntry) -> str:
        """The person, service user or system."""
        return row.principal_name or str(row.principal_id or show.NOTHING)

    @display(description="What")
    def deed(self, row: AuditEntry) -> str:
        """What was done, or asked for."""
        return plain_words.deed(row.action)

    @display(description="Kind")
    def kind(self, row: AuditEntry) -> str:
        """What kind of thing it was about."""
        return plain_words.kind(row.resource)

    @display(description="Entity")
    def entity(self, row: AuditEntry) -> str:
        """The name of the row it was about, a link where its page opens, and its id."""
        if row.entity_id is None:
            return show.NOTHING
        name = escape(row.entity_name)
        if row.entity_url:
            name = show.linked(row.entity_url, name)
        identity = format_html('<code class="bw-id bw-quiet">{}</code>', row.entity_id)
        return format_html("{}<br> {}", name, identity) if row.entity_name else identity

    @display(description="Fields")
    def field_list(self, row: AuditEntry) -> str:
        """Which fields changed."""
        if row.action != "updated":
            return ""
        told = [key for key in row.difference if key not in differences.ROUTINE]
        return ", ".join(told)

    @display(description="Outcome")
    def outcome(self, row: AuditEntry) -> str:
        """Whether it was done or refused."""
        return show.label("allowed", "good") if row.is_allowed else show.label("denied", "bad")

    @display(description="Seal")
    def seal(self, row: AuditEntry) -> str:
        """The block the entry is sealed in."""
        found = seals.seal_of(row)
        return (
            f"sealed in block {found.pk} at {show.instant(found.sealed_at)}"
            if found
            else ("not sealed yet")
        )

    @display(description="Difference")
    def shown_difference(self, row: AuditEntry) -> str:
        """Field by field, before and after."""
        lines = differences.lines(row.difference)
        return render_to_string("console/difference.html", {"lines": lines, "row": row})
