"""The bill explorer over the API: line items of many bills (FND-5)."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.bills import explorer, line_reading
from billing.models import Bill, LineItem, LineItemType
from organizations.kernel.api import fields
from organizations.kernel.api.views import TenantViewSet, routes

JOB, BILLS = "config:analyticsJob", "analytics:bill"


class DimensionQuerySerializer(serializers.Serializer):
    """A dimension and the texts it may have; ``*`` is any."""

    name = fields.TextField(min_length=1, max_length=80)
    filter = serializers.ListField(
        child=fields.TextField(max_length=500), min_length=1, max_length=500
    )
    attributes = serializers.ListField(child=fields.TextField(max_length=200), required=False)


class BillQuerySerializer(serializers.Serializer):
    """Which line items."""

    startDate = fields.InstantField()
    endDate = fields.InstantField()
    lineItemTypes = serializers.ListField(
        child=fields.ChoiceField(choices=LineItemType.values), min_length=1, max_length=100
    )
    # Not many=True: with it null would be allowed inside the list too.
    dimensions = serializers.ListField(
        child=DimensionQuerySerializer(), required=False, allow_null=True, max_length=100
    )
    limit = fields.WholeField(
        required=False, allow_null=True, min_value=1, max_value=explorer.MOST_LINES
    )
    # The contract's, of no effect on a question.
    version = fields.WholeField(required=False, allow_null=True, min_value=0)


def _object(kind: str, *names: str, **others: str) -> dict[str, Any]:
    """Describe an object whose properties may be null: of one type, but for ``others``."""
    kinds = {**dict.fromkeys(names, kind), **others}
    properties = {name: {"type": one, "nullable": True} for name, one in kinds.items()}
    return {"type": "object", "properties": properties}


# Line items with their dimensions, figures and facts of their bills, newest bill first.
EXPLORED = {
    "type": "object",
    "properties": {
        "values": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "updatedDate": {"type": "string", "format": "date-time"},
                    "dimensions": _object("string", *explorer.DIMENSIONS),
                    "measures": _object("number", *explorer.MEASURES),
                    "billDetails": _object(
                        "string",
                        *explorer.OF_BILL,
                        "week",
                        "month",
                        "yearMonth",
                        day="integer",
                        year="integer",
                    ),
                },
            },
        }
    },
}


class BillExplorerViewSet(TenantViewSet):
    """Line items of many bills."""

    queryset = LineItem.objects.all()
    serializer_class = BillQuerySerializer
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {
        "explore": ("config:create", JOB)
    }
    also_needs: ClassVar[dict[str, tuple[frozenset[tuple[str, str]], ...]]] = {
        "explore": (
            frozenset({("config:retrieve", JOB)}),
            frozenset({("config:retrieve", BILLS), ("analytics:query", BILLS)}),
        )
    }

    @extend_schema(request=BillQuerySerializer, responses={200: EXPLORED})
    def explore(self, request: Request, **kwargs: Any) -> Response:
        """Return the line items that are asked for, at most 2,000."""
        body = self.checked().validated_data
        found = explorer.narrowed(
            readable(self.rights, self.organization_id),
            explorer.Asked(
                body["startDate"].astimezone(self.zone()).date(),
                body["endDate"].astimezone(self.zone()).date(),
                body["lineItemTypes"],
                [(one["name"], one["filter"]) for one in body.get("dimensions") or ()],
            ),
        )
        limit = body.get("limit") or explorer.USUAL_LINES
        return Response({"values": explorer.lines(found, limit=limit)})


def readable(rights: Any, organization_id: Any) -> Any:
    """Return the lines that no policy denies, on bills that none denies."""
    asked = "config:retrieve"
    lines = LineItem.objects.for_organization(organization_id)
    found = rights.not_denied(lines, asked, line_reading.LINE)
    if rights.denies_some(asked, "billing:bill"):
        bills = Bill.objects.for_organization(organization_id)
        found = found.filter(bill__in=rights.not_denied(bills, asked, "billing:bill"))
    return found


urlpatterns = routes(
    "dataexplorer/bills", BillExplorerViewSet, collection={"post": "explore"}, item={}
)
