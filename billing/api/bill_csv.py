"""Bills as CSV over the API (E2)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.api.statements import DownloadSerializer, address
from billing.bills import bill_csv, line_reading
from billing.models import Bill, LineItem
from organizations.kernel.api import fields
from organizations.kernel.api.views import TenantViewSet, routes


class BillCsvSerializer(serializers.Serializer):
    """One pair of dates, and the layout."""

    externalSystem = fields.ChoiceField(
        choices=bill_csv.FORMATS, required=False, allow_null=True, default=bill_csv.STANDARD
    )

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add the dates; of an instant the day counts that it is in the organization."""
        return {
            **super().get_fields(),
            **{
                name: fields.InstantField(required=False, allow_null=True)
                for pair in bill_csv.PAIRS
                for name in pair
            },
        }


class BillCsvViewSet(TenantViewSet):
    """Bills as a file."""

    queryset = Bill.objects.all()
    serializer_class = BillCsvSerializer
    permits: ClassVar[dict[str, tuple[str | None, str | None]]] = {"url": ("config:retrieve", None)}

    @extend_schema(request=BillCsvSerializer, responses=DownloadSerializer)
    def url(self, request: Request, **kwargs: Any) -> Response:
        """Write the bills of some days, and say where they can be read for five minutes."""
        body = self.checked().validated_data
        self.rights.require_some("config:retrieve", line_reading.LINE)
        lines = LineItem.objects.for_organization(self.organization_id)
        file = bill_csv.write(
            self.organization_id,
            bill_csv.days({name: self._day(body.get(name)) for pair in bill_csv.PAIRS
                           for name in pair}),
            bills=self.readable(Bill.objects.for_organization(self.organization_id)),
            lines=line_reading.readable(self.rights, lines),
            layout=body.get("externalSystem") or bill_csv.STANDARD,
            by=self.principal.id,
        )  # fmt: skip
        return Response({"downloadUrl": address(request, file)})

    def _day(self, at: datetime | None) -> date | None:
        return None if at is None else at.astimezone(self.zone()).date()


urlpatterns = routes(
    "bills",
    BillCsvViewSet,
    collection={},
    item={},
    more={"download/csv/url": {"post": "url"}},
)
