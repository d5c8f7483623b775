"""Log in with an e-mail address; refuse guessing and passwords that were temporary too long."""

import hashlib
from typing import Any

from django import forms
from django.core.cache import cache
from django.core.exceptions import ValidationError
from unfold.forms import AdminOwnPasswordChangeForm, AuthenticationForm

from organizations.kernel import clock
from organizations.kernel.console import entry
from organizations.models import User

ATTEMPTS = 10
WINDOW_SECONDS = 15 * 60


class ConsoleLoginForm(AuthenticationForm):
    """The login form; after ten failures of one e-mail from one address it waits 15 minutes."""

    username = forms.EmailField(label="E-mail", widget=forms.EmailInput(attrs={"autofocus": True}))

    def clean(self) -> dict[str, Any]:
        """Check the password unless there were too many failures."""
        key = self._key()
        if cache.get(key, 0) >= ATTEMPTS:
            raise ValidationError(
                "Too many failed attempts. Wait 15 minutes and try again.", code="throttled"
            )
        try:
            cleaned = super().clean()
        except ValidationError:
            cache.add(key, 0, WINDOW_SECONDS)
            cache.incr(key)
            raise
        cache.delete(key)
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

    def _key(self) -> str:
        email = str(self.data.get("username", "")).strip().lower()
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        return f"login:{hashlib.sha256(f'{email}|{address}'.encode()).hexdigest()}"


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
