"""People and policies for the tests of this folder."""

from typing import Any

from organizations.kernel import principals
from organizations.models import (
    Membership,
    Organization,
    PermissionPolicy,
    PolicyAttachment,
    PrincipalType,
    User,
)
from tests.factories import make_attachment, number

READ_METERS = {"effect": "allow", "action": ["config:retrieve"], "resource": ["config:meter"]}


def make_member(organization: Organization, **person: Any) -> Membership:
    """Make a person with password ``a-long-password`` who is a member of the organization."""
    fields = {"email": f"person{number()}@example.com", "password": "a-long-password", **person}
    return Membership.objects.create(
        organization=organization, user=User.objects.create_user(**fields)
    )


def make_policy(organization: Organization, name: str = "Meters") -> PermissionPolicy:
    """Make a policy that allows to read meters."""
    return PermissionPolicy.objects.create(
        organization=organization, name=name, statements=[READ_METERS]
    )


def attach(policy: PermissionPolicy, member: Membership) -> PolicyAttachment:
    """Attach a policy to a person."""
    return make_attachment(policy, PrincipalType.USER, member.user_id)


def system(organization: Organization) -> principals.Principal:
    """Return the principal of background work."""
    return principals.system(organization.pk)
