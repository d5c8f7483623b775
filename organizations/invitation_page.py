"""The page an invitation's link leads to: prove who you are, or make an account, and join."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import authenticate, password_validation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from organizations import attempts, invitations
from organizations.kernel import isolation
from organizations.kernel.console import entry
from organizations.kernel.console.permissions import Permissions
from organizations.kernel.errors import DomainError
from organizations.models import Invitation, Organization, User
from organizations.signin import admission, devices, passwords, second_factor, sessions, trail
from organizations.signin.pages import arriving
from organizations.signin.sessions import Way


class ProviderWanted(DomainError):
    """The organization takes nobody's password."""

    def __init__(self) -> None:
        super().__init__("This organization asks you to sign in through its provider.")


class JoinForm(forms.Form):
    """For somebody who has an account: the password proves that they are who was invited.

    A second factor that is set up is asked for as at the login.
    """

    password = forms.CharField(
        strip=False, widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password"})
    )
    code = forms.CharField(
        label="Code of your authenticator app",
        max_length=40,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "one-time-code"}),
    )

    def __init__(self, *args: Any, request: HttpRequest, person: User, **options: Any) -> None:
        super().__init__(*args, **options)
        self.request, self.person = request, person
        if not second_factor.is_set_up(person):
            del self.fields["code"]

    def clean_password(self) -> str:
        """Check the password; guessing is limited as at the login."""
        who = devices.who(self.request, self.person.email)
        if not attempts.LOGIN.begin(**who):
            trail.refused(self.person.email, "sign-in locked")
            raise forms.ValidationError(
                "Too many failed attempts. Wait 15 minutes and try again.", code="throttled"
            )
        password = self.cleaned_data["password"]
        if authenticate(self.request, username=self.person.email, password=password) is None:
            trail.refused(self.person.email, "sign-in failed")
            raise forms.ValidationError("This is not the password of your account.")
        if passwords.is_outdated(self.person):
            raise forms.ValidationError("This temporary password has expired.")
        attempts.LOGIN.succeeded(**who)
        attempts.LOGIN.forget(**{kind: who[kind] for kind in attempts.OF_ONE_PERSON if kind in who})
        return password

    def clean(self) -> dict[str, Any]:
        """Check the code once the password was right."""
        cleaned = super().clean() or {}
        if "password" in cleaned and cleaned.get("code"):
            try:
                arriving.check_code(self.person, cleaned["code"])
            except forms.ValidationError as error:
                self.add_error("code", error)
        return cleaned


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
@isolation.everywhere()
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Show the invitation; a POST accepts it and logs the person in."""
    try:
        invitation = invitations.find(token)
        person = invitations.person_of(invitation)
        rules = admission.settings_of(invitation.organization_id)
        form = _form(request, invitation, person)
        if request.method == "POST" and rules.requires_provider:
            raise ProviderWanted
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
            "rules": rules,
            "other_person": _other_person(request, person),
        },
    )


def _other_person(request: HttpRequest, person: User | None) -> User | None:
    """Return who is logged in here, when it is not the one who is invited."""
    is_other = request.user.is_authenticated and (person is None or request.user.pk != person.pk)
    return request.user if is_other else None


def _form(request: HttpRequest, invitation: Invitation, person: User | None) -> forms.Form:
    data = request.POST if request.method == "POST" else None
    if person is None:
        names = {"first_name": invitation.first_name, "last_name": invitation.last_name}
        return AccountForm(data, initial=names)
    if (
        request.user.is_authenticated
        and request.user.pk == person.pk
        and _counts_here(request, invitation)
    ):
        return AlreadyInForm(data)
    return JoinForm(data, request=request, person=person)


def _counts_here(request: HttpRequest, invitation: Invitation) -> bool:
    """Whether the open session may know of who invites: another's provider proves nothing here."""
    invited_by = Organization.objects.get(pk=invitation.organization_id)
    return bool(admission.known_to(sessions.way_of(request), [invited_by]))


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
    home, organization_id = reverse("admin:index"), membership.organization_id
    if request.user.pk == membership.user_id:
        request.session[entry.SESSION_KEY] = str(organization_id)
        return HttpResponseRedirect(home)
    way = Way(has_second_factor="code" in form.cleaned_data)
    return arriving.arrive(request, membership.user, way, home, organization_id)


def _page(request: HttpRequest, content: dict[str, Any], status: int = 200) -> HttpResponse:
    # The frame of the console asks for these; nobody has chosen an organization here.
    request.organization, request.organizations = None, []
    request.principal, request.permissions = None, Permissions(None)
    context = {**admin.site.each_context(request), "title": "Invitation", **content}
    response = TemplateResponse(request, "organizations/invitation.html", context, status=status)
    # The address is a secret. With no-referrer browsers would send the form without an origin.
    response["Referrer-Policy"] = "same-origin"
    return response
