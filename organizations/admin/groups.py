"""The page of groups: user groups with their policies, and groups of rows of any type (A6, C13).

Rows and groups are put in by searching for them; the contents are paged, for a group may hold
100,000 rows.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from unfold.decorators import display
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminSelectWidget

from organizations import access, policy_reading, policy_targets, policy_words, resource_groups
from organizations.admin import contents, holdings
from organizations.kernel import registry
from organizations.kernel.console import show, telling
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.filters import WordFilter
from organizations.kernel.console.forms import ConsoleForm
from organizations.kernel.errors import DomainError
from organizations.models import PrincipalType, ResourceGroup, TargetType

USERS, ROWS = resource_groups.USER_TYPE, "rows"


def grouped_types() -> list[tuple[str, str]]:
    """Return the resource types that have rows here, by their word."""
    kinds = {name for names in policy_words.RESOURCES.values() for name in names}
    found = [
        (kind.lower(), policy_reading.noun(kind))
        for kind in kinds
        if registry.of_type(kind.lower()) is not None
    ]
    return sorted(found, key=lambda pair: pair[1])


def word_of(kind: str) -> str:
    """Return the word of a stored type."""
    return dict(grouped_types()).get(kind, kind)


class GroupForm(ConsoleForm, holdings.PoliciesForm):
    """Name, what it groups, and for user groups the policies."""

    kind = forms.ChoiceField(label="Groups", widget=UnfoldAdminSelectWidget, required=False)


class AreaFilter(WordFilter):
    """User groups, or groups of other rows; the navigation has an entry for each."""

    title = "of"
    parameter_name = "type"
    options = ((USERS, "Users"), (ROWS, "Other rows"))

    def narrow(self, queryset: Any, word: str) -> Any:
        """Compare the type."""
        return queryset.exclude(type=USERS) if word == ROWS else queryset.filter(type=USERS)


class AreaChangeList(ChangeList):
    """The groups of one entry of the navigation."""

    @property
    def area(self) -> str:
        """Its name, when nothing but the navigation's own filter narrows the list."""
        names = {USERS: "user groups", ROWS: "resource groups"}
        alone = set(self.params) <= {"type"} and not self.query
        return names.get(self.filter_params.get("type", [""])[-1], "") if alone else ""


