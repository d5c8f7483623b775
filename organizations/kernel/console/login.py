"""Log in with an e-mail address; refuse guessing and passwords that were temporary too long."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.forms import AdminOwnPasswordChangeForm, AuthenticationForm

from organizations import attempts
from organizations.kernel import clock
from organizations.kernel.console import entry
from organizations.models import User


class ConsoleLoginForm(AuthenticationForm):
    """The login form; who fails too often waits (see ``organizations.attempts``)."""

    username = forms.EmailField(label="E-mail", widget=forms.EmailInput(attrs={"autofocus": True}))

    def clean(self) -> dict[str, Any]:
        """Check the password unless there were too many failures."""
        who = self._who()
        if attempts.LOGIN.are_locked(**who):
            raise ValidationError(
                "Too many failed attempts. Wait 15 minutes and try again.", code="throttled"
            )
        try:
            cleaned = super().clean()
        except ValidationError:
            attempts.LOGIN.failed(**who)
            raise
        attempts.LOGIN.forget(email=who["email"])
        return cleaned

    def confirm_login_allowed(self, user: User) -> None:
        """Refuse who has no organization (any more) or an outdated temporary password."""
        super().confirm_login_allowed(user)
        ends = user.temporary_password_expires_at
        if user.must_change_password and ends is not None and ends <= clock.now():
            raise ValidationError(
                "This temporary password has expired. Ask an administrator for a new one."
            )
        if not user.is_superuser and not entry.organizations_of(user):
            raise ValidationError("Your access has ended. Ask an administrator to restore it.")

    def _who(self) -> dict[str, str]:
        """Return the identities that failures are counted against."""
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        return {"email": str(self.data.get("username", "")).strip().lower(), "address": address}


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """Change one's password; a temporary one is permanent afterwards."""

    def save(self, commit: bool = True) -> User:
        """Save the new password and stop asking for one."""
        user = super().save(commit=False)
        user.must_change_password = False
        user.temporary_password_expires_at = None
        if commit:
            user.save()
        return user
