"""Counters and their prices over the API."""

from typing import Any, ClassVar

from django.db.models import Q

from catalog.api.serializers import BandSerializer
from catalog.models import Counter, CounterPricing
from organizations.kernel.api.filters import Filter, code_list, dated, id_list, related
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet, routes


class CounterSerializer(TenantSerializer):
    """A counter."""

    class Meta:
        model = Counter
        fields = ["product", "name", "code", "unit"]


class CounterPricingSerializer(TenantSerializer):
    """What the units of a counter cost over time."""

    bands = BandSerializer(many=True, min_length=1, max_length=100)

    class Meta:
        model = CounterPricing
        fields = [
            "plan", "plan_template", "counter", "code", "description", "start_date", "end_date",
            "is_cumulative", "bands", "running_total_bill_in_advance", "pro_rate_running_total",
            "pro_rate_adjustment_debit", "pro_rate_adjustment_credit", "accounting_product",
        ]  # fmt: skip
        names = {"is_cumulative": "cumulative", "bands": "pricingBands"}


class CounterViewSet(TenantViewSet):
    """Counters."""

    queryset = Counter.objects.all()
    serializer_class = CounterSerializer
    page_size_limit = 200
    filters: ClassVar[dict[str, Filter]] = {
        "ids": id_list(),
        "codes": code_list(),
        "productId": id_list("product_id"),
    }


class CounterPricingViewSet(TenantViewSet):
    """Counter pricings; ``date`` leaves those in force on that day."""

    queryset = CounterPricing.objects.all()
    serializer_class = CounterPricingSerializer
    page_size_limit = 200
    filters: ClassVar[dict[str, Filter]] = {
        "ids": id_list(),
        "planId": related("plan_id"),
        "planTemplateId": related("plan_template_id"),
        "date": dated(None),
    }

    def narrow(self, rows: Any) -> Any:
        """Leave what is in force on ``date``."""
        if day := self.asked.get("date"):
            rows = rows.filter(
                Q(end_date__isnull=True) | Q(end_date__date__gt=day), start_date__date__lte=day
            )
        return rows


urlpatterns = [
    *routes("counters", CounterViewSet),
    *routes("counterpricings", CounterPricingViewSet),
]
