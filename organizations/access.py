"""The one question the API, the console and tasks ask: may this principal do this?"""

from typing import Any

from organizations import policies
from organizations.kernel.errors import Forbidden
from organizations.kernel.principals import Principal
from organizations.models import Membership, PolicyAttachment, PrincipalType

KINDS = {"USER": PrincipalType.USER, "SERVICE_USER": PrincipalType.SERVICEUSER}


def statements_of(principal: Principal) -> list[dict[str, Any]]:
    """Return every statement that speaks of the principal, inline ones included (A5.13.1)."""
    attached = PolicyAttachment.objects.filter(
        organization_id=principal.organization_id,
        principal_type=KINDS[principal.kind],
        principal_id=principal.id,
    ).values_list("policy__statements", flat=True)
    found = [statement for statements in attached for statement in statements]
    if principal.kind == "USER":
        inline = Membership.objects.filter(
            organization_id=principal.organization_id, user_id=principal.id
        ).values_list("statements", flat=True)
        found += [statement for statements in inline for statement in statements]
    return found


def decide(
    principal: Principal, action: str, resource: str, item_id: Any = None
) -> policies.Decision:
    """Return whether ``action`` is allowed on ``resource`` (``config:plan``), and why."""
    if principal.kind == "SYSTEM" or principal.is_superuser:
        return policies.Decision(True)
    service, _, kind = resource.partition(":")
    asked = policies.Resource(service, kind, None if item_id is None else str(item_id))
    return policies.decide(statements_of(principal), action, asked)


def require(principal: Principal, action: str, resource: str, item_id: Any = None) -> None:
    """Raise ``Forbidden`` unless the action is allowed."""
    if not decide(principal, action, resource, item_id).is_allowed:
        raise Forbidden
