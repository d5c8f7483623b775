"""Commitments over the API."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from rest_framework import serializers

from billing.models import Commitment, CommitmentLineItemType
from organizations.kernel.api import fields, search
from organizations.kernel.api.filters import (
    Filter,
    day,
    id_list,
    identifier,
    related,
)
from organizations.kernel.api.serializers import TenantSerializer
from organizations.kernel.api.views import TenantViewSet


class FeeSerializer(serializers.Serializer):
    """One fee of a commitment that is billed by dates."""

    date = fields.DayField()
    amount = fields.DecimalField(above=0)
    servicePeriodStartDate = fields.InstantField()
    servicePeriodEndDate = fields.InstantField()


class CommitmentSerializer(TenantSerializer):
    """A commitment."""

    amount = fields.DecimalField(above=0)
    amount_pre_paid = fields.DecimalField(min_value=0, required=False)
    amount_first_bill = fields.DecimalField(min_value=0, required=False, allow_null=True)
    billing_interval = fields.WholeField(min_value=1, max_value=365, required=False)
    billing_offset = fields.WholeField(min_value=0, max_value=364, required=False)
    fee_dates = FeeSerializer(many=True, required=False)
    product_ids = serializers.ListField(child=fields.IdField(), required=False, max_length=100)
    line_item_types = serializers.ListField(
        child=fields.ChoiceField(choices=CommitmentLineItemType.choices), required=False
    )

    class Meta:
        model = Commitment
        fields = [
            "account", "contract", "amount", "amount_pre_paid", "amount_first_bill", "currency",
            "start_date", "end_date", "billing_plan", "billing_interval", "billing_offset",
            "bill_epoch", "commitment_fee_bill_in_advance", "fee_dates", "product_ids",
            "line_item_types", "overage_surcharge_percent", "separate_overage_usage",
            "commitment_fee_description", "commitment_usage_description", "overage_description",
            "accounting_product", "fees_accounting_product", "drawdowns_accounting_product",
            "child_billing_mode",
        ]  # fmt: skip

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add what bills have drawn, which nobody sets."""
        return {**super().get_fields(), "amountSpent": fields.DecimalField(read_only=True)}


class CommitmentViewSet(TenantViewSet):
    """Commitments."""

    queryset = Commitment.objects.all()
    serializer_class = CommitmentSerializer
    filters: ClassVar[dict[str, Filter]] = {
        "ids": id_list(),
        "accountId": related("account_id"),
        "contractId": related("contract_id"),
        "productId": related(None),
        "date": Filter(None, day),
        "endDateStart": Filter("end_date__gte", day),
        "endDateEnd": Filter("end_date__lt", day),
    }
    search_fields: ClassVar[dict[str, search.Field]] = {
        "startDate": search.Field("start_date", day),
        "endDate": search.Field("end_date", day),
        "contractId": search.Field("contract_id", identifier),
        "accountId": search.Field("account_id", identifier),
        "productId": search.Field("product_ids", identifier, is_list=True),
        "productIds": search.Field("product_ids", identifier, many=True, is_list=True),
        **search.AUDIT,
    }

    def narrow(self, rows: QuerySet) -> QuerySet:
        """Apply the filters that are no plain comparison."""
        if on := self.asked.get("date"):
            rows = rows.filter(start_date__lte=on, end_date__gt=on)
        if product_id := self.asked.get("productId"):
            rows = rows.filter(product_ids__contains=[product_id])
        return rows
