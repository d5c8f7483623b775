"""From the login form into the console: the password, a code where one is set up, and the choice
of an organization where there are several."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminTextInputWidget

from organizations import attempts
from organizations.kernel import clock, ids
from organizations.models import User
from organizations.signin import devices, second_factor, sessions, trail
from organizations.signin.pages.frame import page, redirect, wanted_page
from organizations.signin.sessions import Way

PENDING = "password_given"
PENDING_SECONDS = 600


class ConsoleLoginView(LoginView):
    """The login form; with a second factor the session is opened by its code only."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Ask for the code, or go in."""
        return after_password(self.request, form.get_user(), self.get_success_url())


class CodeForm(forms.Form):
    """One code, of the app or for recovery."""

    code = forms.CharField(
        max_length=40,
        widget=UnfoldAdminTextInputWidget(
            attrs={
                "autocomplete": "one-time-code",
                "autofocus": True,
                "autocapitalize": "off",
                "spellcheck": "false",
                "placeholder": "123456",
            }
        ),
    )

    def __init__(self, *args: Any, user: User, **options: Any) -> None:
        super().__init__(*args, **options)
        self.user = user

    def clean_code(self) -> str:
        """Check the code; guessing is limited."""
        code = self.cleaned_data["code"]
        check_code(self.user, code)
        return code


def check_code(user: User, code: str) -> None:
    """Raise ``ValidationError`` unless the code is right; it is used up."""
    who = {"person": str(user.pk)}
    if not attempts.SECOND_FACTOR.begin(**who):
        raise forms.ValidationError(
            "Too many failed attempts. Wait 15 minutes and try again.", code="throttled"
        )
    if not second_factor.check(user, code):
        raise forms.ValidationError("This code is not valid. Enter the one your app shows now.")
    attempts.SECOND_FACTOR.forget(**who)


def after_password(request: HttpRequest, user: User, wanted: str) -> HttpResponse:
    """Go on with somebody who has given the right password."""
    if not second_factor.is_set_up(user):
        return arrive(request, user, Way(), wanted)
    request.session.cycle_key()
    request.session[PENDING] = {
        "user": str(user.pk),
        "hash": user.get_session_auth_hash(),
        "until": clock.now().timestamp() + PENDING_SECONDS,
        "next": wanted,
    }
    return redirect("signin:code")


@never_cache
@require_http_methods(["GET", "POST"])
def enter_code(request: HttpRequest) -> HttpResponse:
    """Ask somebody who has given the password for a code."""
    pending = request.session.get(PENDING) or {}
    user = _pending_user(pending)
    if user is None:
        return redirect("admin:login")
    form = CodeForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        del request.session[PENDING]
        return arrive(request, user, Way(has_second_factor=True), pending["next"])
    return page(request, "code", title="Second factor", form=form, back=reverse("admin:login"))


def _pending_user(pending: dict[str, Any]) -> User | None:
    if pending.get("until", 0) <= clock.now().timestamp():
        return None
    user = User.objects.filter(pk=ids.parse(pending["user"]), is_active=True).first()
    # A password changed in the meantime was perhaps changed because somebody else knew it.
    is_same = user is not None and pending["hash"] in {
        user.get_session_auth_hash(),
        *user.get_session_auth_fallback_hash(),
    }
    return user if is_same else None


def arrive(
    request: HttpRequest, user: User, way: Way, wanted: str, organization_id: UUID | None = None
) -> HttpResponse:
    """Open the session and lead on, into an organization or to the choice where there is one."""
    from organizations.kernel.console import entry

    sessions.start(request, user, way)
    trail.record(
        user,
        "signed in",
        way="provider" if way.is_provider else "password",
        secondFactor=way.has_second_factor,
    )
    if organization_id is not None:
        request.session[entry.SESSION_KEY] = str(organization_id)
    is_choice = entry.SESSION_KEY not in request.session and len(entry.organizations_of(user)) > 1
    response: HttpResponse = HttpResponseRedirect(wanted)
    if is_choice:
        onward = "" if wanted == reverse("admin:index") else wanted
        response = redirect("signin:organizations", next=onward)
    if not way.is_provider:
        devices.remember(request, response, user.email)
    return response


@never_cache
@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """Ask somebody who is in for a code, because an organization asks for it."""
    if not request.user.is_authenticated:
        return redirect("admin:login", next=request.path)
    wanted = wanted_page(request)
    if sessions.way_of(request).has_second_factor or not second_factor.is_set_up(request.user):
        return HttpResponseRedirect(wanted)
    form = CodeForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        sessions.add_second_factor(request)
        return HttpResponseRedirect(wanted)
    return page(
        request, "code", title="Second factor", form=form, next=wanted,
        back=reverse("signin:organizations"),
    )  # fmt: skip
