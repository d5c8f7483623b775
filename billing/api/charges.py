"""Charges over the API."""

from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers

from billing.models import Charge, ChargeEntityType
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter, chosen, dated, id_list, related
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet


class ChargeSerializer(TenantSerializer):
    """A charge. ``entityId`` is the balance whose fee it is."""

    class Meta:
        model = Charge
        fields = [
            "account", "contract", "name", "code", "description", "notes", "entity_type",
            "line_item_type", "balance", "currency", "amount", "units", "unit_price", "bill_date",
            "service_period_start_date", "service_period_end_date", "accounting_product",
        ]  # fmt: skip
        names = {"balance": "entityId"}

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add the bill that carries the charge and the schedule that made it."""
        return {
            **super().get_fields(),
            "billId": fields.IdField(read_only=True),
            "scheduleId": fields.IdField(read_only=True),
        }


class ChargeViewSet(TenantViewSet):
    """Charges."""

    queryset = Charge.objects.all()
    serializer_class = ChargeSerializer
    page_size_limit = 200
    filters: ClassVar[dict[str, Filter]] = {
        "ids": id_list(),
        "accountId": related("account_id"),
        "entityType": chosen("entity_type", ChargeEntityType.values),
        "entityId": related("balance_id"),
        "billDate": dated("bill_date"),
        "scheduleId": related("schedule_id"),
    }
