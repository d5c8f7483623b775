"""Log in with an e-mail address; refuse guessing and passwords that were temporary too long."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.forms import AdminOwnPasswordChangeForm, AuthenticationForm

from organizations import attempts
from organizations.kernel.console import entry
from organizations.models import User
from organizations.signin import devices, passwords, trail


class ConsoleLoginForm(AuthenticationForm):
    """The login form; who fails too often waits (see ``organizations.attempts``)."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "The e-mail address or the password is not right.",
    }
    username = forms.EmailField(label="E-mail", widget=forms.EmailInput(attrs={"autofocus": True}))

    def clean(self) -> dict[str, Any]:
        """Check the password unless there were too many failures."""
        if not (self.cleaned_data.get("username") and self.cleaned_data.get("password")):
            return super().clean()  # nothing was tried, so nothing is forgotten either
        who = self._who()
        email = self.cleaned_data["username"]
        if not attempts.LOGIN.begin(**who):
            trail.refused(email, "sign-in locked")
            raise ValidationError(
                "Too many failed attempts. Wait 15 minutes and try again.", code="throttled"
            )
        try:
            cleaned = super().clean()  # which raises for a wrong password: that counts
        except ValidationError:
            trail.refused(email, "sign-in failed")
            raise
        attempts.LOGIN.succeeded(**who)
        attempts.LOGIN.forget(**{kind: who[kind] for kind in attempts.OF_ONE_PERSON if kind in who})
        return cleaned

    def confirm_login_allowed(self, user: User) -> None:
        """Refuse who has no organization (any more) or an outdated temporary password."""
        super().confirm_login_allowed(user)
        if passwords.is_outdated(user):
            raise ValidationError(
                "This temporary password has expired. Ask an administrator for a new one."
            )
        if not user.is_superuser and not entry.organizations_of(user):
            raise ValidationError("Your access has ended. Ask an administrator to restore it.")

    def _who(self) -> dict[str, str]:
        """Return the identities that failures are counted against."""
        return devices.who(self.request, str(self.data.get("username", "")))


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """Change one's password; a temporary one is permanent afterwards."""

    request: HttpRequest | None = None

    def clean_old_password(self) -> str:
        """Check the old password; guessing at it is limited, whoever sits at an open session."""
        who = {"person": str(self.user.pk)}
        if not attempts.OLD_PASSWORD.begin(**who):
            raise ValidationError(
                "Too many failed attempts. Wait 15 minutes and try again.", code="throttled"
            )
        password: str = super().clean_old_password()
        attempts.OLD_PASSWORD.forget(**who)
        return password

    def clean_new_password1(self) -> str:
        """A temporary password is replaced, not kept."""
        password = self.cleaned_data["new_password1"]
        if self.user.must_change_password and self.user.check_password(password):
            raise ValidationError("Choose another password than the temporary one.")
        return password

    def save(self, commit: bool = True) -> User:
        """Set the new password; other sessions and the person's tokens end."""
        passwords.change(self.user, self.cleaned_data["new_password1"], request=self.request)
        return self.user
