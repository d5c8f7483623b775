"""The page of invitations: ask somebody in, send the link again, revoke it (A3, C13)."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.decorators import action, display

from organizations import invitations, mail
from organizations.admin import holdings
from organizations.kernel import clock
from organizations.kernel.console import names, show, telling
from organizations.kernel.console.base import ConsoleModelAdmin
from organizations.kernel.console.filters import WordFilter
from organizations.kernel.console.forms import ConsoleForm
from organizations.kernel.errors import DomainError
from organizations.models import Invitation, PermissionPolicy, User


class InvitationForm(ConsoleForm, holdings.PoliciesForm):
    """Whom to ask, with which policies, and until when the access and the link are good."""

    wire_names = {
        "dtExpiry": "expires_at",
        "dtEndAccess": "access_ends_at",
        "permissionPolicyIds": "policies",
    }

    def clean(self) -> dict[str, Any]:
        """Ask for the names of somebody who has no account yet (A3.5)."""
        cleaned = super().clean() or self.cleaned_data
        email = cleaned.get("email")
        if email and not (cleaned.get("first_name") and cleaned.get("last_name")):
            known = User.objects.filter(email__iexact=email).exists()
            if not known:
                raise forms.ValidationError(
                    "First and last name are needed for somebody who has no account yet."
                )
        return cleaned


class StateFilter(WordFilter):
    """What became of invitations."""

    title = "state"
    parameter_name = "state"
    options = (("open", "Open"), ("accepted", "Accepted"), ("over", "Expired or revoked"))

    def narrow(self, queryset: Any, word: str) -> Any:
        """Compare the expiry with now."""
        if word == "accepted":
            return queryset.filter(is_accepted=True)
        is_over = Q(expires_at__lte=clock.now())
        rows = queryset.filter(is_accepted=False)
        return rows.filter(is_over) if word == "over" else rows.exclude(is_over)


@admin.register(Invitation)
class InvitationAdmin(ConsoleModelAdmin):
    """People asked to join by a link that works once."""

    form = InvitationForm
    list_display = ["email", "name", "state", "sent", "shown_expiry", "policy_names",
                    "inviter"]  # fmt: skip
    list_filter = [StateFilter]
    search_fields = ["email", "first_name", "last_name"]
    actions = ["send_again", "revoke"]
    empty_hint = "Invite somebody: they get a mail with a link that works once."

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new invitation is a form; a sent one is read."""
        who = ["email", "first_name", "last_name", "contact_number"]
        if obj is None:
            return [
                (None, {"fields": who}),
                ("Access", {"fields": ["policies", "access_ends_at", "expires_at"]}),
            ]
        facts = ["state", "policy_names", "access_ends_at", "sent", "expires_at", "inviter"]
        return [(None, {"fields": who}), ("Invitation", {"fields": facts})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What was sent stays as it was sent."""
        shown = ["state", "policy_names", "sent", "inviter"]
        return [*super().get_readonly_fields(request, obj), *shown]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An invitation is sent again or revoked, not edited."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It is revoked, and stays in the list (A3.8)."""
        return False

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **o: Any
    ) -> Any:
        """Offer the policies one may attach."""
        form = super().get_form(request, obj, change, **o)
        if field := form.base_fields.get("policies"):
            holdings.offer_policies(request, field, [], "config:retrieve")
        if field := form.base_fields.get("email"):
            field.label = "E-mail"
        if field := form.base_fields.get("expires_at"):
            field.label = "Link expires"
            field.required = False
            field.help_text = "When the link stops working. Empty: 30 days from now."
        if field := form.base_fields.get("access_ends_at"):
            field.label = "Access ends"
            field.help_text = "Until when the person may log in. Empty: for ever."
        for name in ("first_name", "last_name"):
            if field := form.base_fields.get(name):
                field.help_text = "May be empty for somebody who has an account already."
        return form

    def create_row(self, request: HttpRequest, row: Invitation, form: Any) -> None:
        """Send the invitation."""
        row.policy_ids = [str(policy.pk) for policy in form.cleaned_data["policies"]]
        invitations.invite(row, by=request.principal, by_mail=mail.is_set_up())
        _hand_over(request, row)
        if not row.policy_ids:
            messages.warning(
                request,
                f"{row.email} gets no permission policy and will see nothing after joining."
                " Attach a policy to the user, or invite them again with one.",
            )

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """Look up what the page of one invitation shows."""
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            self.complete(request, [row])
        return row

    def complete(self, request: HttpRequest, rows: list[Any]) -> None:
        """Look up inviters, policies and later invitations, for all rows at once."""
        known = names.linked(request, [row.created_by for row in rows])
        wanted = {one for row in rows for one in row.policy_ids}
        policies = PermissionPolicy.objects.for_organization(request.organization)
        titles = {str(row.pk): row.name for row in policies.filter(pk__in=wanted)}
        later = Invitation.objects.for_organization(request.organization).filter(
            email__in={row.email for row in rows}
        )
        newest: dict[str, Any] = {}
        for email, at in later.order_by("created_at").values_list("email", "created_at"):
            newest[email.lower()] = at
        for row in rows:
            row.inviter_name = known.get(row.created_by, show.NOTHING)
            row.policy_list = [titles.get(one, "a deleted policy") for one in row.policy_ids]
            row.is_replaced = newest.get(row.email.lower(), row.created_at) > row.created_at

    @display(description="Name")
    def name(self, row: Invitation) -> str:
        """First and last name."""
        return f"{row.first_name} {row.last_name}".strip() or show.NOTHING

    @display(description="State")
    def state(self, row: Invitation) -> str:
        """Open, accepted, or why it cannot be accepted any more."""
        if row.is_accepted:
            return show.label("accepted", "good")
        if row.token_hash is None and row.is_replaced:
            return show.label("replaced")
        if row.expires_at > clock.now():
            return show.label("open", "busy")
        is_revoked = row.token_hash is None
        return show.label("revoked", "bad") if is_revoked else show.label("expired", "warn")

    @display(description="Expires", ordering="expires_at")
    def shown_expiry(self, row: Invitation) -> str:
        """When the link stops working."""
        return show.instant(row.expires_at)

    @display(description="Policies")
    def policy_names(self, row: Invitation) -> str:
        """The policies the person gets."""
        return holdings.summary(row.policy_list)

    @display(description="Invited by")
    def inviter(self, row: Invitation) -> str:
        """Who sent it."""
        return row.inviter_name

    @display(description="Sent", ordering="created_at")
    def sent(self, row: Invitation) -> str:
        """When it was sent first."""
        return show.instant(row.created_at)

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Sending again and revoking change invitations (A5.12)."""
        return self._allows(request, "change")

    @action(description="Send again", permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet) -> None:
        """A new link, good for 30 days; the one before stops working."""
        by_mail = mail.is_set_up()
        done = "sent again" if by_mail else "renewed"
        for row in self._each(request, queryset, invitations.send_again, done, by_mail=by_mail):
            _hand_over(request, row)

    @action(description="Revoke", permissions=["send"])
    def revoke(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Make the links useless."""
        self._each(request, queryset, invitations.revoke, "revoked")

    def _each(
        self, request: HttpRequest, queryset: QuerySet, change: Any, done: str, **how: Any
    ) -> list[Invitation]:
        """Change each invitation, say what was refused, and return those that were changed."""
        changed = []
        for row in queryset:
            try:
                changed.append(change(row, by=request.principal, **how))
            except DomainError as refusal:
                telling.refused(request, refusal)
            else:
                messages.success(request, f"The invitation of {row.email} is {done}.")
        return changed


def _hand_over(request: HttpRequest, row: Invitation) -> None:
    """Show the link once where no mail can carry it."""
    if mail.is_set_up():
        return
    messages.warning(
        request,
        format_html(
            "No mail is set up (EMAIL_URL), so {} got none. Give them this link; it works once, is"
            " shown only now, and anybody who has it can join: {}",
            row.email,
            format_html("<code>{}</code>", invitations.link_to(row)),
        ),
    )
