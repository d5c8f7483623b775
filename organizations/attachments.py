"""Attach policies to people, user groups, service users and support users, and take them away.

A policy says nothing until it is attached. Attaching twice is attaching once (A5.4).
"""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from organizations import giving, people, policies
from organizations.founding import ADMINISTRATOR
from organizations.kernel import changes, ids, locking
from organizations.kernel.errors import Forbidden, NotFound
from organizations.kernel.principals import Principal
from organizations.models import (
    Membership,
    PermissionPolicy,
    PolicyAttachment,
    PrincipalType,
    ResourceGroup,
    ServiceUser,
)
from organizations.resource_groups import USER_TYPE


class ManagedPolicy(Forbidden):
    """Policies that come with every organization stay as they are (A5.5)."""

    def __init__(self, policy: PermissionPolicy) -> None:
        super().__init__(f"{policy.name} is a managed policy: it cannot be changed or deleted.")


def check_policy(policy: PermissionPolicy) -> None:
    """Refuse statements nobody could understand (A5.8 - A5.11)."""
    policy.statements = policies.checked(policy.statements)


def check_custom(policy: PermissionPolicy) -> None:
    """Raise ``ManagedPolicy`` for one of the policies that come with every organization."""
    if policy.is_managed:
        raise ManagedPolicy(policy)


def delete_policy(policy: PermissionPolicy, *, by: Principal) -> PermissionPolicy:
    """Delete a custom policy and detach it everywhere, at once (A5.6)."""
    check_custom(policy)
    with transaction.atomic():
        # Who attaches it waits here, or was before us and is seen below.
        if not PermissionPolicy.objects.select_for_update().filter(pk=policy.pk).exists():
            raise NotFound
        for attachment in PolicyAttachment.objects.filter(policy=policy):
            changes.delete(attachment, by=by)
        return changes.delete(policy, by=by)


def attach(
    policy: PermissionPolicy, kind: PrincipalType, principal_id: Any, *, by: Principal
) -> PolicyAttachment:
    """Return the row that attaches the policy, made when there was none.

    Raises ``NotFound`` when the organization has no such principal of this kind.
    """
    with transaction.atomic():
        identity = _principal(policy.organization_id, kind, principal_id)
        giving.require(by, [policy])
        # The lock makes two requests at once meet on one row.
        if not PermissionPolicy.objects.select_for_update().filter(pk=policy.pk).exists():
            raise NotFound
        existing = _attached(policy, kind, identity).first()
        if existing is not None:
            return existing
        made = changes.create(
            PolicyAttachment(
                organization_id=policy.organization_id,
                policy=policy,
                principal_type=kind,
                principal_id=identity,
            ),
            by=by,
        )
        # Who may send measurements is remembered, and this policy may deny it. Last, as in every
        # change: two that lock in different orders wait for each other.
        changes.raise_catalog_revision([policy.organization_id])
        return made


def detach(
    policy: PermissionPolicy, kind: PrincipalType, principal_id: Any, *, by: Principal
) -> PolicyAttachment:
    """Take the policy away and return the removed row; ``NotFound`` when it is not attached.

    Refused for the last Administrator of the organization (A2.10).
    """
    identity = _principal(policy.organization_id, kind, principal_id)
    with transaction.atomic():
        attached = _attached(policy, kind, identity).first()
        if attached is None:
            raise NotFound("The policy is not attached to it.")
        removed = changes.delete(attached, by=by)
        if policy.is_managed and policy.name == ADMINISTRATOR:
            people.require_administrator(policy.organization_id)
    return removed


def _attached(policy: PermissionPolicy, kind: PrincipalType, identity: UUID) -> QuerySet:
    return PolicyAttachment.objects.filter(
        policy=policy, principal_type=kind, principal_id=identity
    )


def _principal(organization_id: UUID, kind: PrincipalType, principal_id: Any) -> UUID:
    """Return the id of a principal of the organization; support users are one, under its id.

    The principal cannot be deleted before the transaction ends.
    """
    if kind == PrincipalType.SUPPORTUSERS:
        return organization_id
    identity = ids.parse(principal_id)
    if identity is None or not locking.held(_candidates(organization_id, kind, identity)):
        raise NotFound(f"No such {PrincipalType(kind).label.lower()}.")
    return identity


def _candidates(organization_id: UUID, kind: PrincipalType, identity: UUID) -> QuerySet:
    if kind == PrincipalType.USER:
        return Membership.objects.for_organization(organization_id).filter(user_id=identity)
    if kind == PrincipalType.SERVICEUSER:
        return ServiceUser.objects.for_organization(organization_id).filter(pk=identity)
    groups = ResourceGroup.objects.for_organization(organization_id)
    return groups.filter(pk=identity, type=USER_TYPE)
