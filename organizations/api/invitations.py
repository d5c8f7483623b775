"""Invitations over the API: list, read, send (A3)."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from organizations import invitations
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet, routes
from organizations.models import Invitation


class InvitationSerializer(TenantSerializer):
    """Who is invited, with which policies, until when."""

    first_name = fields.TextField(max_length=100)
    last_name = fields.TextField(max_length=100)
    contact_number = fields.TextField(
        required=False, allow_blank=True, allow_null=True, max_length=50
    )
    m3terUser = fields.FlagField(
        required=False, write_only=True, help_text="Accepted and without effect."
    )
    policy_ids = serializers.ListField(child=fields.IdField(), required=False, max_length=200)
    expires_at = fields.InstantField(required=False)
    access_ends_at = fields.InstantField(required=False, allow_null=True)
    invitingPrincipalId = fields.IdField(read_only=True, source="created_by")
    is_accepted = serializers.BooleanField(read_only=True)

    class Meta:
        model = Invitation
        fields = [
            "email", "first_name", "last_name", "contact_number", "m3terUser", "policy_ids",
            "access_ends_at", "expires_at", "invitingPrincipalId", "is_accepted",
        ]  # fmt: skip
        names = {
            "policy_ids": "permissionPolicyIds",
            "access_ends_at": "dtEndAccess",
            "expires_at": "dtExpiry",
            "is_accepted": "accepted",
        }


class InvitationViewSet(TenantViewSet):
    """Invitations; accepting happens on the page the mail links to."""

    queryset = Invitation.objects.all()
    serializer_class = InvitationSerializer
    page_size_limit = 200
    filters: ClassVar[dict[str, Filter]] = {}

    def create(self, request: Request, **kwargs: Any) -> Response:
        """Make an invitation and send its mail."""
        values = self.checked().validated_data
        values.pop("m3terUser", None)
        values["contact_number"] = values.get("contact_number") or ""
        values["policy_ids"] = [str(one) for one in values.get("policy_ids", [])]
        row = Invitation(organization_id=self.organization_id, **values)
        return self.answer(invitations.invite(row, by=self.principal))


urlpatterns = routes(
    "invitations",
    InvitationViewSet,
    collection={"get": "list", "post": "create"},
    item={"get": "retrieve"},
)
