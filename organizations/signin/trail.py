"""Tell the audit trails of a person's organizations what happened to their account."""

from typing import Any
from uuid import UUID

from organizations import audit
from organizations.kernel.api import request_id
from organizations.kernel.principals import Principal
from organizations.models import User


def principal_of(person: User, organization_id: UUID) -> Principal:
    """Return a person as the author of what the current request does in an organization."""
    return Principal(
        id=person.pk,
        kind="USER",
        organization_id=organization_id,
        source_address=request_id.address(),
        request_id=request_id.current(),
    )


def record(
    user: User,
    action: str,
    *,
    organization_ids: list[UUID] | None = None,
    **facts: Any,
) -> None:
    """Append an entry to each organization the person belongs to now, or to those given."""
    places = user.current_organization_ids() if organization_ids is None else organization_ids
    for organization_id in places:
        by = principal_of(user, organization_id)
        difference = {name: [None, value] for name, value in facts.items()}
        audit.record(by, action, "config:orgUser", user.pk, difference=difference)


def refused(email: str, action: str) -> None:
    """Append that somebody failed to sign in as a person of ours; repeated once a minute."""
    user = User.objects.filter(email__iexact=email.strip()).first()
    for organization_id in user.current_organization_ids() if user else ():
        by = principal_of(user, organization_id)
        audit.denied(by, action, "config:orgUser", user.pk)


def record_guest(by: Principal, method: str, path: str) -> None:
    """Append what an operator or support user asks for beyond membership (A5.13, A7.4)."""
    action = "operator request" if by.is_superuser else "support request"
    difference = {"request": [None, f"{method} {path}"[:500].replace("\x00", "")]}
    audit.record(by, action, "config:support", difference=difference)
