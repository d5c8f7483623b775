"""Service users and their keys: make, switch and delete them, with the audit entry of each.

A key that is made inactive or deleted cannot obtain tokens; tokens it has obtained stop working
in this process at once and in others within ``tokens.KEY_CACHE_SECONDS`` (A4.6: 60 s).
"""

from uuid import UUID

from django.db import transaction

from organizations import giving, people, tokens
from organizations.kernel import changes
from organizations.kernel.principals import Principal
from organizations.models import (
    AccessKey,
    AccessKeyStatus,
    PermissionPolicy,
    PrincipalType,
    ServiceUser,
)


def make_key(
    service_user: ServiceUser, *, by: Principal, key_id: UUID | None = None
) -> tuple[AccessKey, str]:
    """Return a new active key and its secret, which cannot be read again (A4.4).

    ``key_id`` makes the call safe to repeat: the second one is refused.
    """
    giving.require(by, _policies_of(service_user))
    with changes.refusing():
        key, secret = tokens.make_key(service_user, created_by=by.id, key_id=key_id)
        changes.created_many([key], by=by)
    return key, secret


def set_status(
    key: AccessKey, status: AccessKeyStatus, *, by: Principal, version: int | None = None
) -> AccessKey:
    """Switch a key on or off; refuses to switch off the last way in of an Administrator."""
    with transaction.atomic():
        if status == AccessKeyStatus.ACTIVE != key.status:
            giving.require(by, _policies_of(key.service_user))
        with changes.editing(key, by=by, version=version) as changed:
            changed.status = status
        if status == AccessKeyStatus.INACTIVE and people.is_administrator(key.service_user):
            people.require_administrator(key.organization_id)
    _forget()
    return changed


def delete_key(key: AccessKey, *, by: Principal) -> AccessKey:
    """Delete a key and return it as it was; refuses like ``set_status``."""
    with transaction.atomic():
        deleted = changes.delete(key, by=by)
        if people.is_administrator(key.service_user):
            people.require_administrator(key.organization_id)
    _forget()
    return deleted


def delete(service_user: ServiceUser, *, by: Principal) -> ServiceUser:
    """Delete a service user with its keys and the policies attached to it (A4.6)."""
    with transaction.atomic():
        changes.locked(service_user)  # whoever attaches a policy to it meanwhile waits
        people.set_policies(service_user, [], by=by)
        for key in service_user.access_keys.order_by("pk"):
            changes.delete(key, by=by)
        deleted = changes.delete(service_user, by=by)
    _forget()
    return deleted


def _policies_of(service_user: ServiceUser) -> list[PermissionPolicy]:
    kind = PrincipalType.SERVICEUSER
    return giving.attached(service_user.organization_id, kind, [service_user.pk])


def _forget() -> None:
    """Let this process ask again once the change can be seen."""
    transaction.on_commit(tokens.forget_keys)
