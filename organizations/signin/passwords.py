"""Change a person's password, and let somebody who forgot it choose another by mail.

The link of the mail works once and for ``PASSWORD_RESET_TIMEOUT`` seconds: it is signed over the
password and the latest login, so either of them changing ends it; nothing of it is stored.
Whoever asks learns nothing about who exists: page, time taken and queued work are the same.
"""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from organizations import attempts, mail, personal_tokens
from organizations.kernel import clock
from organizations.models import User
from organizations.signin import sessions, trail


def ask_for_link(email: str, *, address: str) -> None:
    """Let a link be mailed when the address is known; never says whether it is.

    After five in an hour for one e-mail address, or fifty from one network address, no more.
    """
    from organizations import tasks

    email = email.strip().lower()
    who = {"email": email, "address": address}
    if attempts.PASSWORD_LINK.are_locked(**who):
        return
    attempts.PASSWORD_LINK.failed(**who)
    mail.enqueue(tasks.mail_password_link, email=email)


def mail_link(email: str) -> None:
    """Mail the link, or who can help; does nothing for an address nobody has here."""
    user = User.objects.filter(email__iexact=email, is_active=True).first()
    if user is None or not (
        user.is_superuser or user.is_support or user.current_organization_ids()
    ):
        return
    if is_outdated(user):
        mail.send("password_outdated", to=user.email, subject="Your temporary password has expired")
        return
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    mail.send(
        "password_link",
        to=user.email,
        subject="Choose a new password for Billwright",
        link=settings.PUBLIC_URL + reverse("signin:reset", args=[uid, token]),
        ends=clock.now() + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT),
    )


def is_outdated(user: User) -> bool:
    """Return whether the password is a temporary one that nobody replaced in time (A2.12)."""
    ends = user.temporary_password_expires_at
    return user.must_change_password and ends is not None and ends <= clock.now()


def change(
    user: User, password: str, *, request: HttpRequest | None, is_temporary: bool = False
) -> None:
    """Set a password; every other session and every token of the person ends."""
    with transaction.atomic():
        user.set_password(password)
        user.must_change_password = is_temporary
        if not is_temporary:
            user.temporary_password_expires_at = None
        user.save()
        personal_tokens.revoke_all(user)
        is_own = request is not None and request.user.pk == user.pk
        sessions.end_all(user, but=request if is_own else None)
        trail.record(user, "password changed")
    attempts.LOGIN.forget(email=user.email.lower())
