"""The page of users: people of the organization, what they hold, and until when (C13)."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminEmailInputWidget

from organizations import people
from organizations.admin import decision_page, holdings, statements
from organizations.kernel import changes, clock
from organizations.kernel.console import show, telling
from organizations.kernel.console.confirming import confirmed
from organizations.kernel.console.filters import WordFilter
from organizations.kernel.console.forms import ConsoleForm
from organizations.kernel.errors import DomainError
from organizations.models import Membership, PrincipalType


class MembershipForm(ConsoleForm, holdings.PoliciesForm, holdings.GroupsForm):
    """A person by e-mail, what is attached to them, and until when they may log in."""

    email = forms.EmailField(label="E-mail", widget=UnfoldAdminEmailInputWidget, required=False)

    def clean_email(self) -> str:
        """A new member needs an address; an existing one keeps theirs."""
        email = self.cleaned_data["email"]
        if self.instance._state.adding and not email:
            raise forms.ValidationError("This field is required.")
        return email


class StatusFilter(WordFilter):
    """People who may log in, and those whose access has ended (A2.9)."""

    title = "status"
    parameter_name = "status"
    options = (("active", "Active"), ("inactive", "Inactive"))

    def narrow(self, queryset: Any, word: str) -> Any:
        """Compare the end of access with now."""
        is_ended = Q(access_ends_at__lte=clock.now())
        return queryset.filter(is_ended) if word == "inactive" else queryset.exclude(is_ended)


@admin.register(Membership)
class MembershipAdmin(decision_page.AsksWhatMay):
    """People of the organization."""

    form = MembershipForm
    list_display = ["email", "name", "status", "access_ends", "policy_names", "group_names"]
    list_display_links = ["email"]
    list_select_related = ["user"]
    list_filter = [StatusFilter]
    search_fields = ["user__email", "user__first_name", "user__last_name"]
    actions = ["deactivate", "reactivate", "resend_password"]
    actions_detail = ["what_it_may"]
    empty_hint = "Invite people by e-mail: see Invitations."

    def title_of(self, row: Membership) -> str:
        """The person's name."""
        return row.user.get_full_name()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The e-mail address is asked for once; inline statements are shown where they exist."""
        if obj is None:
            return [(None, {"fields": ["email", "policies", "groups", "access_ends_at"]})]
        shown = ["shown_email", "shown_name", "status", "access_ends_at"]
        held = ["policies", "groups"]
        sections = [(None, {"fields": shown}), ("Policies and groups", {"fields": held})]
        if obj.statements:
            sections.append(("Inline statements", {"fields": ["shown_statements"]}))
        return sections

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show who an existing member is."""
        shown = ["shown_email", "shown_name", "status", "shown_statements"]
        return [*super().get_readonly_fields(request, obj), *shown]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **o: Any
    ) -> Any:
        """Offer what this person may attach; tick what the member has."""
        form = super().get_form(request, obj, change, **o)
        organization = request.organization
        if field := form.base_fields.get("policies"):
            held = people.attachments(obj).values_list("policy_id", flat=True) if obj else []
            holdings.offer_policies(request, field, held)
        if field := form.base_fields.get("groups"):
            held = holdings.groups_of(organization, obj.user_id) if obj else []
            holdings.offer_groups(request, field, held)
        if field := form.base_fields.get("access_ends_at"):
            # Its own words name the timezone.
            field.help_text += " Empty: for ever. A time in the past locks the person out."
        return form

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Look up the policies and groups of all people at once."""
        wanted = [row.user_id for row in rows]
        policies = holdings.policy_names(request.organization, PrincipalType.USER, wanted)
        groups = holdings.group_names(request.organization, wanted)
        for row in rows:
            row.policy_list = policies.get(row.user_id, [])
            row.group_list = groups.get(row.user_id, [])

    def create_row(self, request: HttpRequest, row: Membership, form: Any) -> None:
        """Join a person who exists, or make one, to whom a temporary password is mailed."""
        with transaction.atomic():
            person, is_new = people.find_or_make(form.cleaned_data["email"])
            row.user = person
            changes.create(row, by=request.principal)
            self._hold(request, row, form)
            if is_new:
                people.let_password_be_mailed(row)
        if is_new:
            messages.info(request, f"A temporary password is mailed to {person.email}.")

    def update_row(self, request: HttpRequest, row: Membership, form: Any) -> None:
        """Change the end of access, the policies and the groups together."""
        with transaction.atomic():
            people.check_remaining(row, form.cleaned_data["access_ends_at"], by=request.principal)
            super().update_row(request, row, form)
            self._hold(request, row, form)

    def _hold(self, request: HttpRequest, row: Membership, form: Any) -> None:
        holdings.choose_policies(request, PrincipalType.USER, row.user_id, form)
        holdings.choose_groups(request, row.user_id, form)

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

    @display(description="Name")
    def shown_name(self, row: Membership) -> str:
        """First and last name; the person changes them in their profile."""
        return self.name(row)

    @display(description="Status")
    def status(self, row: Membership) -> str:
        """Inactive once the access has ended (A2.9)."""
        is_ended = row.access_ends_at is not None and row.access_ends_at <= clock.now()
        return show.label("inactive", "bad") if is_ended else show.label("active", "good")

    @display(description="Access ends", ordering="access_ends_at")
    def access_ends(self, row: Membership) -> str:
        """When the access ends."""
        return show.instant(row.access_ends_at) if row.access_ends_at else "never"

    @display(description="Policies")
    def policy_names(self, row: Membership) -> str:
        """Names of the attached policies."""
        return holdings.summary(row.policy_list)

    @display(description="User groups")
    def group_names(self, row: Membership) -> str:
        """Names of the groups that hold the person directly."""
        return holdings.summary(row.group_list)

    @display(description="Policies")
    def policies(self, row: Membership) -> str:
        """What is attached, for somebody who may not change it."""
        return holdings.shown_policies(row.organization_id, PrincipalType.USER, row.user_id)

    @display(description="User groups")
    def groups(self, row: Membership) -> str:
        """Which groups hold the person, for somebody who may not change it."""
        names = holdings.group_names(row.organization_id, [row.user_id])
        return ", ".join(names.get(row.user_id, [])) or show.NOTHING

    @display(description="Inline statements")
    def shown_statements(self, row: Membership) -> str:
        """Statements of this person alone, which the API can set."""
        return statements.readable(row.organization_id, row.statements)

    @action(description="Deactivate", permissions=["operate"])
    @confirmed("Deactivate", "They are locked out at once, also in windows that are open.")
    def deactivate(self, request: HttpRequest, queryset: QuerySet) -> None:
        """End the access of the selected people now (A2.9)."""
        self._each(request, queryset, lambda row: self._end(request, row, clock.now()))

    @action(description="Reactivate", permissions=["operate"])
    def reactivate(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Give access back."""
        self._each(request, queryset, lambda row: self._end(request, row, None))

    @action(description="Mail a new temporary password", permissions=["operate"])
    def resend_password(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Refused for people who have a password of their own (A2.12)."""
        self._each(request, queryset, lambda row: people.resend_password(row, by=request.principal))

    def _end(self, request: HttpRequest, row: Membership, at: datetime | None) -> None:
        people.end_access(row, at, by=request.principal)

    def _each(self, request: HttpRequest, queryset: QuerySet, deed: Any) -> None:
        """Do it for each person; tell what was done and what was refused, with the reason."""
        done = 0
        for row in queryset.select_related("user"):
            try:
                deed(row)
            except DomainError as refusal:
                telling.refused(request, refusal, row.user.email)
            else:
                done += 1
        if done:
            messages.success(request, f"{done} {'person' if done == 1 else 'people'}: done.")