@admin.register(ResourceGroup)
class ResourceGroupAdmin(ConsoleModelAdmin):
    """Named groups that policies can speak of; user groups have policies of their own."""

    form = GroupForm
    list_display = ["name", "kind_word", "member_count", "policy_names", "modified_at"]
    list_filter = [AreaFilter]
    search_fields = ["name"]
    change_form_outer_after_template = "console/group_contents.html"
    empty_hint = (
        "A group lets a policy speak of many rows at once. A user group gives its policies to "
        "everybody in it."
    )

    def get_urls(self) -> list[URLPattern]:
        """Add the search for rows to put in."""
        find = self.admin_site.admin_view(self.find_view)
        return [
            path("<str:object_id>/find/", find, name="resource_group_find"),
            *super().get_urls(),
        ]

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """Remember which of the two entries of the navigation the group belongs to."""
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            request.console_area = USERS if row.type == USERS else ROWS
        return row

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Call the list what the navigation calls it."""
        titles = {USERS: "User groups", ROWS: "Resource groups"}
        title = titles.get(request.GET.get("type", ""), "Groups")
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def get_changelist(self, request: HttpRequest, **options: Any) -> Any:
        """Tell an empty area from a search without results."""
        return AreaChangeList

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Only user groups have policies; what is grouped is chosen once."""
        if obj is None:
            return [(None, {"fields": ["name", "kind", "policies"]})]
        shown = ["name", "kind_word", "inside"]
        return [(None, {"fields": [*shown, "policies"] if obj.type == USERS else shown})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What an existing group holds stays what it is."""
        return [*super().get_readonly_fields(request, obj), "kind_word", "inside"]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **o: Any
    ) -> Any:
        """Offer types for a new group, and the policies one may attach."""
        form = super().get_form(request, obj, change, **o)
        if obj is not None:
            form.base_fields.pop("kind", None)
            if obj.type != USERS:
                form.base_fields.pop("policies", None)
        if field := form.base_fields.get("kind"):
            field.choices = grouped_types()
            asked = request.GET.get("type", USERS)
            field.initial = "meter" if asked == ROWS else USERS
            field.required = True
        if field := form.base_fields.get("policies"):
            field.help_text = "Everybody in the group has these. Only user groups have policies."
            held = (
                holdings.attached_to(request.organization, PrincipalType.USERGROUP, obj.pk)
                if (obj)
                else []
            )
            holdings.offer_policies(request, field, held)
        return form

    def prepare(self, request: HttpRequest, row: ResourceGroup, form: Any) -> None:
        """Take the type of a new group."""
        if kind := form.cleaned_data.get("kind"):
            row.type = resource_groups.type_of(kind)

    def create_row(self, request: HttpRequest, row: ResourceGroup, form: Any) -> None:
        """Make the group with its policies."""
        with transaction.atomic():
            super().create_row(request, row, form)
            if row.type == USERS:
                holdings.choose_policies(request, PrincipalType.USERGROUP, row.pk, form)

    def update_row(self, request: HttpRequest, row: ResourceGroup, form: Any) -> None:
        """Change name and policies together."""
        with transaction.atomic():
            super().update_row(request, row, form)
            if row.type == USERS:
                holdings.choose_policies(request, PrincipalType.USERGROUP, row.pk, form)

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Count members and look up policies, for all groups at once."""
        counts = contents.counts([row.pk for row in rows])
        names = holdings.policy_names(
            request.organization, PrincipalType.USERGROUP, [row.pk for row in rows]
        )
        for row in rows:
            row.counts = counts.get(row.pk, {})
            row.policy_list = names.get(row.pk, [])

    def going_with(self, request: HttpRequest, row: ResourceGroup) -> list[str]:
        """Tell what a group's end changes: never its members (A6.8)."""
        names = holdings.policy_names(row.organization_id, PrincipalType.USERGROUP, [row.pk])
        lines = [f"Its members lose the policy {name}." for name in names.get(row.pk, [])]
        return ["What is in it stays; only the group goes.", *lines]

    # Contents ----------------------------------------------------------------------------------
    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **options: Any) -> Any:
        """Add the contents; the contents' own forms put rows in and take them out."""
        row = self.get_object(request, object_id)
        if row is not None and {"put", "take"} & request.POST.keys():
            return self._put_or_take(request, row)
        extra = {**(options.pop("extra_context", None) or {})}
        if row is not None and request.method == "GET" and self.has_view_permission(request, row):
            extra["contents"] = contents.page(request, row)
            extra["contents_word"] = word_of(row.type)
            extra["find_url"] = reverse("admin:resource_group_find", args=[row.pk])
        return super().change_view(request, object_id, *args, extra_context=extra, **options)

    def render_change_form(self, request: HttpRequest, context: Any, **options: Any) -> Any:
        """Look up where the group is before the form shows it."""
        row = options.get("obj")
        if row is not None:
            row.outer_groups = contents.outer_groups(request, row)
        return super().render_change_form(request, context, **options)

    def _put_or_take(self, request: HttpRequest, row: ResourceGroup) -> HttpResponse:
        if not self.has_change_permission(request, row):
            messages.error(request, "You are not allowed to do this.")
            return HttpResponseRedirect(show.address(row))
        deed = resource_groups.add if "put" in request.POST else resource_groups.remove
        done = 0
        for target in request.POST.getlist("target"):
            kind, _, identity = target.partition(":")
            if kind not in TargetType.values:
                continue
            try:
                deed(row, TargetType(kind), identity, by=request.principal)
            except DomainError as refusal:
                telling.refused(request, refusal)
            else:
                done += 1
        if done:
            words = "put in" if "put" in request.POST else "taken out"
            messages.success(request, f"{done} {words}.")
        return HttpResponseRedirect(show.address(row))

    def find_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Answer rows and groups that could be put in, as a piece of the page."""
        row = self.get_object(request, object_id)
        if row is None or not self.has_change_permission(request, row):
            return HttpResponse(status=404)
        text = request.GET.get("find", "").strip()[:200]
        rights = access.Rights(request.principal)
        found = policy_targets.search_rows(rights, row.type, text) if text else []
        groups = policy_targets.search_groups(rights, row.type, text) if text else []
        context = {
            "rows": [(f"ITEM:{one.id}", one) for one in found],
            "groups": [(f"GROUP:{one.id}", one) for one in groups if one.id != str(row.pk)],
            "text": text,
        }
        return render(request, "console/group_found.html", context)

    # Columns -----------------------------------------------------------------------------------
    @display(description="Groups")
    def kind_word(self, row: ResourceGroup) -> str:
        """What the group holds."""
        return word_of(row.type)

    @display(description="Members")
    def member_count(self, row: ResourceGroup) -> str:
        """How many rows and groups are in it directly."""
        items, groups = (row.counts.get(kind, 0) for kind in TargetType.values)
        if items + groups > contents.MOST_COUNTED:
            return f"more than {contents.MOST_COUNTED:,}"
        nested = f", {groups} group{'' if groups == 1 else 's'}" if groups else ""
        return f"{items}{nested}"

    @display(description="Policies")
    def policy_names(self, row: ResourceGroup) -> str:
        """Names of the policies attached to a user group."""
        return holdings.summary(row.policy_list)

    @display(description="Policies")
    def policies(self, row: ResourceGroup) -> str:
        """What is attached, for somebody who may not change it."""
        return holdings.shown_policies(row.organization_id, PrincipalType.USERGROUP, row.pk)

    @display(description="Is in")
    def inside(self, row: ResourceGroup) -> str:
        """The groups this one is nested in."""
        return row.outer_groups
