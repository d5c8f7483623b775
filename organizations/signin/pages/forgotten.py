"""Choose another password by mail, for somebody who forgot theirs."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminPasswordWidget

from organizations.models import User
from organizations.signin import passwords
from organizations.signin.pages.frame import page


class ForgottenForm(forms.Form):
    """The address the link goes to."""

    email = forms.EmailField(
        label="E-mail", widget=UnfoldAdminEmailInputWidget(attrs={"autofocus": True})
    )


class NewPasswordForm(SetPasswordForm):
    """A new password, twice."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for field in self.fields.values():
            field.widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
        self.fields["new_password2"].label = "Password again"

    def save(self, commit: bool = True) -> User:
        """Set the password; every session and token of the person ends."""
        passwords.change(self.user, self.cleaned_data["new_password1"], request=None)
        return self.user


@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Take an address; the answer is the same whether somebody has it or not."""
    form = ForgottenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        address = request.META.get("REMOTE_ADDR") or ""
        passwords.ask_for_link(form.cleaned_data["email"], address=address)
        return page(
            request, "mailed", title="Look into your mail", email=form.cleaned_data["email"]
        )
    return page(request, "forgotten", title="Forgotten password", form=form)


class ChooseView(PasswordResetConfirmView):
    """Where the mail's link leads; Django moves its secret out of the address first."""

    form_class = NewPasswordForm
    template_name = "organizations/signin/new_password.html"

    def get_user(self, uidb64: str) -> User | None:
        """Return the person of the link, unless they may not choose a password (any more)."""
        user = super().get_user(uidb64)
        is_out = user is None or not user.is_active or passwords.is_outdated(user)
        return None if is_out else user

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add what the console's frame needs."""
        return {**admin.site.each_context(self.request), **super().get_context_data(**kwargs)}

    def form_valid(self, form: NewPasswordForm) -> HttpResponse:
        """Set it; logging in with it comes next, second factor included."""
        super().form_valid(form)
        messages.success(self.request, "Your password is changed. Log in with it.")
        return HttpResponseRedirect(reverse("admin:login"))

    def get_success_url(self) -> str:
        """Lead to the login."""
        return reverse("admin:login")

    def render_to_response(self, context: dict[str, Any], **options: Any) -> HttpResponse:
        """Nobody keeps the page, and no other site learns its address."""
        response = super().render_to_response(context, **options)
        # With no-referrer browsers would send the form without an origin, and it were refused.
        response["Referrer-Policy"] = "same-origin"
        return response
