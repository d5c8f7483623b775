"""Who somebody is whom an organization's provider vouches for, and whether they may enter.

Members and people with an open invitation get in, nobody else. The first sign-in goes by the
verified e-mail address and binds the person to issuer and subject; from then on only those count,
so that an address given to somebody else later opens nothing.
"""

from django.db import transaction

from organizations import audit, invitations
from organizations.kernel import changes, clock, principals
from organizations.kernel.errors import DomainError
from organizations.models import Invitation, Membership, ProviderIdentity, SignInSettings, User
from organizations.signin import trail
from organizations.signin.provider import Claims


class NotAdmitted(DomainError):
    """The provider knows the person, the organization does not let them in."""

    status_code = 403
    code = "NOT_ADMITTED"


def admit(row: SignInSettings, claims: Claims) -> User:
    """Return the person, a member now if an invitation was open. Raises ``NotAdmitted``."""
    try:
        with transaction.atomic():
            return _recognise(row, claims)
    except NotAdmitted as refusal:
        # In the trail of the organization only: what it says is about its own provider.
        audit.record(
            principals.system(row.organization_id),
            "sign-in refused",
            "config:orgUser",
            difference={
                "email": [None, claims.email],
                "subject": [None, claims.subject],
                "reason": [None, refusal.message],
            },
            is_allowed=False,
        )
        raise


def is_domain_allowed(row: SignInSettings, email: str) -> bool:
    """Return whether the organization takes addresses of this domain; it may take all."""
    domain = email.rpartition("@")[2].lower()
    return not row.provider_domains or domain in row.provider_domains


def _recognise(row: SignInSettings, claims: Claims) -> User:
    known = (
        ProviderIdentity.objects.for_organization(row.organization_id)
        .filter(issuer=claims.issuer, subject=claims.subject)
        .select_related("user")
        .first()
    )
    if known is not None:
        _require_current(row, known.user)
        return known.user
    if not claims.email or not claims.is_email_verified:
        raise NotAdmitted("The provider has not verified an e-mail address of yours.")
    if not is_domain_allowed(row, claims.email):
        raise NotAdmitted("Addresses of this domain are not let in.")
    person = User.objects.filter(email__iexact=claims.email).first()
    if person is None or not _is_member(row, person):
        person = _follow_invitation(row, claims, person)
    _require_current(row, person)
    _bind(row, claims, person)
    return person


def _is_member(row: SignInSettings, person: User) -> bool:
    members = Membership.objects.for_organization(row.organization_id)
    return members.filter(user=person).exists()


def _require_current(row: SignInSettings, person: User) -> None:
    if not person.is_active or row.organization_id not in person.current_organization_ids():
        raise NotAdmitted("Your access has ended. Ask an administrator to restore it.")


def _follow_invitation(row: SignInSettings, claims: Claims, person: User | None) -> User:
    """Accept the open invitation of the verified address, as if its link had been followed."""
    invitation = (
        Invitation.objects.for_organization(row.organization_id)
        .filter(email__iexact=claims.email, is_accepted=False, expires_at__gt=clock.now())
        .order_by("-created_at", "-pk")
        .first()
    )
    if invitation is None:
        raise NotAdmitted("You are not a member of this organization. Ask for an invitation.")
    if person is None:
        person = User.objects.create_user(
            invitation.email,
            None,  # no password: they can choose one by mail
            first_name=claims.first_name or invitation.first_name,
            last_name=claims.last_name or invitation.last_name,
            contact_number=invitation.contact_number,
        )
    invitations.join(invitation, person)
    return person


def _bind(row: SignInSettings, claims: Claims, person: User) -> None:
    others = ProviderIdentity.objects.for_organization(row.organization_id).filter(
        issuer=claims.issuer, user=person
    )
    if others.exists():
        raise NotAdmitted(
            "The provider knew another person by this e-mail address before. "
            "Ask an administrator to unlink it."
        )
    changes.create(
        ProviderIdentity(
            organization_id=row.organization_id,
            user=person,
            issuer=claims.issuer,
            subject=claims.subject,
        ),
        by=trail.principal_of(person, row.organization_id),
    )
