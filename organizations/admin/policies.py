"""The page of permission policies: what they say, who has them, and the statement editor (C13)."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.html import escape, format_html, format_html_join
from unfold.decorators import display

from organizations import attachments
from organizations.admin import decision_page, statements
from organizations.kernel.console import linking, names, show
from organizations.kernel.console.filters import WordFilter
from organizations.kernel.console.forms import ConsoleForm
from organizations.models import PermissionPolicy, PolicyAttachment, PrincipalType, ResourceGroup

MOST_HOLDERS = 50
KINDS = {
    PrincipalType.USER: ("user", "users"),
    PrincipalType.USERGROUP: ("group", "groups"),
    PrincipalType.SERVICEUSER: ("service user", "service users"),
    PrincipalType.SUPPORTUSERS: ("support users", "support users"),
}


class PolicyForm(ConsoleForm):
    """A name and statements."""

    wire_names = {"permissionPolicy": "statements"}
    statements = statements.StatementsField()


class TypeFilter(WordFilter):
    """Policies that come with every organization, and one's own."""

    title = "type"
    parameter_name = "type"
    options = (("managed", "Managed"), ("custom", "Custom"))

    def narrow(self, queryset: Any, word: str) -> Any:
        """Compare."""
        return queryset.filter(is_managed=word == "managed")


@admin.register(PermissionPolicy)
class PermissionPolicyAdmin(decision_page.AsksWhatMay):
    """Named lists of statements; managed ones are read-only."""

    form = PolicyForm
    list_display = ["name", "kind", "statement_count", "holder_count", "modified_at"]
    list_filter = [TypeFilter]
    search_fields = ["name"]
    empty_hint = "A policy says what its holders may do. Attach it to users, groups or programs."

    def get_urls(self) -> list[URLPattern]:
        """Add what the statement editor asks, and the question who may do what."""
        wrap = self.admin_site.admin_view
        return [
            path("read/", wrap(statements.read_view), name="policy_read"),
            path("targets/", wrap(statements.targets_view), name="policy_targets"),
            *decision_page.urls(self),
            *super().get_urls(),
        ]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Statements are edited where they may be, read otherwise; then who has them."""
        if obj is None:
            return [(None, {"fields": ["name", "statements"]})]
        is_open = self.has_change_permission(request, obj)
        edited = ["name", "statements" if is_open else "shown_statements"]
        return [(None, {"fields": edited}), ("Who has it", {"fields": ["holders"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Managed policies are read as sentences."""
        return [*super().get_readonly_fields(request, obj), "shown_statements", "holders"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Managed policies cannot be changed (A5.5)."""
        return not getattr(obj, "is_managed", False) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Managed policies cannot be deleted (A5.5)."""
        return not getattr(obj, "is_managed", False) and super().has_delete_permission(request, obj)

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Count who has the policies, for all of them at once."""
        counted = (
            PolicyAttachment.objects.for_organization(request.organization)
            .filter(policy__in=rows)
            .values_list("policy_id", "principal_type")
            .annotate(count=Count("pk"))
        )
        found: dict[Any, list[str]] = {}
        for policy_id, kind, count in counted:
            one, many = KINDS[PrincipalType(kind)]
            is_support = kind == PrincipalType.SUPPORTUSERS
            words = one if is_support else f"{count} {one if count == 1 else many}"
            found.setdefault(policy_id, []).append(words)
        for row in rows:
            row.holder_words = ", ".join(sorted(found.get(row.pk, [])))

    def in_the_way(self, request: HttpRequest, row: PermissionPolicy) -> list[str]:
        """Managed policies stay; others are taken away from whoever has them."""
        return [str(attachments.ManagedPolicy(row).message)] if row.is_managed else []

    def delete_model(self, request: HttpRequest, obj: PermissionPolicy) -> None:
        """Delete it and detach it everywhere, at once (A5.6)."""
        attachments.delete_policy(obj, by=request.principal)

    def going_with(self, request: HttpRequest, row: PermissionPolicy) -> list[str]:
        """Tell who loses it."""
        held = PolicyAttachment.objects.filter(policy=row)
        return [
            format_html("It is taken away from the {} {}.", KINDS[PrincipalType(kind)][0], who)
            for kind, who in _holders(request, held)
        ]

    def render_change_form(self, request: HttpRequest, context: Any, **options: Any) -> Any:
        """Look up who has it before the form draws the list."""
        row = options.get("obj")
        if row is not None:
            row.holder_list = _holders(request, PolicyAttachment.objects.filter(policy=row))
        return super().render_change_form(request, context, **options)

    @display(description="Type")
    def kind(self, row: PermissionPolicy) -> str:
        """Managed policies come with every organization."""
        return show.label("managed", "busy") if row.is_managed else show.label("custom")

    @display(description="Statements")
    def statement_count(self, row: PermissionPolicy) -> int:
        """How many statements it has."""
        return len(row.statements)

    @display(description="Who has it")
    def holder_count(self, row: PermissionPolicy) -> str:
        """How many principals of each kind."""
        return row.holder_words or "nobody"

    @display(description="Statements")
    def shown_statements(self, row: PermissionPolicy) -> str:
        """Each statement as a sentence."""
        return statements.readable(row.organization_id, row.statements)

    @display(description="Attached to")
    def holders(self, row: PermissionPolicy) -> str:
        """Users, groups and service users, the first 50."""
        found = getattr(row, "holder_list", [])
        if not found:
            return "Nobody yet. Attach it on the page of a user, a group or a service user."
        lines = ((KINDS[PrincipalType(kind)][0], who) for kind, who in found)
        return format_html(
            '<ul class="bw-scroll">{}</ul>', format_html_join("", "<li>{} {}</li>", lines)
        )


def _holders(request: HttpRequest, held: QuerySet) -> list[tuple[str, str]]:
    """Return kind and linked name of up to 50 principals; a fixed number of queries."""
    rows = list(held.order_by("principal_type", "-pk")[:MOST_HOLDERS])
    wanted = [row.principal_id for row in rows]
    known = names.linked(request, wanted)
    urls = linking.to_rows(request, ResourceGroup, wanted)
    groups = ResourceGroup.objects.for_organization(request.organization)
    known |= {
        group.pk: show.linked(urls[group.pk], escape(group)) if group.pk in urls else str(group)
        for group in groups.filter(pk__in=wanted)
    }
    support = {request.organization.pk: "while their access lasts"}
    return [
        (row.principal_type, (known | support).get(row.principal_id, str(row.principal_id)))
        for row in rows
    ]
