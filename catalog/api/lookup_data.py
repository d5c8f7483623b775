"""The data of lookup table revisions over the API: whole, and by key."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.lookups import OfTableViewSet, Permits
from catalog.lookups import data, rules
from catalog.models import LookupTableData, LookupTableRevision
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter
from organizations.kernel.errors import FieldRefused
from organizations.kernel.representing import audit

DATA = "config:lookupTableData"
REVISION = "config:lookupTableRevision"
KEY = "lookupKey"
ADDITIONAL = {"additional": Filter(None)}


class ItemField(serializers.JSONField):
    """A map of field and value; the revision's schema judges it."""

    def to_internal_value(self, data: Any) -> Any:
        """Return it as it was read: with exact numbers."""
        return data


class LookupDataSerializer(serializers.Serializer):
    """Items of a revision: maps of field and value."""

    items = serializers.ListField(child=serializers.DictField(), max_length=data.MOST_ITEMS)
    version = fields.WholeField(min_value=0, required=False, allow_null=True)
    dtCreated = fields.InstantField(read_only=True)
    dtLastModified = fields.InstantField(read_only=True)
    createdBy = fields.IdField(read_only=True)
    lastModifiedBy = fields.IdField(read_only=True)


class LookupDataRequestSerializer(serializers.Serializer):
    """Items to add, or to replace those with the same keys."""

    items = serializers.ListField(child=ItemField(), max_length=data.MOST_ITEMS)
    version = fields.WholeField(min_value=0, required=False, allow_null=True)


class LookupItemRequestSerializer(serializers.Serializer):
    """One item."""

    item = ItemField()
    version = fields.WholeField(min_value=0, required=False, allow_null=True)


class LookupVersionSerializer(serializers.Serializer):
    """The version of the data that was read."""

    version = fields.WholeField(min_value=0, required=False, allow_null=True)


class LookupDeletedSerializer(serializers.Serializer):
    """What was done."""

    result = serializers.CharField()


class OfRevisionViewSet(OfTableViewSet):
    """What belongs to the revision that the address names."""

    within: ClassVar[dict[str, str]] = {
        "lookuptable": "config:lookupTable",
        "lookuptablerevision": REVISION,
    }

    def revision(self) -> LookupTableRevision:
        """Return the revision, or raise ``NotFound``."""
        rows = LookupTableRevision.objects.for_organization(self.organization_id)
        of_table = rows.filter(lookup_table=self.table())
        found: LookupTableRevision = self.find(of_table, self.kwargs["lookuptablerevision"])
        return found

    def valid(self, kind: type[serializers.Serializer]) -> dict[str, Any]:
        """Return the body as this serializer reads it."""
        serializer = kind(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        values: dict[str, Any] = serializer.validated_data
        return values


class DataViewSet(OfRevisionViewSet):
    """The data of a revision."""

    queryset = LookupTableData.objects.all()
    deletes_with_body = ("delete_item",)
    permits: ClassVar[Permits] = {
        "whole": ("config:retrieve", DATA),
        "put": ("config:update", DATA),
        "delete_all": ("config:delete", DATA),
        "item": ("config:retrieve", DATA),
        "put_item": ("config:update", DATA),
        "delete_item": ("config:delete", DATA),
    }
    action_filters: ClassVar[dict[str, dict[str, Filter]]] = {
        "whole": {**ADDITIONAL, "limit": Filter(None)},
        "put": ADDITIONAL,
        "put_item": ADDITIONAL,
    }

    def data(self) -> LookupTableData:
        """Return the row of the data, with its version."""
        return rules.data_of(self.revision().pk)

    @extend_schema(responses=LookupDataSerializer)
    def whole(self, request: Request, **kwargs: Any) -> Response:
        """The first items in the order of their keys; a download has all of them."""
        found = self.data()
        return self.shown_items(found, data.first(found, self._limit()))

    @extend_schema(request=LookupDataRequestSerializer, responses=LookupDataSerializer)
    def put(self, request: Request, **kwargs: Any) -> Response:
        """Add items, or replace those with the same keys; others stay as they are."""
        found, body = self.data(), self.valid(LookupDataRequestSerializer)
        return self.shown_items(
            *data.put(found, body["items"], by=self.principal, version=body.get("version"))
        )

    @extend_schema(responses={200: LookupDeletedSerializer})
    def delete_all(self, request: Request, **kwargs: Any) -> Response:
        """Delete every item of a draft."""
        data.delete_all(self.data(), by=self.principal)
        return Response({"result": "All items were deleted."})

    @extend_schema(responses=LookupDataSerializer)
    def item(self, request: Request, **kwargs: Any) -> Response:
        """The item of a key; several keys are joined with commas."""
        found = self.data()
        return self.shown_items(found, [data.one(found, self.kwargs[KEY])])

    @extend_schema(request=LookupItemRequestSerializer, responses=LookupDataSerializer)
    def put_item(self, request: Request, **kwargs: Any) -> Response:
        """Add or replace the item of a key."""
        found, body = self.data(), self.valid(LookupItemRequestSerializer)
        changed, keyed = data.put_one(
            found,
            self.kwargs[KEY],
            body["item"],
            by=self.principal,
            version=body.get("version"),
        )
        return self.shown_items(changed, [keyed])

    @extend_schema(request=LookupVersionSerializer, responses={200: LookupDataSerializer})
    def delete_item(self, request: Request, **kwargs: Any) -> Response:
        """Delete the item of a key and return it."""
        found, body = self.data(), self.valid(LookupVersionSerializer)
        changed, keyed = data.delete_one(
            found, self.kwargs[KEY], by=self.principal, version=body.get("version")
        )
        return self.shown_items(changed, [keyed])

    def shown_items(self, found: LookupTableData, keyed: list[data.Keyed]) -> Response:
        """Answer items, to whoever may read them."""
        about = {"version": found.version, **audit(found)}
        if not self.rights.allows("config:retrieve", DATA, found.pk):
            return Response({"items": [], "version": found.version})
        asked = ",".join(self.request.query_params.getlist("additional")).split(",")
        with_key = KEY in asked
        shown = [{**item, **({KEY: key} if with_key else {})} for key, item in keyed]
        return Response({"items": shown, **about})

    def _limit(self) -> int:
        text = self.request.query_params.get("limit") or str(data.MOST_ITEMS)
        is_number = text.isascii() and text.isdigit() and len(text) < 8
        if not is_number or not 1 <= int(text) <= data.MOST_ITEMS:
            raise FieldRefused("limit", f"must be 1 to {data.MOST_ITEMS:,}")
        return int(text)
