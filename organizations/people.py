"""Let people into an organization and out of it; which policies speak of them.

A new person gets a temporary password by mail, valid for 30 days (A2.12), which has to be replaced
at the first login. Nobody else is shown it: who could log in as somebody would be them in every
organization they ever join.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse

from organizations import audit, giving, mail, resource_groups
from organizations.founding import ADMINISTRATOR, TEMPORARY_PASSWORD_LASTS
from organizations.kernel import changes, clock
from organizations.kernel.errors import DomainError, FieldRefused
from organizations.kernel.principals import Principal
from organizations.models import (
    AccessKey,
    AccessKeyStatus,
    Membership,
    PermissionPolicy,
    PolicyAttachment,
    PrincipalType,
    ServiceUser,
    User,
)
from organizations.policy_coverage import gained

NOBODY_LEFT = (
    "the organization would be left without anybody who holds the Administrator policy and "
    "whose access does not end"
)


class LastAdministrator(DomainError):
    """Somebody has to be left who may change policies, today and on every later day (A2.10)."""

    def __init__(self) -> None:
        super().__init__(f"{NOBODY_LEFT[0].upper()}{NOBODY_LEFT[1:]}.")


def find_or_make(email: str) -> tuple[User, bool]:
    """Return the person with this address, and whether they were made now.

    To somebody new a temporary password has to be mailed (``let_password_be_mailed``).
    """
    existing = User.objects.filter(email__iexact=email).first()
    if existing is not None:
        return existing, False
    ends = clock.now() + TEMPORARY_PASSWORD_LASTS
    made = User.objects.create_user(
        email,
        secrets.token_urlsafe(32),  # known to nobody; that of the mail replaces it
        must_change_password=True,
        temporary_password_expires_at=ends,
    )
    return made, True


def let_password_be_mailed(membership: Membership) -> None:
    """Have a temporary password made and mailed by the workers, after the commit."""
    from organizations import tasks

    mail.enqueue(tasks.mail_temporary_password, membership_id=str(membership.pk))


def renew_password(membership: Membership) -> str:
    """Return a new temporary password; refused once the person has one of their own (A2.12)."""
    user = User.objects.select_for_update().get(pk=membership.user_id)
    _require_temporary(user)
    password = secrets.token_urlsafe(12)
    user.set_password(password)
    user.temporary_password_expires_at = clock.now() + TEMPORARY_PASSWORD_LASTS
    user.save(update_fields=["password", "temporary_password_expires_at"])
    return password


def resend_password(membership: Membership, *, by: Principal) -> None:
    """Let a new temporary password be mailed; refused as ``renew_password`` is."""
    _require_temporary(membership.user)
    with transaction.atomic():
        audit.record(by, "password resent", "config:orgUser", membership.user_id)
        let_password_be_mailed(membership)


def mail_temporary_password(membership: Membership) -> None:
    """Make a new temporary password and mail it; the one before stops working."""
    with transaction.atomic():
        password = renew_password(membership)
    mail.send(
        "temporary_password",
        to=membership.user.email,
        subject="Your temporary password for Billwright",
        password=password,
        login_url=settings.PUBLIC_URL + reverse("admin:login"),
        ends=clock.now() + TEMPORARY_PASSWORD_LASTS,
    )


def _require_temporary(user: User) -> None:
    if not user.must_change_password:
        raise DomainError(f"{user.email} has replaced the temporary password already.")


def replace(
    membership: Membership,
    *,
    statements: list[dict[str, Any]],
    access_ends_at: datetime | None,
    by: Principal,
    version: int,
) -> Membership:
    """Replace what an organization says about one of its people (A2.7, A2.10)."""
    with changes.editing(membership, by=by, version=version) as changed:
        check_remaining(changed, access_ends_at, by=by)
        giving.require(by, statements=gained(changed.statements, statements))
        changed.statements = statements
        changed.access_ends_at = access_ends_at
    return changed


def policies_of(membership: Membership) -> QuerySet:
    """Return the policies attached to a member."""
    return PermissionPolicy.objects.for_organization(membership.organization_id).filter(
        pk__in=attachments(membership).values("policy_id")
    )


def user_groups(membership: Membership, *, is_inherited: bool) -> QuerySet:
    """Return the resource groups of type ``user`` that hold a member.

    ``is_inherited`` adds the groups those groups are nested in, at every level (A2.4).
    """
    return resource_groups.holding(
        membership.organization_id, membership.user_id, is_inherited=is_inherited
    )


def end_access(membership: Membership, at: datetime | None, *, by: Principal) -> Membership:
    """Set when the access ends: now deactivates, None reactivates (A2.9)."""
    check_remaining(membership, at, by=by)
    with changes.editing(membership, by=by) as changed:
        changed.access_ends_at = at
    return changed


def check_remaining(membership: Membership, end: datetime | None, *, by: Principal) -> None:
    """Refuse to lock oneself out, or everybody who could let others in, now or later (A2.10).

    An administrator may have an end only while there is another one who has none.
    """
    if end is None:
        return
    if end <= clock.now() and membership.user_id == by.id:
        raise FieldRefused("dtEndAccess", "you cannot end your own access")
    is_one = is_administrator(membership)
    if is_one and not _has_administrator(membership.organization_id, but=membership):
        raise FieldRefused("dtEndAccess", NOBODY_LEFT)


def is_administrator(principal: Membership | ServiceUser) -> bool:
    """Return whether Administrator is attached to a member or a service user."""
    kind = PrincipalType.USER if isinstance(principal, Membership) else PrincipalType.SERVICEUSER
    identity = principal.user_id if isinstance(principal, Membership) else principal.pk
    return _holders(principal.organization_id, kind).filter(principal_id=identity).exists()


def require_administrator(organization_id: UUID) -> None:
    """Refuse what was just changed when it leaves no Administrator without an end (A2.10)."""
    if not _has_administrator(organization_id):
        raise LastAdministrator


def attachments_of(kind: PrincipalType, principal: Membership | ServiceUser) -> QuerySet:
    """Return what attaches policies to a member or a service user."""
    identity = principal.user_id if isinstance(principal, Membership) else principal.pk
    return PolicyAttachment.objects.for_organization(principal.organization_id).filter(
        principal_type=kind, principal_id=identity
    )


def attachments(membership: Membership) -> QuerySet:
    """Return what attaches policies to a member."""
    return attachments_of(PrincipalType.USER, membership)


def set_policies(
    principal: Membership | ServiceUser, policies: Iterable[PermissionPolicy], *, by: Principal
) -> None:
    """Attach exactly these policies to a member or a service user."""
    kind = PrincipalType.USER if isinstance(principal, Membership) else PrincipalType.SERVICEUSER
    attached = {row.policy_id: row for row in attachments_of(kind, principal)}
    wanted = {policy.pk: policy for policy in policies}
    giving.require(by, [wanted[one] for one in wanted.keys() - attached.keys()])
    for policy_id in wanted.keys() - attached.keys():
        changes.create(
            PolicyAttachment(
                organization_id=principal.organization_id,
                policy=wanted[policy_id],
                principal_type=kind,
                principal_id=getattr(principal, "user_id", principal.pk),
            ),
            by=by,
        )
    was_administrator = is_administrator(principal)
    for policy_id in attached.keys() - wanted.keys():
        changes.delete(attached[policy_id], by=by)
    if was_administrator and not is_administrator(principal):
        require_administrator(principal.organization_id)


def administrators(organization_id: UUID) -> QuerySet:
    """Return the memberships of people who hold Administrator themselves and may enter now."""
    return Membership.objects.for_organization(organization_id).filter(
        Q(access_ends_at__isnull=True) | Q(access_ends_at__gt=clock.now()),
        user_id__in=_holders(organization_id, PrincipalType.USER),
        user__is_active=True,
    )


def _holders(organization_id: UUID, kind: PrincipalType) -> QuerySet:
    """Return the ids of the principals of a kind that Administrator is attached to."""
    attached = PolicyAttachment.objects.for_organization(organization_id).filter(
        policy__name=ADMINISTRATOR, policy__is_managed=True, principal_type=kind
    )
    return attached.values("principal_id")


def _has_administrator(organization_id: UUID, *, but: Membership | None = None) -> bool:
    """Return whether an active person whose access does not end, or a service user with an
    active key, is Administrator."""
    people = administrators(organization_id).filter(access_ends_at__isnull=True)
    if but is not None:
        people = people.exclude(pk=but.pk)
    if people.exists():
        return True
    return AccessKey.objects.filter(
        organization_id=organization_id,
        status=AccessKeyStatus.ACTIVE,
        service_user_id__in=_holders(organization_id, PrincipalType.SERVICEUSER),
    ).exists()
