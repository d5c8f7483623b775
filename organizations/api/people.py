"""The people of an organization: who they are, what they may do, until when (A2)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from organizations import people, policies
from organizations.kernel import ids
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter, boolean, id_list
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet, routes
from organizations.kernel.errors import FieldRefused, NotFound
from organizations.models import Membership
from organizations.representations_of_people import organization_user


class StatementSerializer(serializers.Serializer):
    """A statement as it appears in answers; ``policies.checked`` checks what is sent."""

    effect = serializers.CharField()
    action = serializers.ListField(child=serializers.CharField())
    resource = serializers.ListField(child=serializers.CharField(), min_length=1)


class StatementsField(serializers.JSONField):
    """A list of statements, kept as sent."""

    def to_internal_value(self, data: Any) -> list[dict[str, Any]]:
        """Return the checked statements; an empty list is fine where policies add to it."""
        return policies.checked(data, self.field_name or "") if data != [] else []


class OrganizationUserSerializer(TenantSerializer):
    """Of a person an organization can change statements and end of access, nothing else."""

    firstName = serializers.CharField(read_only=True, allow_null=True)
    lastName = serializers.CharField(read_only=True, allow_null=True)
    contactNumber = serializers.CharField(read_only=True, allow_null=True)
    email = serializers.CharField(read_only=True)
    organizations = serializers.ListField(child=fields.IdField(), read_only=True)
    firstAcceptedTermsAndConditions = fields.InstantField(read_only=True, allow_null=True)
    lastAcceptedTermsAndConditions = fields.InstantField(read_only=True, allow_null=True)
    supportUser = serializers.BooleanField(read_only=True)
    permissionPolicy = StatementSerializer(many=True, read_only=True)
    access_ends_at = fields.InstantField(required=False, allow_null=True)

    class Meta:
        model = Membership
        fields = [
            "firstName", "lastName", "contactNumber", "email", "organizations",
            "firstAcceptedTermsAndConditions", "lastAcceptedTermsAndConditions", "supportUser",
            "permissionPolicy", "access_ends_at",
        ]  # fmt: skip
        names = {"access_ends_at": "dtEndAccess"}


class OrganizationUserRequestSerializer(serializers.Serializer):
    """What a PUT may say; it replaces, so what is left out is emptied (A2.7)."""

    version = fields.WholeField(required=False, allow_null=True, min_value=0)
    permissionPolicy = StatementSerializer(many=True, required=False, allow_null=True)
    dtEndAccess = fields.InstantField(required=False, allow_null=True)


class CheckedRequestSerializer(OrganizationUserRequestSerializer):
    """The same, with the statements checked by their own rules and kept as sent."""

    permissionPolicy = StatementsField(required=False, allow_null=True)


class AttachedPolicySerializer(serializers.Serializer):
    """A policy in a page of those attached to a person."""

    id = fields.IdField()
    version = fields.WholeField()
    name = serializers.CharField()
    permissionPolicy = StatementSerializer(many=True)
    managedPolicy = serializers.BooleanField()
    dtCreated = fields.InstantField()
    dtLastModified = fields.InstantField()
    createdBy = fields.IdField(allow_null=True)
    lastModifiedBy = fields.IdField(allow_null=True)


class UserGroupSerializer(serializers.Serializer):
    """A resource group in a page of those that hold a person."""

    id = fields.IdField()
    version = fields.WholeField()
    name = serializers.CharField()
    dtCreated = fields.InstantField()
    dtLastModified = fields.InstantField()
    createdBy = fields.IdField(allow_null=True)
    lastModifiedBy = fields.IdField(allow_null=True)


class OrganizationUserViewSet(TenantViewSet):
    """Members by the person's id; the version is the membership's."""

    queryset = Membership.objects.select_related("user")
    serializer_class = OrganizationUserSerializer
    page_size_limit = 200
    filters: ClassVar[dict[str, Filter]] = {"ids": id_list("user_id")}
    page_actions = ("permissions", "user_groups")
    action_filters: ClassVar[dict[str, dict[str, Filter]]] = {
        "user_groups": {"inherited": boolean(None)}
    }
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {
        "permissions": ("config:retrieve", None),
        "user_groups": ("config:retrieve", None),
        "resend_password": ("config:update", None),
    }

    @staticmethod
    def find(rows: QuerySet, identity: str) -> Any:
        """Return a member by the person's id; 404 for somebody who is none."""
        person_id = ids.parse(identity)
        found = rows.filter(user_id=person_id).first() if person_id else None
        if found is None:
            raise NotFound("No such user.")
        return found

    @extend_schema(request=OrganizationUserRequestSerializer)
    def update(self, request: Request, **kwargs: Any) -> Response:
        """Replace statements and end of access."""
        row = self.get_object()
        body = CheckedRequestSerializer(data=request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        values = body.validated_data
        if values.get("version") is None:
            raise FieldRefused("version", "is needed to update: the version you have read")
        changed = people.replace(
            row,
            statements=values.get("permissionPolicy") or [],
            access_ends_at=values.get("dtEndAccess"),
            by=self.principal,
            version=values["version"],
        )
        return self.answer(changed)

    @extend_schema(responses=AttachedPolicySerializer)
    def permissions(self, request: Request, **kwargs: Any) -> Response:
        """Return a page of the policies attached to a person (A2.5)."""
        return self.page(self.readable(people.policies_of(self.get_object())))

    @extend_schema(responses=UserGroupSerializer)
    def user_groups(self, request: Request, **kwargs: Any) -> Response:
        """Return a page of the user groups that hold a person."""
        asked = self.action_filters["user_groups"]["inherited"].read(
            "inherited", request.query_params.getlist("inherited")
        )
        found = people.user_groups(self.get_object(), is_inherited=bool(asked))
        return self.page(self.readable(found))

    @extend_schema(request=None, responses={200: None})
    def resend_password(self, request: Request, **kwargs: Any) -> Response:
        """Mail a new temporary password; the answer has no body (A2.4)."""
        people.resend_password(self.get_object(), by=self.principal)
        return Response(status=200)

    def represent(self, row: Any) -> dict[str, Any]:
        """Return a member, policies and groups as they are."""
        if not isinstance(row, Membership):
            return super().represent(row)
        # One organization never learns which others a person works in.
        return organization_user(row, [str(row.organization_id)])


urlpatterns = [
    *routes(
        "users",
        OrganizationUserViewSet,
        collection={"get": "list"},
        item={"get": "retrieve", "put": "update"},
        more={
            "<str:id>/permissions": {"get": "permissions"},
            "<str:id>/usergroups": {"get": "user_groups"},
            "<str:id>/password/resend": {"put": "resend_password"},
        },
    )
]
