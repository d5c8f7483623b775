"""Permission policies, and attaching them to principals (A5.2)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from organizations import access, attachments, policies
from organizations.kernel.api import fields
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet, routes
from organizations.models import PermissionPolicy, PolicyAttachment, PrincipalType

# What else the caller must be allowed to update, by kind of principal (A5.12).
PRINCIPAL_RESOURCES = {
    PrincipalType.USER: "config:orgUser",
    PrincipalType.USERGROUP: "config:resourceGroup",
    PrincipalType.SERVICEUSER: "config:serviceUser",
    PrincipalType.SUPPORTUSERS: "config:support",
}


class StatementSerializer(serializers.Serializer):
    """Who may or may not do what with which rows; every text is kept as received (A5.9)."""

    effect = serializers.CharField()
    action = serializers.ListField(child=serializers.CharField(), allow_empty=False)
    resource = serializers.ListField(child=serializers.CharField(), allow_empty=False)

    def to_internal_value(self, data: Any) -> Any:
        """Leave the checking to the engine, which names the text that is wrong."""
        return data


class PermissionPolicySerializer(TenantSerializer):
    """A named list of statements."""

    name = fields.TextField(min_length=1, max_length=100)
    permissionPolicy = StatementSerializer(many=True, allow_empty=False, source="statements")
    managedPolicy = fields.FlagField(read_only=True, source="is_managed")

    class Meta:
        model = PermissionPolicy
        fields = ["name", "permissionPolicy", "managedPolicy"]

    def validate_permissionPolicy(self, value: Any) -> Any:
        """Refuse what the engine does not know."""
        return policies.checked(list(value))


class PrincipalSerializer(serializers.Serializer):
    """To whom a policy is attached, or from whom it is taken."""

    principalId = fields.TextField(min_length=1)
    version = fields.WholeField(required=False, allow_null=True)


class SupportUsersSerializer(serializers.Serializer):
    """All support users: there is nothing to say."""

    version = fields.WholeField(required=False, allow_null=True)


class PrincipalPermissionSerializer(TenantSerializer):
    """One policy on one principal (A5.3)."""

    permissionPolicyId = fields.IdField(read_only=True, source="policy_id")
    principalId = fields.IdField(read_only=True, source="principal_id")
    principalType = fields.ChoiceField(
        choices=PrincipalType.choices, read_only=True, source="principal_type"
    )

    class Meta:
        model = PolicyAttachment
        fields = ["permissionPolicyId", "principalId", "principalType"]


class PermissionPolicyViewSet(TenantViewSet):
    """Policies; the managed ones can be read and attached only."""

    queryset = PermissionPolicy.objects.all()
    serializer_class = PermissionPolicySerializer

    def update(self, request: Request, **kwargs: Any) -> Response:
        """Replace a custom policy."""
        attachments.check_custom(self.get_object())
        return super().update(request, **kwargs)

    def destroy(self, request: Request, **kwargs: Any) -> Response:
        """Delete a custom policy, and detach it everywhere."""
        return self.answer(attachments.delete_policy(self.get_object(), by=self.principal))


class AttachmentViewSet(TenantViewSet):
    """Attaches the policy of the address to one kind of principal, or takes it away."""

    queryset = PermissionPolicy.objects.all()
    principal_type: PrincipalType = PrincipalType.USER
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {
        "attach": ("config:update", None),
        "detach": ("config:update", None),
    }

    def get_serializer_class(self) -> Any:
        """Support users are not named: they are all meant."""
        is_all = self.principal_type == PrincipalType.SUPPORTUSERS
        return SupportUsersSerializer if is_all else PrincipalSerializer

    @extend_schema(responses=PrincipalPermissionSerializer)
    def attach(self, request: Request, **kwargs: Any) -> Response:
        """Attach; once more changes nothing."""
        policy, principal_id = self._asked()
        made = attachments.attach(policy, self.principal_type, principal_id, by=self.principal)
        return self.answer(made)

    @extend_schema(responses=PrincipalPermissionSerializer)
    def detach(self, request: Request, **kwargs: Any) -> Response:
        """Take away, and return what was there."""
        policy, principal_id = self._asked()
        removed = attachments.detach(policy, self.principal_type, principal_id, by=self.principal)
        return self.answer(removed)

    def _asked(self) -> tuple[PermissionPolicy, str | None]:
        policy = self.get_object()
        serializer = self.get_serializer(data=self.request.data or {})
        serializer.is_valid(raise_exception=True)
        principal_id = serializer.validated_data.get("principalId")
        resource = PRINCIPAL_RESOURCES[self.principal_type]
        access.require(self.principal, "config:update", resource, principal_id)
        return policy, principal_id


def _attaching(word: str, kind: PrincipalType) -> list[Any]:
    base = "organizations/<str:orgId>/permissionpolicies/<str:id>"
    return [
        path(f"{base}/{verb}{word}", AttachmentViewSet.as_view({"post": act}, principal_type=kind))
        for verb, act in (("addto", "attach"), ("removefrom", "detach"))
    ]


urlpatterns = [
    *_attaching("user", PrincipalType.USER),
    *_attaching("usergroup", PrincipalType.USERGROUP),
    *_attaching("serviceuser", PrincipalType.SERVICEUSER),
    *_attaching("supportusers", PrincipalType.SUPPORTUSERS),
    *routes("permissionpolicies", PermissionPolicyViewSet),
]
