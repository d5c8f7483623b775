"""Which organizations an open session may enter, and what it lacks for the others.

A session opened with a password enters what asks for no more; one opened through a provider enters
only the organizations that trust this very provider: whoever runs the provider of one organization
must not become somebody else in another.
"""

from collections.abc import Iterable
from enum import Enum
from uuid import UUID

from organizations.models import Membership, Organization, SecondFactor, SignInSettings, User
from organizations.signin.sessions import Way


class Barrier(Enum):
    """What a session lacks to enter an organization."""

    CODE = "Enter a code of your second factor"
    SECOND_FACTOR = "Set up a second factor"
    PROVIDER = "Sign in through its provider"
    PASSWORD = "Sign in with your password"


def settings_of(organization_id: UUID) -> SignInSettings:
    """Return what an organization asks for; nothing when it has never said."""
    found = SignInSettings.objects.for_organization(organization_id).first()
    return found or SignInSettings(organization_id=organization_id)


def barriers(user: User, organizations: Iterable[Organization], way: Way) -> dict[UUID, Barrier]:
    """Return the barrier of each organization this session may not enter (yet)."""
    wanted = {organization.pk for organization in organizations}
    rows = SignInSettings.objects.filter(organization_id__in=wanted)
    if way.is_provider:
        same = rows.filter(provider_issuer=way.issuer, provider_client_id=way.client_id)
        entered = set(same.values_list("organization_id", flat=True))
        return dict.fromkeys(wanted - entered, Barrier.PASSWORD)
    strict = [
        *rows.filter(requires_second_factor=True),
        *rows.filter(requires_second_factor=False, requires_provider=True),
    ]
    if not strict:
        return {}
    return {
        row.organization_id: barrier
        for row in strict
        if (barrier := _barrier_of_password(user, row, way)) is not None
    }


def _barrier_of_password(user: User, row: SignInSettings, way: Way) -> Barrier | None:
    # Support users and operators are unknown to the provider: they give a second factor instead.
    if row.requires_provider and _is_member(user, row.organization_id):
        return Barrier.PROVIDER
    if way.has_second_factor:
        return None
    has_one = SecondFactor.objects.filter(user=user).exists()
    return Barrier.CODE if has_one else Barrier.SECOND_FACTOR


def _is_member(user: User, organization_id: UUID) -> bool:
    return Membership.objects.for_organization(organization_id).filter(user=user).exists()
