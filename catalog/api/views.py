"""The routes of what is sold, measured and priced."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Q

from catalog.api import serializers
from catalog.models import Aggregation, Meter, Plan, PlanTemplate, Pricing, Product
from organizations.kernel.api.filters import Filter, code_list, dated, id_list, related
from organizations.kernel.api.views import TenantViewSet

Filters = dict[str, Filter]
BY_CODE: Filters = {"ids": id_list(), "codes": code_list()}


class ProductViewSet(TenantViewSet):
    """Products."""

    queryset = Product.objects.all()
    serializer_class = serializers.ProductSerializer
    page_size_limit = 200
    filters: ClassVar[Filters] = {"ids": id_list()}


class MeterViewSet(TenantViewSet):
    """Meters."""

    queryset = Meter.objects.all()
    serializer_class = serializers.MeterSerializer
    filters: ClassVar[Filters] = {**BY_CODE, "productId": id_list("product_id")}


class AggregationViewSet(TenantViewSet):
    """Aggregations."""

    queryset = Aggregation.objects.select_related("meter")
    serializer_class = serializers.AggregationSerializer
    filters: ClassVar[Filters] = {**BY_CODE, "productId": id_list("meter__product_id")}


class PlanTemplateViewSet(TenantViewSet):
    """Plan templates."""

    queryset = PlanTemplate.objects.all()
    serializer_class = serializers.PlanTemplateSerializer
    filters: ClassVar[Filters] = {"ids": id_list(), "productId": related("product_id")}


class PlanViewSet(TenantViewSet):
    """Plans."""

    queryset = Plan.objects.select_related("plan_template")
    serializer_class = serializers.PlanSerializer
    filters: ClassVar[Filters] = {
        "ids": id_list(),
        "productId": related("plan_template__product_id"),
        "accountId": id_list("account_id"),
    }


class PricingViewSet(TenantViewSet):
    """Pricings; ``date`` leaves those in force on that day."""

    queryset = Pricing.objects.all()
    serializer_class = serializers.PricingSerializer
    filters: ClassVar[Filters] = {
        "ids": id_list(),
        "planId": related("plan_id"),
        "planTemplateId": related("plan_template_id"),
        "aggregationId": related("aggregation_id"),
        "date": dated(None),
    }

    def narrow(self, rows: Any) -> Any:
        """Leave what is in force on ``date``."""
        if day := self.asked.get("date"):
            rows = rows.filter(
                Q(end_date__isnull=True) | Q(end_date__date__gt=day), start_date__date__lte=day
            )
        return rows
