"""Service users and their access keys: our own addition to the API (A4.2)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from organizations import service_users
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter, chosen, id_list
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet, routes
from organizations.kernel.errors import FieldRefused
from organizations.models import AccessKey, AccessKeyStatus, ServiceUser


class ServiceUserSerializer(TenantSerializer):
    """A service user has a name; policies are attached to it like to a person."""

    class Meta:
        model = ServiceUser
        fields = ["name"]


class AccessKeySerializer(TenantSerializer):
    """Of a key only the status can be changed."""

    accessKeyId = fields.IdField(read_only=True, source="id")
    serviceUserId = fields.IdField(read_only=True, source="service_user_id")
    organizationId = fields.IdField(read_only=True, source="organization_id")
    status = fields.ChoiceField(choices=AccessKeyStatus.choices)
    dtLastUsed = fields.InstantField(read_only=True, allow_null=True, source="latest_used_at")

    class Meta:
        model = AccessKey
        fields = ["accessKeyId", "serviceUserId", "organizationId", "status", "dtLastUsed"]


class NewAccessKeySerializer(AccessKeySerializer):
    """A key as it is answered when it is made: the only time with its secret."""

    apiSecret = serializers.CharField(read_only=True)

    class Meta(AccessKeySerializer.Meta):
        fields = [*AccessKeySerializer.Meta.fields, "apiSecret"]


class ServiceUserViewSet(TenantViewSet):
    """Automated processes that work through the API."""

    queryset = ServiceUser.objects.all()
    serializer_class = ServiceUserSerializer

    def destroy(self, request: Request, **kwargs: Any) -> Response:
        """Delete one with its keys, which are dead from now on."""
        return self.answer(service_users.delete(self.get_object(), by=self.principal))


class AccessKeyViewSet(TenantViewSet):
    """Keys, below their service user or by their own id."""

    queryset = AccessKey.objects.all()
    within: ClassVar[dict[str, str]] = {"serviceuser_id": "config:serviceUser"}
    serializer_class = AccessKeySerializer
    filters: ClassVar[dict[str, Filter]] = {
        "ids": id_list(),
        "status": chosen("status", AccessKeyStatus.values),
    }

    def get_queryset(self) -> QuerySet:
        """Return the keys of the organization, or of the service user in the address."""
        rows = super().get_queryset()
        if "serviceuser_id" in self.kwargs:
            rows = rows.filter(service_user=self._service_user())
        return rows

    def _service_user(self) -> ServiceUser:
        owners = ServiceUser.objects.for_organization(self.organization_id)
        return self.find(owners, self.kwargs["serviceuser_id"])

    @extend_schema(request=None, responses=NewAccessKeySerializer)
    def create(self, request: Request, **kwargs: Any) -> Response:
        """Make a key; the answer carries the secret, this once."""
        key, secret = service_users.make_key(self._service_user(), by=self.principal)
        response = Response({**self.shown(key), "apiSecret": secret})
        response["Cache-Control"] = "no-store"
        return response

    def update(self, request: Request, **kwargs: Any) -> Response:
        """Switch a key on or off."""
        row = self.get_object()
        serializer = self.checked(row)
        version = serializer.sent_version()
        if version is None:
            raise FieldRefused("version", "is needed to update: the version you have read")
        status = AccessKeyStatus(serializer.validated_data["status"])
        changed = service_users.set_status(row, status, by=self.principal, version=version)
        return self.answer(changed)

    def destroy(self, request: Request, **kwargs: Any) -> Response:
        """Delete a key and return it as it was."""
        return self.answer(service_users.delete_key(self.get_object(), by=self.principal))


urlpatterns = [
    *routes("serviceusers/<str:serviceuser_id>/accesskeys", AccessKeyViewSet),
    *routes("serviceusers", ServiceUserViewSet),
    *routes("accesskeys", AccessKeyViewSet, collection={}),
]
