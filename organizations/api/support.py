"""Support access over the API (A7)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from organizations import support
from organizations.api.people import StatementSerializer, StatementsField
from organizations.kernel.api import fields
from organizations.kernel.api.views import TenantViewSet, routes
from organizations.models import SupportAccess


class SupportSerializer(serializers.Serializer):
    """Until when support users may enter, and what they may do there."""

    id = fields.IdField(read_only=True)
    version = fields.WholeField(required=False, allow_null=True, min_value=0)
    dtEndSupportUsersAccess = fields.InstantField()
    supportUsersPermissionPolicy = StatementSerializer(many=True, required=False, allow_null=True)


class CheckedSupportSerializer(SupportSerializer):
    """The same, with the statements checked by their own rules and kept as sent."""

    supportUsersPermissionPolicy = StatementsField(required=False, allow_null=True)


class SupportViewSet(TenantViewSet):
    """The one window of the organization."""

    queryset = SupportAccess.objects.all()
    serializer_class = SupportSerializer

    def retrieve(self, request: Request, **kwargs: Any) -> Response:
        """Return the window; an empty one before the first was set (A7.3)."""
        row = support.access_of(self.organization_id)
        if row is not None:
            return self.answer(row)
        return Response(
            {
                "id": str(self.organization_id),
                "version": 1,
                "dtEndSupportUsersAccess": None,
                "supportUsersPermissionPolicy": [],
            }
        )

    @extend_schema(request=SupportSerializer)
    def update(self, request: Request, **kwargs: Any) -> Response:
        """Set the window."""
        body = CheckedSupportSerializer(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        values = body.validated_data
        row = support.grant(
            self.organization_id,
            ends_at=values["dtEndSupportUsersAccess"],
            statements=values.get("supportUsersPermissionPolicy") or [],
            version=values.get("version"),
            by=self.principal,
        )
        return self.answer(row)


urlpatterns = routes(
    "support", SupportViewSet, collection={"get": "retrieve", "put": "update"}, item={}
)
