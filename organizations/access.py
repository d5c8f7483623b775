"""The one question the API, the console and tasks ask: may this principal do this?"""

from typing import Any

from django.db import connection

from organizations import policies
from organizations.kernel import exact_json
from organizations.kernel.errors import Forbidden
from organizations.kernel.principals import Principal
from organizations.models import Membership, PrincipalType

KINDS = {"USER": PrincipalType.USER, "SERVICE_USER": PrincipalType.SERVICEUSER}


# Asked once per request, so it does without the cost of building a query.
ATTACHED = """
    SELECT policy.statements FROM organizations_policyattachment attachment
    JOIN organizations_permissionpolicy policy ON policy.id = attachment.policy_id
    WHERE attachment.organization_id = %s AND attachment.principal_type = %s
        AND attachment.principal_id = %s
"""


def statements_of(principal: Principal) -> list[dict[str, Any]]:
    """Return every statement that speaks of the principal, inline ones included (A5.13.1)."""
    with connection.cursor() as cursor:
        kind = KINDS[principal.kind].value
        cursor.execute(ATTACHED, [principal.organization_id, kind, principal.id])
        attached = [exact_json.loads(statements) for (statements,) in cursor.fetchall()]
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
