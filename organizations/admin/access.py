"""Pages of people and permission policies (C13)."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminEmailInputWidget

from organizations import people
from organizations.kernel import changes, clock
from organizations.kernel.console import show
from organizations.kernel.console.base import ConsoleModelAdmin, ReadOnlyConsoleAdmin
from organizations.kernel.console.forms import ConsoleForm
from organizations.kernel.errors import DomainError
from organizations.models import Membership, PermissionPolicy, PolicyAttachment, PrincipalType


class MembershipForm(ConsoleForm):
    """A person by e-mail, the policies attached to them, and until when they may log in."""

    email = forms.EmailField(label="E-mail", widget=UnfoldAdminEmailInputWidget, required=False)
    policies = forms.ModelMultipleChoiceField(
        queryset=PermissionPolicy.objects.none(),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    def clean_email(self) -> str:
        """A new member needs an address; an existing one keeps theirs."""
        email = self.cleaned_data["email"]
        if self.instance._state.adding and not email:
            raise forms.ValidationError("This field is required.")
        return email


@admin.register(Membership)
class MembershipAdmin(ConsoleModelAdmin):
    """People of the organization."""

    form = MembershipForm
    list_display = ["email", "name", "status", "access_ends_at", "policy_names"]
    list_display_links = ["email"]
    list_select_related = ["user"]
    search_fields = ["user__email", "user__first_name", "user__last_name"]
    actions = ["deactivate", "reactivate"]
    empty_hint = "People who work in this organization."

    def title_of(self, row: Membership) -> str:
        """The person's name."""
        return row.user.get_full_name()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The e-mail address is asked for once."""
        if obj is None:
            return [(None, {"fields": ["email", "policies", "access_ends_at"]})]
        self.fields = ["shown_email", "policies", "access_ends_at"]
        return super().get_fieldsets(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show the address of an existing member."""
        return [*super().get_readonly_fields(request, obj), "shown_email"]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **o: Any
    ) -> Any:
        """Offer the organization's policies; tick those attached."""
        form = super().get_form(request, obj, change, **o)
        if "policies" in form.base_fields:
            field = form.base_fields["policies"]
            field.queryset = PermissionPolicy.objects.for_organization(
                request.organization
            ).order_by("name", "pk")
            field.initial = [row.policy_id for row in people.attachments(obj)] if obj else []
        return form

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Look up the policies of the people."""
        attached = PolicyAttachment.objects.for_organization(request.organization).filter(
            principal_type=PrincipalType.USER, principal_id__in=[row.user_id for row in rows]
        )
        found: dict[Any, list[str]] = {}
        for principal_id, name in attached.values_list("principal_id", "policy__name"):
            found.setdefault(principal_id, []).append(name)
        for row in rows:
            row.policy_list = sorted(found.get(row.user_id, []))

    def create_row(self, request: HttpRequest, row: Membership, form: Any) -> None:
        """Join a person who exists, or make one with a temporary password shown once."""
        with transaction.atomic():
            person, password = people.find_or_make(form.cleaned_data["email"])
            row.user = person
            changes.create(row, by=request.principal)
            people.set_policies(row, form.cleaned_data["policies"], by=request.principal)
        if password is not None:
            messages.warning(
                request,
                f"Temporary password of {person.email}, shown only now: {password}",
            )

    def update_row(self, request: HttpRequest, row: Membership, form: Any) -> None:
        """Change the end of access and the policies together."""
        with transaction.atomic():
            people.check_remaining(row, form.cleaned_data["access_ends_at"], by=request.principal)
            super().update_row(request, row, form)
            people.set_policies(row, form.cleaned_data["policies"], by=request.principal)

    @display(description="E-mail", ordering="user__email")
    def email(self, row: Membership) -> str:
        """The login name."""
        return row.user.email

    @display(description="E-mail")
    def shown_email(self, row: Membership) -> str:
        """The login name."""
        return row.user.email

    @display(description="Name")
    def name(self, row: Membership) -> str:
        """First and last name."""
        return f"{row.user.first_name} {row.user.last_name}".strip() or show.NOTHING

    @display(description="Status")
    def status(self, row: Membership) -> str:
        """Inactive once the access has ended (A2.9)."""
        is_ended = row.access_ends_at is not None and row.access_ends_at <= clock.now()
        return show.label("inactive", "bad") if is_ended else show.label("active", "good")

    @display(description="Policies")
    def policy_names(self, row: Membership) -> str:
        """Names of the attached policies."""
        return ", ".join(row.policy_list) or show.NOTHING

    @action(description="Deactivate", permissions=["operate"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet) -> None:
        """End the access of the selected people now (A2.9)."""
        self._set_end(request, queryset, clock.now())

    @action(description="Reactivate", permissions=["operate"])
    def reactivate(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Give access back."""
        self._set_end(request, queryset, None)

    def _set_end(self, request: HttpRequest, queryset: QuerySet, end: Any) -> None:
        for row in queryset:
            try:
                people.end_access(row, end, by=request.principal)
            except DomainError as refusal:
                messages.error(request, f"{row.user.email}: {refusal.message}")
            else:
                messages.success(request, f"{row.user.email}: done.")


@admin.register(PermissionPolicy)
class PermissionPolicyAdmin(ReadOnlyConsoleAdmin):
    """Permission policies, readable."""

    list_display = ["name", "kind", "statement_count", "modified_at"]
    list_filter = ["is_managed"]
    search_fields = ["name"]
    fields = ["name", "kind", "shown_statements"]
    readonly_fields = ["kind", "shown_statements"]

    @display(description="Type")
    def kind(self, row: PermissionPolicy) -> str:
        """Managed policies come with every organization."""
        return show.label("managed", "busy") if row.is_managed else show.label("custom")

    @display(description="Statements")
    def statement_count(self, row: PermissionPolicy) -> int:
        """How many statements it has."""
        return len(row.statements)

    @display(description="Statements")
    def shown_statements(self, row: PermissionPolicy) -> str:
        """Each statement as a line of a table."""
        from django.template.loader import render_to_string

        return render_to_string("console/statements.html", {"statements": row.statements})
