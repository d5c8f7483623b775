"""Resource groups: named sets of rows of one type, which policies can speak of (A6)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from organizations import resource_groups
from organizations.api.policies import PermissionPolicySerializer
from organizations.kernel import changes
from organizations.kernel.api import fields
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet, routes
from organizations.models import PermissionPolicy, ResourceGroup, ResourceGroupItem, TargetType


class ResourceGroupSerializer(TenantSerializer):
    """A group; its type stands in the address only (A6.1)."""

    name = fields.TextField(min_length=1, max_length=100)

    class Meta:
        model = ResourceGroup
        fields = ["name"]


class TargetTypeField(fields.ChoiceField):
    """``ITEM`` or ``GROUP`` in any case."""

    def to_internal_value(self, data: Any) -> str:
        """Return the word in upper case."""
        return super().to_internal_value(data.upper() if isinstance(data, str) else data)


class TargetSerializer(serializers.Serializer):
    """What goes in or comes out; ``version`` is that of the group (A6.2)."""

    version = fields.WholeField(required=False, allow_null=True)
    targetId = fields.TextField(min_length=1)
    targetType = TargetTypeField(choices=TargetType.choices)


class ResourceGroupItemSerializer(TenantSerializer):
    """One row or group in a group."""

    targetId = fields.IdField(read_only=True, source="target_id")
    targetType = fields.ChoiceField(
        choices=TargetType.choices, read_only=True, source="target_type"
    )

    class Meta:
        model = ResourceGroupItem
        fields = ["targetId", "targetType"]


class ResourceGroupViewSet(TenantViewSet):
    """Groups of the type in the address."""

    queryset = ResourceGroup.objects.all()
    serializer_class = ResourceGroupSerializer
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {
        "add_resource": ("config:update", None),
        "remove_resource": ("config:update", None),
        "contents": ("config:retrieve", None),
        "permissions": ("config:retrieve", None),
    }
    page_actions = ("contents", "permissions")

    def get_queryset(self) -> QuerySet:
        """Return the groups of the type in the address; an unknown type is refused."""
        kind = resource_groups.type_of(self.kwargs["type"])
        return super().get_queryset().filter(type=kind)

    def create(self, request: Request, **kwargs: Any) -> Response:
        """Make an empty group."""
        kind = resource_groups.type_of(self.kwargs["type"])
        values = self.checked().validated_data
        row = ResourceGroup(organization_id=self.organization_id, type=kind, **values)
        return self.answer(changes.create(row, by=self.principal))

    @extend_schema(request=TargetSerializer, responses=ResourceGroupSerializer)
    def add_resource(self, request: Request, **kwargs: Any) -> Response:
        """Put a row or a group in."""
        group, target = self.get_object(), self._target()
        return self.answer(resource_groups.add(group, *target, **self._options()))

    @extend_schema(request=TargetSerializer, responses=ResourceGroupSerializer)
    def remove_resource(self, request: Request, **kwargs: Any) -> Response:
        """Take a row or a group out."""
        group, target = self.get_object(), self._target()
        return self.answer(resource_groups.remove(group, *target, **self._options()))

    @extend_schema(request=None, responses=ResourceGroupItemSerializer)
    def contents(self, request: Request, **kwargs: Any) -> Response:
        """Return a page of what is in the group itself, groups as groups."""
        return self.page(self.get_object().items.all())

    @extend_schema(responses=PermissionPolicySerializer)
    def permissions(self, request: Request, **kwargs: Any) -> Response:
        """Return a page of the policies attached to the group."""
        conditions = resource_groups.attached_policies(self.get_object())
        rows = PermissionPolicy.objects.for_organization(self.organization_id)
        return self.page(self.readable(rows.filter(**conditions)))

    def _target(self) -> tuple[TargetType, str]:
        self.body = TargetSerializer(data=self.request.data)
        self.body.is_valid(raise_exception=True)
        values = self.body.validated_data
        return TargetType(values["targetType"]), values["targetId"]

    def _options(self) -> dict[str, Any]:
        return {"by": self.principal, "version": self.body.validated_data.get("version")}


urlpatterns = [
    *routes(
        "resourcegroups/<str:type>",
        ResourceGroupViewSet,
        more={
            "<str:id>/addresource": {"post": "add_resource"},
            "<str:id>/removeresource": {"post": "remove_resource"},
            "<str:id>/contents": {"post": "contents"},
            "<str:id>/permissions": {"get": "permissions"},
        },
    ),
]
