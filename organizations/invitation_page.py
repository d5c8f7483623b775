"""The page an invitation's link leads to: prove who you are, or make an account, and join."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import authenticate, login, password_validation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from organizations import attempts, invitations
from organizations.kernel import clock
from organizations.kernel.console.permissions import Permissions
from organizations.kernel.errors import DomainError
from organizations.models import Invitation, Organization, User

BACKEND = "django.contrib.auth.backends.ModelBackend"


class JoinForm(forms.Form):
    """For somebody who has an account: the password proves that they are who was invited."""

    password = forms.CharField(
        strip=False, widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password"})
    )

    def __init__(self, *args: Any, request: HttpRequest, person: User, **options: Any) -> None:
        super().__init__(*args, **options)
        self.request, self.person = request, person

    def clean_password(self) -> str:
        """Check the password; guessing is limited as at the login."""
        who = {"email": self.person.email.lower(), "address": self.request.META["REMOTE_ADDR"]}
        if attempts.LOGIN.are_locked(**who):
            raise forms.ValidationError(
                "Too many failed attempts. Wait 15 minutes and try again.", code="throttled"
            )
        password = self.cleaned_data["password"]
        if authenticate(self.request, username=self.person.email, password=password) is None:
            attempts.LOGIN.failed(**who)
            raise forms.ValidationError("This is not the password of your account.")
        ends = self.person.temporary_password_expires_at
        if self.person.must_change_password and ends is not None and ends <= clock.now():
            raise forms.ValidationError("This temporary password has expired.")
        attempts.LOGIN.forget(email=who["email"])
        return password


class AlreadyInForm(forms.Form):
    """For somebody who is logged in with the invited address: nothing to ask."""


class AccountForm(forms.Form):
    """For a new person: their name and a password of their own."""

    first_name = forms.CharField(max_length=100, widget=UnfoldAdminTextInputWidget)
    last_name = forms.CharField(max_length=100, widget=UnfoldAdminTextInputWidget)
    password = forms.CharField(
        strip=False, widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
    )
    repeated = forms.CharField(
        label="Password again",
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    def clean_password(self) -> str:
        """Hold the password to the rules of the installation."""
        password_validation.validate_password(self.cleaned_data["password"])
        return self.cleaned_data["password"]

    def clean(self) -> dict[str, Any]:
        """Both passwords are the same."""
        cleaned = super().clean() or {}
        if "password" in cleaned and cleaned["password"] != cleaned.get("repeated"):
            self.add_error("repeated", "The two passwords differ.")
        return cleaned


@never_cache
@csrf_protect
@require_http_methods(["GET", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Show the invitation; a POST accepts it and logs the person in."""
    try:
        invitation = invitations.find(token)
        person = invitations.person_of(invitation)
        form = _form(request, invitation, person)
        if request.method == "POST" and form.is_valid():
            return _join(request, token, person, form)
    except DomainError as refusal:
        return _page(request, {"refusal": refusal.message}, status=refusal.status_code)
    return _page(
        request,
        {
            "form": form,
            "invitation": invitation,
            "is_new": person is None,
            "invited_by": Organization.objects.get(pk=invitation.organization_id),
        },
    )


def _form(request: HttpRequest, invitation: Invitation, person: User | None) -> forms.Form:
    data = request.POST if request.method == "POST" else None
    if person is None:
        names = {"first_name": invitation.first_name, "last_name": invitation.last_name}
        return AccountForm(data, initial=names)
    if request.user.is_authenticated and request.user.pk == person.pk:
        return AlreadyInForm(data)
    return JoinForm(data, request=request, person=person)


def _join(request: HttpRequest, token: str, person: User | None, form: forms.Form) -> HttpResponse:
    if person is None:
        values = form.cleaned_data
        membership = invitations.accept_as_new(
            token,
            first_name=values["first_name"],
            last_name=values["last_name"],
            password=values["password"],
        )
    else:
        membership = invitations.accept(token, person)
    if request.user.pk != membership.user_id:
        login(request, membership.user, backend=BACKEND)
    request.session["organization"] = str(membership.organization_id)
    return HttpResponseRedirect(reverse("admin:index"))


def _page(request: HttpRequest, content: dict[str, Any], status: int = 200) -> HttpResponse:
    # The frame of the console asks for these; nobody has chosen an organization here.
    request.organization, request.organizations = None, []
    request.principal, request.permissions = None, Permissions(None)
    context = {**admin.site.each_context(request), "title": "Invitation", **content}
    response = TemplateResponse(request, "organizations/invitation.html", context, status=status)
    response["Referrer-Policy"] = "no-referrer"  # the address is a secret
    return response
