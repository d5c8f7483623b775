"""What may this principal do, and which statement decides it: our own addition to the API (C13)."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from organizations import explaining
from organizations.api.policies import StatementSerializer
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter
from organizations.kernel.api.filters import word as any_word
from organizations.kernel.api.views import TenantViewSet, routes
from organizations.kernel.errors import FieldRefused, Forbidden
from organizations.kernel.principals import Principal
from organizations.models import PermissionPolicy

PRINCIPAL_RESOURCES = {"USER": "config:orgUser", "SERVICE_USER": "config:serviceUser"}
TYPES = {"USER": "USER", "SERVICE_USER": "SERVICEUSER"}
READ = "config:retrieve"


class NamedSerializer(serializers.Serializer):
    """A user group on the way from a person to a policy."""

    id = fields.IdField()
    name = serializers.CharField()


class SourceSerializer(serializers.Serializer):
    """A statement that speaks of the principal; ``statementNumber`` counts from 1."""

    effect = serializers.ChoiceField(choices=["allow", "deny"])
    statement = StatementSerializer()
    statementNumber = fields.WholeField()
    source = serializers.ChoiceField(choices=["ATTACHED", "USERGROUP", "INLINE", "SUPPORT"])
    permissionPolicyId = fields.IdField(allow_null=True)
    permissionPolicyName = serializers.CharField(allow_null=True)
    userGroups = NamedSerializer(many=True)


class DecisionSerializer(serializers.Serializer):
    """The answer, a sentence about it, the statement that decides and all that apply."""

    allowed = serializers.BooleanField()
    principalId = fields.IdField()
    principalType = serializers.ChoiceField(choices=["USER", "SERVICEUSER"])
    action = serializers.CharField()
    resource = serializers.CharField()
    reason = serializers.CharField()
    decidedBy = SourceSerializer(allow_null=True)
    applying = SourceSerializer(many=True)


class DecisionViewSet(TenantViewSet):
    """Whoever may read policies and the principal may ask what the principal may do."""

    queryset = PermissionPolicy.objects.all()
    serializer_class = DecisionSerializer
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {"decide": (READ, None)}
    action_filters: ClassVar[dict[str, dict[str, Filter]]] = {
        "decide": {name: Filter(None, any_word) for name in ("principalId", "action", "resource")}
    }

    @extend_schema(responses=DecisionSerializer)
    def decide(self, request: Request, **kwargs: Any) -> Response:
        """Say whether an action on a type (``config:plan``) or a row of it is allowed, and why."""
        self.rights.require(READ, "config:permissionPolicy")
        principal = self._principal()
        asked = explaining.question(principal, self._word("action"), self._word("resource"))
        return Response(_shown(asked, explaining.answer(asked)))

    def _principal(self) -> Principal:
        """Return who is asked about; callers learn of nobody they may not read."""
        identity = self._word("principalId")
        kinds = PRINCIPAL_RESOURCES.values()
        if not any(self.rights.allows(READ, resource, identity) for resource in kinds):
            raise Forbidden
        found = explaining.principal_of(self.organization_id, identity)
        self.rights.require(READ, PRINCIPAL_RESOURCES[found.kind], identity)
        return found

    def _word(self, name: str) -> str:
        text = self.request.query_params.get(name, "")
        if not text:
            raise FieldRefused(name, "is required")
        return text


def _shown(asked: explaining.Question, found: explaining.Answer) -> dict[str, Any]:
    row = f"/item/{asked.item_id}" if asked.item_id else ""
    return {
        "allowed": found.is_allowed,
        "principalId": str(asked.principal.id),
        "principalType": TYPES[asked.principal.kind],
        "action": asked.action,
        "resource": asked.resource + row,
        "reason": found.reason,
        "decidedBy": _source(found.deciding) if found.deciding else None,
        "applying": [_source(one) for one in found.applying],
    }


def _source(one: explaining.Source) -> dict[str, Any]:
    return {
        "effect": one.effect,
        "statement": one.statement,
        "statementNumber": one.number,
        "source": one.way,
        "permissionPolicyId": str(one.policy[0]) if one.policy else None,
        "permissionPolicyName": one.policy[1] if one.policy else None,
        "userGroups": [{"id": str(group), "name": name} for group, name in one.groups],
    }


urlpatterns = routes(
    "permissionpolicies",
    DecisionViewSet,
    collection={},
    item={},
    more={"decision": {"get": "decide"}},
)
