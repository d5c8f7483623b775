"""Who may give rights: the one question behind every way of giving some (A5.12).

Attaching a policy, statements of one person, a place in a user group, an invitation, a key of a
service user, a window for support users: each gives somebody rights. Whoever does it must be
allowed to update the permission policies concerned (statements that stand in no policy: permission
policies as a type), unless what is given is no more than they have themselves.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from organizations.access import Rights
from organizations.kernel.errors import Forbidden
from organizations.kernel.principals import Principal
from organizations.models import PermissionPolicy, PrincipalType
from organizations.policy_coverage import covers, freed

UPDATE, POLICY = "config:update", "config:permissionPolicy"


class MayNotGive(Forbidden):
    """What would be given is more than the giver has, and the policies are not theirs."""

    def __init__(self, names: list[str]) -> None:
        what = f"the policy {', '.join(names)}" if names else "these statements"
        super().__init__(
            f"You are not allowed to give the rights of {what}: they are more than you have, and "
            "you may not update the permission policies that would give them."
        )


def may_give(
    by: Principal,
    policies: Iterable[PermissionPolicy] = (),
    statements: Iterable[dict[str, Any]] = (),
) -> bool:
    """Return whether ``by`` may give somebody the rights of these policies and statements."""
    return _lacking(by, list(policies), list(statements)) is None


def require(
    by: Principal,
    policies: Iterable[PermissionPolicy] = (),
    statements: Iterable[dict[str, Any]] = (),
) -> None:
    """Raise ``MayNotGive`` unless ``may_give``."""
    lacking = _lacking(by, list(policies), list(statements))
    if lacking is not None:
        raise MayNotGive(lacking)


def require_to_take(by: Principal, policies: Iterable[PermissionPolicy]) -> None:
    """Raise ``MayNotGive`` unless ``by`` may free somebody of the denies of these policies."""
    rights = Rights(by)
    for policy in policies:
        if not rights.allows(UPDATE, POLICY, policy.pk) and not covers(
            rights.statements, freed(policy.statements)
        ):
            raise MayNotGive([policy.name])


def attached(
    organization_id: UUID, kind: PrincipalType, identities: Iterable[UUID]
) -> list[PermissionPolicy]:
    """Return the policies attached to principals of a kind, each once."""
    rows = PermissionPolicy.objects.for_organization(organization_id).filter(
        attachments__principal_type=kind, attachments__principal_id__in=list(identities)
    )
    return list(rows.distinct())


def _lacking(
    by: Principal, policies: list[PermissionPolicy], statements: list[dict[str, Any]]
) -> list[str] | None:
    """Return the names of the policies that may not be given, None when all may."""
    rights = Rights(by)
    if rights.is_unbounded or not (policies or statements):
        return None
    theirs = [one for one in policies if not rights.allows(UPDATE, POLICY, one.pk)]
    loose = [] if not statements or rights.allows(UPDATE, POLICY) else statements
    given = [*loose, *(statement for policy in theirs for statement in policy.statements)]
    return None if covers(rights.statements, given) else [policy.name for policy in theirs]
