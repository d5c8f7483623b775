"""The wire format of bills, line items and bill jobs."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from billing.models import BillFrequency, BillJobStatus, BillJobType, BillStatus, LineItemType
from organizations.api.serializers import AuditedSerializer, ConversionSerializer
from organizations.kernel.api import fields

RECURRING = ["DAILY", "WEEKLY", "MONTHLY", "ANNUALLY", "AD_HOC"]


def _texts(*names: str) -> dict[str, serializers.Field]:
    return {name: serializers.CharField(allow_null=True) for name in names}


def _ids(*names: str) -> dict[str, serializers.Field]:
    return {name: fields.IdField(allow_null=True) for name in names}


def _numbers(*names: str) -> dict[str, serializers.Field]:
    return {name: fields.DecimalField() for name in names}


def _days(*names: str, **options: Any) -> dict[str, serializers.Field]:
    return {name: fields.DayField(allow_null=True, **options) for name in names}


def _instants(*names: str) -> dict[str, serializers.Field]:
    return {name: fields.InstantField(allow_null=True) for name in names}


class BandUsageSerializer(serializers.Serializer):
    """What one pricing band contributed to a line."""

    pricingBandId = fields.IdField()
    creditTypeId = fields.IdField(allow_null=True)

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add the figures."""
        return {
            **super().get_fields(),
            **_numbers(
                "lowerLimit", "fixedPrice", "unitPrice", "bandQuantity", "bandUnits",
                "unitSubtotal", "bandSubtotal", "convertedBandSubtotal",
            ),
        }  # fmt: skip


class _LineFieldsSerializer(serializers.Serializer):
    """What a line item shows inside its bill and on its own."""

    lineItemType = serializers.ChoiceField(choices=LineItemType.choices)
    segment = serializers.DictField(child=serializers.CharField())
    group = serializers.DictField(child=serializers.CharField())
    additional = serializers.DictField()
    sequenceNumber = fields.WholeField()

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add texts, ids, figures and the service period."""
        return {
            **super().get_fields(),
            **_texts(
                "description", "unit", "currency", "productCode", "productName",
                "accountingProductCode", "accountingProductName", "childAccountCode",
            ),
            **_ids(
                "productId", "accountingProductId", "planId", "planGroupId", "pricingId",
                "aggregationId", "compoundAggregationId", "meterId", "contractId", "counterId",
                "chargeId", "commitmentId", "balanceId", "creditTypeId", "childAccountId",
                "referencedBillId", "referencedLineItemId", "reasonId",
            ),
            **_numbers(
                "quantity", "units", "subtotal", "conversionRate", "convertedSubtotal",
                "averageUnitPrice",
            ),
            **_instants("servicePeriodStartDate", "servicePeriodEndDate"),
        }  # fmt: skip


class BillLineSerializer(_LineFieldsSerializer):
    """A line item inside its bill."""

    id = fields.IdField()
    usagePerPricingBand = BandUsageSerializer(many=True)


class LineItemSerializer(_LineFieldsSerializer, AuditedSerializer):
    """A line item on its own."""

    billId = fields.IdField()
    bandUsage = BandUsageSerializer(many=True)
    jsonUsageGenerated = serializers.BooleanField()


class BillSerializer(AuditedSerializer):
    """A bill; in lists with its total only where asked for."""

    billFrequencyInterval = fields.WholeField()
    billingFrequency = serializers.ChoiceField(choices=BillFrequency.choices)
    status = serializers.ChoiceField(choices=BillStatus.choices)
    locked = serializers.BooleanField()
    currencyConversions = ConversionSerializer(many=True)
    lineItems = BillLineSerializer(many=True)
    jsonStatementGenerated = serializers.BooleanField()
    csvStatementGenerated = serializers.BooleanField()
    statementStale = serializers.BooleanField()
    billTotal = fields.DecimalField()

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add texts, ids, dates and instants."""
        return {
            **super().get_fields(),
            **_texts(
                "accountCode", "timezone", "currency", "purchaseOrderNumber",
                "externalInvoiceReference", "sequentialInvoiceNumber",
            ),
            **_ids("accountId", "billJobId", "approvedBy", "lockedBy"),
            **_days("startDate", "endDate", "billDate", "dueDate", "externalInvoiceDate"),
            **_instants(
                "startDateTimeUTC", "endDateTimeUTC", "createdDate", "lastCalculatedDate",
                "dtApproved", "dtLocked",
            ),
        }  # fmt: skip


class BillJobRequestSerializer(serializers.Serializer):
    """What a run shall bill; everything may be left out (JOB-4)."""

    version = fields.WholeField(required=False, allow_null=True)
    billingFrequency = fields.ChoiceField(choices=RECURRING, required=False, allow_null=True)
    billFrequencyInterval = fields.WholeField(
        required=False, allow_null=True, min_value=1, max_value=365
    )
    accountIds = serializers.ListField(
        child=fields.IdField(), required=False, allow_null=True, min_length=1, max_length=100
    )
    targetCurrency = fields.TextField(required=False, allow_null=True, min_length=1, max_length=80)
    # Not many=True: with it null would be allowed inside the list too.
    currencyConversions = serializers.ListField(
        child=ConversionSerializer(), required=False, allow_null=True
    )
    timezone = fields.TextField(required=False, allow_null=True, max_length=64)

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add the dates."""
        names = (
            "lastDateInBillingPeriod", "billDate", "dueDate", "externalInvoiceDate", "dayEpoch",
            "weekEpoch", "monthEpoch", "yearEpoch",
        )  # fmt: skip
        return {**super().get_fields(), **_days(*names, required=False)}


class RecalculateSerializer(serializers.Serializer):
    """The bills to calculate again, at most 100."""

    version = fields.WholeField(required=False, allow_null=True)
    billIds = serializers.ListField(child=fields.IdField(), min_length=1, max_length=100)


class BillJobSerializer(AuditedSerializer, BillJobRequestSerializer):
    """A run and how far it is."""

    billIds = serializers.ListField(child=fields.IdField())
    status = serializers.ChoiceField(choices=BillJobStatus.choices)
    type = serializers.ChoiceField(choices=BillJobType.choices)
    total = fields.WholeField()
    pending = fields.WholeField()


class ParkedAccountSerializer(serializers.Serializer):
    """An account that a run could not bill; without reason where the account may not be read."""

    accountId = fields.IdField()
    accountCode = serializers.CharField()
    accountName = serializers.CharField()
    reason = serializers.CharField(allow_null=True)
    dtParked = fields.InstantField(allow_null=True)


class StatusSerializer(serializers.Serializer):
    """The status a bill shall have."""

    status = fields.ChoiceField(choices=BillStatus.choices)


class ApproveSerializer(serializers.Serializer):
    """The bills to approve; may be left out when the query names a filter (LIF-3)."""

    billIds = serializers.ListField(
        child=fields.IdField(), required=False, allow_null=True, min_length=1
    )


class ApprovalSerializer(serializers.Serializer):
    """What an approval of many bills has done, as a sentence."""

    message = serializers.CharField()
