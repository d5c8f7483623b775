"""Invite people: one mail with a link that works once, and what happens when it is followed.

The link carries 256 random bits; the database has their hash. Whoever can read the mailbox may
join, which is what an invitation means; somebody who has an account proves it besides.
"""

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from organizations import giving, mail
from organizations.kernel import changes, clock, ids, isolation
from organizations.kernel.errors import DomainError, FieldRefused
from organizations.kernel.principals import Principal
from organizations.models import (
    Invitation,
    Membership,
    Organization,
    OrganizationStatus,
    PermissionPolicy,
    PolicyAttachment,
    PrincipalType,
    User,
)
from organizations.signin import trail

LASTS = timedelta(days=30)


class NotOpen(DomainError):
    """The link is unknown, used, expired or replaced: never says which."""

    status_code = 410
    code = "INVITATION_NOT_OPEN"

    def __init__(self) -> None:
        super().__init__("This invitation is not valid any more. Ask for a new one.")


def invite(invitation: Invitation, *, by: Principal, by_mail: bool = True) -> Invitation:
    """Save a new invitation and let its mail be sent; an earlier one loses its link (A3.7).

    Without ``by_mail`` the caller hands over the link (``link_to``).
    """
    if invitation.expires_at is None:
        invitation.expires_at = clock.now() + LASTS
    if invitation.expires_at <= clock.now():
        raise FieldRefused("dtExpiry", "must lie in the future")
    if invitation.access_ends_at is not None and invitation.access_ends_at <= clock.now():
        raise FieldRefused("dtEndAccess", "must lie in the future")
    _check_policies(invitation)
    giving.require(by, _policies(invitation))
    members = Membership.objects.for_organization(invitation.organization_id)
    if members.filter(user__email__iexact=invitation.email).exists():
        raise FieldRefused("email", "is a member of this organization already")
    with transaction.atomic():
        _open(invitation).update(token_hash=None)
        changes.create(invitation, by=by)
        if by_mail:
            _enqueue(invitation)
    return invitation


def send_again(invitation: Invitation, *, by: Principal, by_mail: bool = True) -> Invitation:
    """Mail a new link, valid for 30 days from now; the one before stops working (A3.8)."""
    with changes.editing(invitation, by=by) as changed:
        if changed.is_accepted:
            raise DomainError(f"{changed.email} has accepted this invitation already.")
        changed.expires_at = clock.now() + LASTS
        changed.token_hash = None
        if by_mail:
            _enqueue(changed)
    return changed


def revoke(invitation: Invitation, *, by: Principal) -> Invitation:
    """Make an invitation useless from now on (A3.8)."""
    with changes.editing(invitation, by=by) as changed:
        if changed.is_accepted:
            raise DomainError(f"{changed.email} has accepted this invitation already.")
        changed.expires_at = clock.now()
        changed.token_hash = None
    return changed


def send_mail(invitation_id: str) -> None:
    """Make the link and mail it; does nothing for an invitation that is not open any more."""
    with transaction.atomic():
        found = Invitation.objects.select_for_update().filter(pk=ids.parse(invitation_id)).first()
        if found is None or found.is_accepted or found.expires_at <= clock.now():
            return
        token = renew_token(found)
    organization = Organization.objects.get(pk=found.organization_id)
    mail.send(
        "invitation",
        to=found.email,
        subject=f"Invitation to {organization.name}",
        name=f"{found.first_name} {found.last_name}".strip(),
        organization=organization.name,
        link=_address(token),
        ends=found.expires_at,
    )


def link_to(invitation: Invitation) -> str:
    """Return a new link for the invitation, to be handed over; the one before stops working."""
    return _address(renew_token(invitation))


def _address(token: str) -> str:
    return str(settings.PUBLIC_URL) + reverse("invitation", args=[token])


def renew_token(invitation: Invitation) -> str:
    """Return a new token for the link; only the newest one opens the invitation."""
    token = secrets.token_urlsafe(32)
    Invitation.objects.filter(pk=invitation.pk).update(token_hash=_hash(token))
    return token


def find(token: str) -> Invitation:
    """Return the open invitation of a link; raises ``NotOpen``."""
    found = Invitation.objects.filter(
        token_hash=_hash(token),
        is_accepted=False,
        expires_at__gt=clock.now(),
        organization__status=OrganizationStatus.ACTIVE,
    ).first()
    if found is None:
        raise NotOpen
    return found


def person_of(invitation: Invitation) -> User | None:
    """Return the account that exists for the invited address."""
    return User.objects.filter(email__iexact=invitation.email).first()


def accept(token: str, person: User) -> Membership:
    """Make the person a member with the invitation's policies; the link is used up (A3.6).

    The caller has made sure that ``person`` is who they say. Raises ``NotOpen`` when somebody
    was quicker.
    """
    with transaction.atomic():
        return join(find(token), person, token=token)


def join(invitation: Invitation, person: User, *, token: str | None = None) -> Membership:
    """Accept an invitation for a person; without ``token`` the address was proved otherwise.

    Raises ``NotOpen`` when it was used, revoked or sent again in the meantime.
    """
    by = trail.principal_of(person, invitation.organization_id)
    with isolation.within(invitation.organization_id), transaction.atomic():
        with changes.editing(invitation, by=by) as changed:
            is_same = token is None or bytes(changed.token_hash or b"") == _hash(token)
            if changed.is_accepted or not is_same or changed.expires_at <= clock.now():
                raise NotOpen
            changed.is_accepted = True
            changed.token_hash = None
        membership = changes.create(
            Membership(
                organization_id=changed.organization_id,
                user=person,
                access_ends_at=changed.access_ends_at,
            ),
            by=by,
        )
        for policy in _policies(changed):
            changes.create(
                PolicyAttachment(
                    organization_id=changed.organization_id,
                    policy=policy,
                    principal_type=PrincipalType.USER,
                    principal_id=person.pk,
                ),
                by=by,
            )
    return membership


def accept_as_new(token: str, *, first_name: str, last_name: str, password: str) -> Membership:
    """Make an account for the invited address, and accept."""
    with transaction.atomic():
        invitation = find(token)
        try:
            with changes.refusing():
                person = User.objects.create_user(
                    invitation.email,
                    password,
                    first_name=first_name,
                    last_name=last_name,
                    contact_number=invitation.contact_number,
                )
        except changes.ConstraintRefused as taken:  # somebody accepts it at this moment
            raise NotOpen from taken
        return accept(token, person)


def _check_policies(invitation: Invitation) -> None:
    known = {str(policy.pk) for policy in _policies(invitation)}
    for policy_id in invitation.policy_ids:
        if policy_id not in known:
            raise FieldRefused("permissionPolicyIds", f"no such permission policy: {policy_id}")


def _policies(invitation: Invitation) -> list[PermissionPolicy]:
    """Return the policies that (still) exist, each once."""
    policies = PermissionPolicy.objects.for_organization(invitation.organization_id)
    return list(policies.filter(pk__in=invitation.policy_ids).order_by("pk"))


def _open(invitation: Invitation) -> QuerySet:
    """Return the invitations of the same address that are not accepted."""
    others = Invitation.objects.for_organization(invitation.organization_id)
    return others.filter(email__iexact=invitation.email, is_accepted=False)


def _enqueue(invitation: Invitation) -> None:
    from organizations import tasks

    mail.enqueue(tasks.mail_invitation, invitation_id=str(invitation.pk))


def _hash(token: str) -> bytes:
    return hashlib.sha256(b"billwright invitation " + token.encode()).digest()
