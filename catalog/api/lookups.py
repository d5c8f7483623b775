"""Lookup tables and their revisions over the API."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.lookups import representations as look
from catalog.lookups import statuses
from catalog.models import LookupTable, LookupTableRevision, RevisionStatus
from organizations.kernel import changes
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter, code_list, id_list
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet
from organizations.kernel.errors import FieldRefused
from organizations.kernel.ids import strict_code

Permits = dict[str, tuple[str | None, str | None]]
ACTIVE = "activeRevision"


class LookupFieldSerializer(serializers.Serializer):
    """A field of a revision."""

    name = fields.TextField(min_length=1, max_length=256, validators=[strict_code])
    type = fields.ChoiceField(choices=["STRING", "NUMBER"])


class LookupRevisionSerializer(TenantSerializer):
    """A revision; its status changes at an address of its own."""

    name = fields.TextField(min_length=1, max_length=200)
    keys = serializers.ListField(child=fields.TextField(max_length=256), min_length=1, max_length=5)

    class Meta:
        model = LookupTableRevision
        fields = ["name", "start_date", "fields", "keys", "custom_fields"]

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add the fields, whose name is that of an attribute here, and what nobody sets."""
        return {
            **super().get_fields(),
            "fields": LookupFieldSerializer(many=True, min_length=2, max_length=10),
            "lookupTableId": fields.IdField(read_only=True),
            "status": fields.ChoiceField(choices=RevisionStatus.choices, read_only=True),
            "itemCount": fields.WholeField(read_only=True),
        }


class LookupTableSerializer(TenantSerializer):
    """A lookup table; its published revision on demand."""

    name = fields.TextField(min_length=1, max_length=200)

    class Meta:
        model = LookupTable
        fields = ["name", "code", "custom_fields"]

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add the revision that is in force."""
        return {
            **super().get_fields(),
            ACTIVE: LookupRevisionSerializer(read_only=True, required=False),
        }


class LookupTableViewSet(TenantViewSet):
    """Lookup tables. ``additional=activeRevision`` shows the published revision too."""

    queryset = LookupTable.objects.all()
    serializer_class = LookupTableSerializer
    page_size_limit = 200
    filters: ClassVar[dict[str, Filter]] = {
        "ids": id_list(),
        "codes": code_list(),
        "additional": Filter(None),
    }
    action_filters: ClassVar[dict[str, dict[str, Filter]]] = {
        "retrieve": {"additional": Filter(None)}
    }

    def get_queryset(self) -> QuerySet:
        """Read the published revisions along where they are asked for and may be read."""
        rows = super().get_queryset()
        if not self._wants_active():
            return rows
        published = LookupTableRevision.objects.for_organization(self.organization_id)
        name = "config:lookupTableRevision"
        seen = self.rights.visible(published, "config:retrieve", name)
        active = seen.filter(status=RevisionStatus.PUBLISHED).select_related("data")
        return rows.prefetch_related(Prefetch("revisions", active, to_attr="active"))

    def _wants_active(self) -> bool:
        asked = ",".join(self.request.query_params.getlist("additional"))
        return self.request.method == "GET" and ACTIVE in asked.split(",")

    def represent(self, row: LookupTable) -> dict[str, Any]:
        """Add the published revision; null where there is none, or nobody asked."""
        shown = super().represent(row)
        active = [look.revision(one) for one in row.active] if self._wants_active() else []
        return {**shown, ACTIVE: active[0] if active else None}


class OfTableViewSet(TenantViewSet):
    """Rows of the table that the address names."""

    within: ClassVar[dict[str, str]] = {"lookuptable": "config:lookupTable"}

    def table(self) -> LookupTable:
        """Return the table, or raise ``NotFound``."""
        rows = LookupTable.objects.for_organization(self.organization_id)
        found: LookupTable = self.find(rows, self.kwargs["lookuptable"])
        return found


class LookupStatusSerializer(serializers.Serializer):
    """The status a revision shall have."""

    status = fields.ChoiceField(choices=RevisionStatus.choices)
    version = fields.WholeField(min_value=0, required=False, allow_null=True)


class RevisionViewSet(OfTableViewSet):
    """Revisions of a lookup table."""

    queryset = LookupTableRevision.objects.select_related("data")
    serializer_class = LookupRevisionSerializer
    page_size_limit = 200
    permits: ClassVar[Permits] = {"set_status": ("config:update", None)}

    def get_queryset(self) -> QuerySet:
        """Return the revisions of that table."""
        return super().get_queryset().filter(lookup_table=self.table())

    def create(self, request: Request, **kwargs: Any) -> Response:
        """Make a draft."""
        table = self.table()
        values = self.checked().validated_data
        row = LookupTableRevision(
            organization_id=self.organization_id, lookup_table=table, **values
        )
        return self.answer(changes.create(row, by=self.principal))

    @extend_schema(request=LookupStatusSerializer, responses=LookupRevisionSerializer)
    def set_status(self, request: Request, **kwargs: Any) -> Response:
        """Publish the revision, which archives the one that was published, or archive it."""
        row = self.get_object()
        body = LookupStatusSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        version = body.validated_data.get("version")
        if version is None:
            raise FieldRefused("version", "is needed to update: the version you have read")
        changed = statuses.change(
            row, body.validated_data["status"], by=self.principal, version=version
        )
        return self.answer(changed)
