"""The catalogue as code over the API: read it as YAML, try a file out, apply it (our own)."""

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.as_code import applying, files, permissions, stored, telling
from catalog.models import Product
from organizations.kernel.api import fields
from organizations.kernel.api.views import TenantViewSet, routes
from organizations.kernel.errors import FieldRefused, FieldsRefused

YAML = "application/yaml"
READING = "config:retrieve"


class CatalogueFileSerializer(serializers.Serializer):
    """A file, and whether what it does not hold is deleted."""

    catalogue = fields.TextField(trim_whitespace=False)
    prune = fields.FlagField(required=False, default=False)


class FieldChangeSerializer(serializers.Serializer):
    """One field as it was and will be."""

    field = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()


class ItemChangeSerializer(serializers.Serializer):
    """One item that is made, changed or deleted, and how many accounts' next bills it touches."""

    verb = serializers.CharField()
    item = serializers.CharField()
    accounts = serializers.IntegerField()

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add what may not be called so in a class of serializers."""
        return {**super().get_fields(), "fields": FieldChangeSerializer(many=True)}


class DifferenceSerializer(serializers.Serializer):
    """What a file changes."""

    changes = ItemChangeSerializer(many=True)
    left = serializers.ListField(child=serializers.CharField())
    accounts = serializers.IntegerField()
    summary = serializers.CharField()


class CatalogueViewSet(TenantViewSet):
    """Everything that is sold and measured, as one file."""

    queryset = Product.objects.all()
    serializer_class = CatalogueFileSerializer
    lookup_url_kwarg = "no_item"
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {
        "export": (READING, None),
        "plan": (READING, None),
        "apply": (READING, None),
    }
    # A file holds all or nothing, so every kind has to be readable. What is changed is asked
    # for, change by change, where it is made.
    also_needs: ClassVar[dict[str, tuple[frozenset[tuple[str, str]], ...]]] = dict.fromkeys(
        ("export", "plan", "apply"),
        tuple(frozenset({(READING, one)}) for one in permissions.RESOURCES),
    )

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Ask for every section."""
        super().initial(request, *args, **kwargs)
        permissions.require_reading(self.rights)

    @extend_schema(responses={(200, YAML): OpenApiTypes.STR})
    def export(self, request: Request, **kwargs: Any) -> HttpResponse:
        """Return the catalogue as YAML: by codes, without ids."""
        try:
            text = files.written(stored.read(self.organization_id).catalogue)
        except files.FileRefused as refused:
            raise _told(refused) from refused
        response = HttpResponse(text, content_type=YAML)
        response["Content-Disposition"] = 'attachment; filename="catalogue.yaml"'
        response["Cache-Control"] = "private, no-store"
        return response

    @extend_schema(request=CatalogueFileSerializer, responses=DifferenceSerializer)
    def plan(self, request: Request, **kwargs: Any) -> Response:
        """Tell what a file would change; nothing is changed."""
        return self._run(applying.plan)

    @extend_schema(request=CatalogueFileSerializer, responses=DifferenceSerializer)
    def apply(self, request: Request, **kwargs: Any) -> Response:
        """Change the catalogue to what a file says: all of it, or nothing."""
        return self._run(applying.apply)

    def _run(self, deed: Any) -> Response:
        body = self.checked().validated_data
        try:
            wanted = files.read(body["catalogue"], zone=self.zone())
            planned = deed(wanted, by=self.principal, prunes=body["prune"], rights=self.rights)
        except files.FileRefused as refused:
            raise _told(refused) from refused
        return Response(telling.difference(planned))


def _told(refused: files.FileRefused) -> FieldsRefused:
    return FieldsRefused([FieldRefused("catalogue", str(fault)) for fault in refused.faults])


urlpatterns = routes(
    "catalogue",
    CatalogueViewSet,
    collection={"get": "export"},
    item={},
    more={"plan": {"post": "plan"}, "apply": {"post": "apply"}},
)
