"""Who permissions are granted to: a hidden auth group per member, service user and user group.

Guardian grants to auth groups and knows no organizations, so each principal of each organization
has a group of its own, found by its name. Nobody is a member of these groups in Django's sense:
which of them speak for a person is asked of the closure of user groups (``access``), so that a
policy attached to a group of ten thousand people is granted once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from organizations.models import (
    Membership,
    PolicyAttachment,
    PrincipalType,
    ResourceGroup,
    ServiceUser,
    SupportAccess,
)


@dataclass(frozen=True, slots=True, order=True)
class Holder:
    """One principal that policies are attached to; support users are one, under the tenant's id."""

    kind: str
    id: UUID


def name(organization_id: UUID, holder: Holder) -> str:
    """Return the name of the holder's auth group."""
    return f"{prefix(organization_id)}{holder.kind}/{holder.id}"


def prefix(organization_id: UUID) -> str:
    """Return how the names of all groups of an organization begin."""
    return f"{organization_id}/"


def of_attachment(row: PolicyAttachment) -> Holder:
    """Return to whom a policy is attached."""
    return Holder(str(row.principal_type), row.principal_id)


def of_policy(policy_ids: Iterable[UUID]) -> set[Holder]:
    """Return to whom any of the policies is attached."""
    rows = PolicyAttachment.objects.filter(policy_id__in=list(policy_ids))
    return {Holder(*pair) for pair in rows.values_list("principal_type", "principal_id")}


def of_organization(organization_id: UUID) -> set[Holder]:
    """Return everybody an organization grants something to, or might."""

    def ids(model: Any, column: str = "pk") -> Any:
        return model.objects.for_organization(organization_id).values_list(column, flat=True)

    attached = PolicyAttachment.objects.for_organization(organization_id)
    return {
        *(Holder(str(PrincipalType.USER), one) for one in ids(Membership, "user_id")),
        *(Holder(str(PrincipalType.SERVICEUSER), one) for one in ids(ServiceUser)),
        *(Holder(str(PrincipalType.SUPPORTUSERS), one) for one in ids(SupportAccess)),
        *(Holder(*pair) for pair in attached.values_list("principal_type", "principal_id")),
    }


def naming(organization_id: UUID, item_id: str) -> set[Holder]:
    """Return the holders whose statements name a row: what was written before the row was there."""
    found = set()
    for holder, statements in statements_of(
        organization_id, of_organization(organization_id)
    ).items():
        texts = (text for one in statements for text in one.get("resource") or ())
        if any(text.lower().endswith(f"/item/{item_id.lower()}") for text in texts):
            found.add(holder)
    return found


def statements_of(
    organization_id: UUID, holders: Iterable[Holder]
) -> dict[Holder, list[dict[str, Any]]]:
    """Return what speaks of each holder that exists: attached policies and inline statements.

    A user group, or the support users, exist as holders while a policy is attached to them.
    """
    asked = list(holders)
    identities = [holder.id for holder in asked]
    attached = _attached(organization_id, identities)
    found = {holder: list(attached[holder]) for holder in asked if holder in attached}
    inline = _inline(organization_id, identities)
    for holder in asked:
        if holder in inline:
            found[holder] = [*found.get(holder, []), *inline[holder]]
        elif holder in found and _is_gone(organization_id, holder):
            del found[holder]
    return found


def _attached(organization_id: UUID, identities: list[UUID]) -> dict[Holder, list[Any]]:
    rows = (
        PolicyAttachment.objects.for_organization(organization_id)
        .filter(principal_id__in=identities)
        .order_by("policy_id")
        .values_list("principal_type", "principal_id", "policy__statements")
    )
    found: dict[Holder, list[Any]] = defaultdict(list)
    for kind, identity, statements in rows:
        found[Holder(kind, identity)].extend(statements)
    return found


def _inline(organization_id: UUID, identities: list[UUID]) -> dict[Holder, list[Any]]:
    """Return the statements written at a principal itself; an empty list where there is none."""
    members = Membership.objects.for_organization(organization_id)
    robots = ServiceUser.objects.for_organization(organization_id)
    windows = SupportAccess.objects.for_organization(organization_id)
    people = members.filter(user_id__in=identities).values_list("user_id", "statements")
    return {
        **{Holder(str(PrincipalType.USER), one): inline for one, inline in people},
        **{
            Holder(str(PrincipalType.SERVICEUSER), one): []
            for one in robots.filter(pk__in=identities).values_list("pk", flat=True)
        },
        **{
            Holder(str(PrincipalType.SUPPORTUSERS), one): inline
            for one, inline in windows.filter(organization_id__in=identities).values_list(
                "organization_id", "statements"
            )
        },
    }


def _is_gone(organization_id: UUID, holder: Holder) -> bool:
    """Return whether a holder with nothing of its own is none any more."""
    if holder.kind == PrincipalType.USERGROUP:
        groups = ResourceGroup.objects.for_organization(organization_id)
        return not groups.filter(pk=holder.id).exists()
    return holder.kind != PrincipalType.SUPPORTUSERS
