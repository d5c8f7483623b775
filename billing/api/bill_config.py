"""The lock date over the API."""

from __future__ import annotations

from typing import Any

from billing.bills import lock_dates
from billing.models import BillConfig
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet, routes


class BillConfigSerializer(TenantSerializer):
    """The day up to which all bills are closed; null: no such day."""

    class Meta:
        model = BillConfig
        fields = ["bill_lock_date"]


class BillConfigViewSet(TenantViewSet):
    """The one row of the organization."""

    queryset = BillConfig.objects.all()
    serializer_class = BillConfigSerializer

    def get_object(self) -> Any:
        """Return the organization's row."""
        lock_dates.of_organization(self.organization_id)
        return self.get_single()


urlpatterns = routes(
    "billconfig",
    BillConfigViewSet,
    collection={"get": "retrieve", "put": "update"},
    item={},
)
