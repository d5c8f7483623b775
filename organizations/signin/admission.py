"""Which organizations an open session may enter, and what it lacks for the others.

A session opened with a password enters what asks for no more; one opened through a provider knows
only the organizations that trust this very provider: whoever runs the provider of one organization
must not become somebody else in another, nor learn which others there are.
"""

from collections.abc import Iterable
from enum import Enum
from uuid import UUID

from django.db.models import Q

from organizations.models import Membership, Organization, SecondFactor, SignInSettings, User
from organizations.signin.sessions import Way


class Barrier(Enum):
    """What a session lacks to enter an organization."""

    CODE = "Enter a code of your second factor"
    SECOND_FACTOR = "Set up a second factor"
    PROVIDER = "Sign in through its provider"


def settings_of(organization_id: UUID) -> SignInSettings:
    """Return what an organization asks for; nothing when it has never said."""
    found = SignInSettings.objects.for_organization(organization_id).first()
    return found or SignInSettings(organization_id=organization_id)


def known_to(way: Way, organizations: list[Organization]) -> list[Organization]:
    """Return those of a person's organizations that a session opened this way may know of."""
    if not way.is_provider:
        return organizations
    trusting = set(
        SignInSettings.objects.filter(
            organization_id__in=[organization.pk for organization in organizations],
            provider_issuer=way.issuer,
            provider_client_id=way.client_id,
        ).values_list("organization_id", flat=True)
    )
    return [organization for organization in organizations if organization.pk in trusting]


def barriers(user: User, organizations: Iterable[Organization], way: Way) -> dict[UUID, Barrier]:
    """Return the barrier of each organization this session may know but not enter (yet)."""
    if way.is_provider:
        return {}
    strict = SignInSettings.objects.filter(
        Q(requires_second_factor=True) | Q(requires_provider=True),
        organization_id__in=[organization.pk for organization in organizations],
    )
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
