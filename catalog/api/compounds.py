"""Compound aggregations over the API."""

from typing import ClassVar

from rest_framework import serializers

from catalog.compounds import representations
from catalog.models import CompoundAggregation
from organizations.kernel.api import fields
from organizations.kernel.api.filters import Filter, code_list, id_list
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet, routes


class CompoundAggregationSerializer(TenantSerializer):
    """A compound aggregation; ``segments`` follow from what it refers to."""

    quantity_per_unit = fields.DecimalField(above=0)
    calculation = fields.TextField(min_length=1, max_length=5000)

    class Meta:
        model = CompoundAggregation
        fields = [
            "product", "name", "code", "calculation", "rounding", "quantity_per_unit", "unit",
            "evaluate_null_aggregations", "segments", "accounting_product", "custom_fields",
        ]  # fmt: skip
        read_only_fields: ClassVar[list[str]] = ["segments"]

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add what only simple aggregations have: null, but in the contract's answers."""
        more = {
            name: serializers.CharField(read_only=True, allow_null=True)
            for name in representations.OF_SIMPLE_ONES
        }
        return {**super().get_fields(), **more}


class CompoundAggregationViewSet(TenantViewSet):
    """Compound aggregations."""

    queryset = CompoundAggregation.objects.all()
    serializer_class = CompoundAggregationSerializer
    filters: ClassVar[dict[str, Filter]] = {
        "ids": id_list(),
        "codes": code_list(),
        "productId": id_list("product_id"),
    }


urlpatterns = routes("compoundaggregations", CompoundAggregationViewSet)
