"""The wire format of what is sold, measured and priced."""

from typing import Any

from rest_framework import serializers

from catalog.models import (
    Aggregation,
    AggregationMethod,
    BillingFrequency,
    FieldCategory,
    Meter,
    Plan,
    PlanTemplate,
    Pricing,
    PricingType,
    Product,
)
from organizations.kernel.api import fields
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.ids import strict_code


class ProductSerializer(TenantSerializer):
    """A product."""

    class Meta:
        model = Product
        fields = ["name", "code", "custom_fields"]


class DataFieldSerializer(serializers.Serializer):
    """One data field of a meter."""

    category = fields.ChoiceField(choices=FieldCategory.choices)
    code = fields.TextField(min_length=1, max_length=80, validators=[strict_code])
    name = fields.TextField(min_length=1, max_length=200)
    unit = fields.TextField(min_length=1, max_length=50, required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the field with ``unit`` always there."""
        return {"unit": None, **super().to_internal_value(data)}


class DerivedFieldSerializer(DataFieldSerializer):
    """One derived field: a data field with a calculation."""

    calculation = fields.TextField(min_length=1, max_length=5000)


class MeterSerializer(TenantSerializer):
    """A meter."""

    group_id = fields.IdField(required=False, allow_null=True)
    data_fields = DataFieldSerializer(many=True, max_length=15, min_length=1)
    derived_fields = DerivedFieldSerializer(many=True, max_length=15)

    class Meta:
        model = Meter
        fields = [
            "product", "group_id", "name", "code", "data_fields", "derived_fields", "custom_fields",
        ]  # fmt: skip


class AggregationSerializer(TenantSerializer):
    """An aggregation."""

    aggregation = fields.ChoiceField(choices=AggregationMethod.values)
    quantity_per_unit = fields.DecimalField(above=0)
    default_value = fields.DecimalField(min_value=0, required=False, allow_null=True)
    segmented_fields = serializers.ListField(
        child=fields.TextField(max_length=80), required=False, max_length=5
    )
    segments = serializers.ListField(
        child=serializers.DictField(child=fields.TextField(max_length=1000, allow_blank=True)),
        required=False,
        max_length=1000,
    )
    custom_sql = fields.TextField(
        max_length=2048, required=False, allow_null=True, allow_blank=True
    )

    class Meta:
        model = Aggregation
        fields = [
            "name", "code", "meter", "target_field", "aggregation", "rounding",
            "quantity_per_unit", "unit", "default_value", "segmented_fields", "segments",
            "custom_sql", "accounting_product", "custom_fields",
        ]  # fmt: skip


class PlanTemplateSerializer(TenantSerializer):
    """A plan template."""

    bill_frequency = fields.ChoiceField(choices=BillingFrequency.choices)
    standing_charge = fields.DecimalField(min_value=0)
    minimum_spend = fields.DecimalField(min_value=0, required=False, allow_null=True)
    ordinal = fields.WholeField(min_value=0, required=False, allow_null=True)

    class Meta:
        model = PlanTemplate
        fields = [
            "product", "name", "code", "currency", "bill_frequency", "bill_frequency_interval",
            "standing_charge", "standing_charge_description", "standing_charge_interval",
            "standing_charge_offset", "standing_charge_bill_in_advance", "minimum_spend",
            "minimum_spend_description", "minimum_spend_bill_in_advance", "ordinal",
            "custom_fields",
        ]  # fmt: skip


class PlanSerializer(TenantSerializer):
    """A plan; ``bespoke`` follows from ``accountId`` and is ignored when sent."""

    standing_charge = fields.DecimalField(min_value=0, required=False, allow_null=True)
    minimum_spend = fields.DecimalField(min_value=0, required=False, allow_null=True)
    ordinal = fields.WholeField(min_value=0, required=False, allow_null=True)

    class Meta:
        model = Plan
        fields = [
            "plan_template", "name", "code", "account", "standing_charge",
            "standing_charge_description", "standing_charge_bill_in_advance",
            "standing_charge_accounting_product", "minimum_spend", "minimum_spend_description",
            "minimum_spend_bill_in_advance", "minimum_spend_accounting_product", "ordinal",
            "custom_fields",
        ]  # fmt: skip

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add what a plan shows beside its own columns."""
        return {
            **super().get_fields(),
            "productId": fields.IdField(read_only=True),
            "bespoke": _Ignored(required=False),
        }


class _Ignored(fields.FlagField):
    """A field that may be sent and follows from others."""

    def to_internal_value(self, data: Any) -> bool:
        """Leave it out."""
        super().to_internal_value(data)
        raise serializers.SkipField


class BandSerializer(serializers.Serializer):
    """One pricing band. ``creditTypeId`` is obsolete: accepted, without effect (PRC-3)."""

    id = fields.TextField(required=False, allow_null=True)
    lowerLimit = fields.DecimalField(min_value=0)
    fixedPrice = fields.DecimalField()
    unitPrice = fields.DecimalField()
    creditTypeId = fields.TextField(required=False, allow_null=True)


class PricingSerializer(TenantSerializer):
    """A price over time."""

    bands = BandSerializer(many=True, min_length=1, max_length=100)
    segment = serializers.DictField(child=fields.TextField(allow_blank=True), required=False)
    minimum_spend = fields.DecimalField(min_value=0, required=False, allow_null=True)
    # Not many=True: with it null would be allowed inside the list too.
    overage_bands = serializers.ListField(
        child=BandSerializer(), required=False, allow_null=True, max_length=100
    )
    type = fields.ChoiceField(choices=PricingType.choices, required=False, allow_null=True)

    class Meta:
        model = Pricing
        fields = [
            "plan", "plan_template", "aggregation", "compound_aggregation", "code", "description",
            "start_date", "end_date", "type", "is_cumulative", "tiers_span_plan", "bands",
            "overage_bands", "segment", "minimum_spend", "minimum_spend_description",
            "minimum_spend_bill_in_advance", "accounting_product",
        ]  # fmt: skip
        names = {
            "is_cumulative": "cumulative",
            "bands": "pricingBands",
            "overage_bands": "overagePricingBands",
        }

    def validate_type(self, value: str | None) -> str:
        """Null means the default."""
        return value or PricingType.DEBIT

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Null means no overage bands."""
        if values.get("overage_bands", []) is None:
            values["overage_bands"] = []
        return values

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add what a pricing shows beside its own columns."""
        return {
            **super().get_fields(),
            "aggregationType": serializers.CharField(read_only=True),
            "segmentString": serializers.CharField(read_only=True),
        }
