"""Let somebody in again who is locked out; for operators with a shell on the server."""

import secrets
from dataclasses import dataclass

from django.db import transaction

from organizations import attempts
from organizations.founding import TEMPORARY_PASSWORD_LASTS
from organizations.kernel import changes, clock, principals
from organizations.models import ProviderIdentity, SignInSettings, User
from organizations.signin import passwords, second_factor, trail


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was done; the password is None when it was kept, and cannot be read again."""

    password: str | None
    is_second_factor_removed: bool
    unlinked: int
    opened: list[str]


def recover(
    user: User,
    *,
    password: bool = True,
    factor: bool = True,
    unlink: bool = False,
    provider: bool = False,
) -> Recovered:
    """Give a temporary password, remove the second factor, end every session and lockout.

    ``unlink`` forgets by which subject providers know the person; ``provider`` lets passwords into
    the person's organizations again that take only their provider's word.
    """
    with transaction.atomic():
        made = _give_password(user) if password else None
        removed = second_factor.remove(user) if factor else False
        unlinked = ProviderIdentity.objects.filter(user=user).delete()[0] if unlink else 0
        opened = _open_to_passwords(user) if provider else []
        trail.record(
            user,
            "access recovered",
            password=password,
            secondFactor=removed,
            unlinked=unlinked,
        )
    attempts.LOGIN.forget(email=user.email.lower())
    attempts.SECOND_FACTOR.forget(person=str(user.pk))
    return Recovered(made, removed, unlinked, opened)


def _give_password(user: User) -> str:
    made = secrets.token_urlsafe(12)
    user.temporary_password_expires_at = clock.now() + TEMPORARY_PASSWORD_LASTS
    passwords.change(user, made, request=None, is_temporary=True)
    return made


def _open_to_passwords(user: User) -> list[str]:
    rows = SignInSettings.objects.filter(
        organization_id__in=user.current_organization_ids(), requires_provider=True
    )
    opened = []
    for row in rows.select_related("organization").order_by("pk"):
        with changes.editing(row, by=principals.system(row.organization_id)) as changed:
            changed.requires_provider = False
        opened.append(row.organization.name)
    return opened
