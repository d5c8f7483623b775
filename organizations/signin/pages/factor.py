"""Set up, renew and remove a second factor; recovery codes are shown once."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from organizations.kernel import sealing
from organizations.signin import second_factor, sessions, trail
from organizations.signin.pages.arriving import CodeForm
from organizations.signin.pages.frame import own_account, page, redirect, wanted_page

SETTING_UP = "second_factor_secret"


class FirstCodeForm(CodeForm):
    """The first code of a new app: the secret is the one in the picture."""

    def __init__(self, *args: Any, secret: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.secret = secret
        self.recovery_codes: list[str] = []

    def clean_code(self) -> str:
        """Keep the secret when the app shows the right code."""
        try:
            self.recovery_codes = second_factor.set_up(
                self.user, self.secret, self.cleaned_data["code"]
            )
        except second_factor.CodeRefused as refusal:
            raise forms.ValidationError(refusal.message) from refusal
        return self.cleaned_data["code"]


@sensitive_post_parameters()
@own_account
@require_http_methods(["GET", "POST"])
def manage(request: HttpRequest) -> HttpResponse:
    """Show the picture to set up an app, or what is set up."""
    if second_factor.is_set_up(request.user):
        return _change(request)
    secret = _secret(request)
    form = FirstCodeForm(request.POST or None, user=request.user, secret=secret)
    if request.method == "POST" and form.is_valid():
        request.session.pop(SETTING_UP, None)
        sessions.add_second_factor(request)
        trail.record(request.user, "second factor set up")
        return _show_codes(request, form.recovery_codes)
    return page(
        request,
        "second_factor_new",
        title="Second factor",
        form=form,
        picture=second_factor.picture(request.user, secret),
        secret=" ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
        next=request.GET.get("next") or request.POST.get("next", ""),
    )


def _change(request: HttpRequest) -> HttpResponse:
    form = CodeForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        if request.POST.get("do") == "remove":
            second_factor.remove(request.user)
            trail.record(request.user, "second factor removed")
            messages.success(request, "Your second factor is removed.")
            return redirect("signin:profile")
        codes = second_factor.renew_recovery_codes(request.user)
        trail.record(request.user, "recovery codes renewed")
        sessions.add_second_factor(request)
        return _show_codes(request, codes)
    return page(
        request,
        "second_factor",
        title="Second factor",
        form=form,
        remaining=second_factor.remaining_codes(request.user),
    )


def _show_codes(request: HttpRequest, codes: list[str]) -> HttpResponse:
    onward = wanted_page(request, fallback="signin:profile")
    return page(request, "recovery_codes", title="Recovery codes", codes=codes, onward=onward)


def _secret(request: HttpRequest) -> str:
    """Return the secret of this set-up: the same until it is done, so that a reload is harmless."""
    try:
        return sealing.unseal(request.session.get(SETTING_UP, ""), purpose=second_factor.PURPOSE)
    except sealing.Unreadable:
        secret = second_factor.new_secret()
        request.session[SETTING_UP] = sealing.seal(secret, purpose=second_factor.PURPOSE)
        return secret
