"""The wire format of this app's entities."""

from typing import Any

from rest_framework import serializers

from organizations.kernel import iso4217
from organizations.kernel.api import fields
from organizations.kernel.api.serializers import TenantSerializer
from organizations.models import (
    BillGroupingKey,
    CreditReason,
    Currency,
    CustomFieldDefaults,
    DebitReason,
    ExternalInvoiceDateRule,
    OrganizationConfig,
    TransactionType,
)


class ConversionSerializer(serializers.Serializer):
    """One rate: an amount in ``from`` times ``multiplier`` is the amount in ``to``."""

    to = fields.TextField(min_length=1, max_length=80)
    multiplier = fields.DecimalField(above=0)

    def get_fields(self) -> dict[str, serializers.Field]:
        """Add ``from``, which Python keeps for itself."""
        return {"from": fields.TextField(min_length=1, max_length=80), **super().get_fields()}


class CurrencySerializer(TenantSerializer):
    """A currency of the pick list."""

    class Meta:
        model = Currency
        fields = ["name", "code", "is_archived", "max_decimal_places", "rounding_mode"]
        names = {"is_archived": "archived"}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Add the decimals that a currency has by its code where none are said (MON-3)."""
        values = super().to_internal_value(data)
        return {"max_decimal_places": iso4217.decimals(values["code"]), **values}


class CreditReasonSerializer(TenantSerializer):
    """A reason for credits (pick list)."""

    class Meta:
        model = CreditReason
        fields = ["name", "code", "is_archived"]
        names = {"is_archived": "archived"}


class DebitReasonSerializer(CreditReasonSerializer):
    """A reason for debits (pick list)."""

    class Meta(CreditReasonSerializer.Meta):
        model = DebitReason


class TransactionTypeSerializer(CreditReasonSerializer):
    """A type of balance transaction (pick list)."""

    class Meta(CreditReasonSerializer.Meta):
        model = TransactionType


class BillGroupingKeySerializer(TenantSerializer):
    """A bill grouping key (pick list)."""

    is_exclusive = fields.FlagField()

    class Meta:
        model = BillGroupingKey
        fields = ["name", "code", "is_archived", "is_exclusive"]
        names = {"is_archived": "archived", "is_exclusive": "exclusive"}


def _defaults() -> fields.CustomFieldsField:
    return fields.CustomFieldsField(required=False, largest=25)


class CustomFieldDefaultsSerializer(TenantSerializer):
    """The organization's custom fields: a map of name to default value per kind of entity."""

    for_organization = _defaults()
    for_account = _defaults()
    for_account_plan = _defaults()
    for_meter = _defaults()
    for_product = _defaults()
    for_plan_template = _defaults()
    for_plan = _defaults()
    for_aggregation = _defaults()
    for_compound_aggregation = _defaults()
    for_contract = _defaults()

    class Meta:
        model = CustomFieldDefaults
        fields = [
            "for_organization", "for_account", "for_account_plan", "for_meter", "for_product",
            "for_plan_template", "for_plan", "for_aggregation", "for_compound_aggregation",
            "for_contract",
        ]  # fmt: skip
        names = {
            "for_organization": "organization",
            "for_account": "account",
            "for_account_plan": "accountPlan",
            "for_meter": "meter",
            "for_product": "product",
            "for_plan_template": "planTemplate",
            "for_plan": "plan",
            "for_aggregation": "aggregation",
            "for_compound_aggregation": "compoundAggregation",
            "for_contract": "contract",
        }


class OrganizationConfigSerializer(TenantSerializer):
    """The organization's billing settings."""

    timezone = fields.TextField(max_length=64)
    currency_conversions = ConversionSerializer(many=True, required=False)
    scheduled_bill_interval = fields.DecimalField(required=False, min_value=0)
    external_invoice_date = fields.ChoiceField(
        choices=ExternalInvoiceDateRule.choices, required=False
    )
    credit_application_order = serializers.ListField(
        child=fields.ChoiceField(choices=["PREPAYMENT", "BALANCE"]), required=False
    )

    class Meta:
        model = OrganizationConfig
        fields = [
            "timezone", "year_epoch", "month_epoch", "week_epoch", "day_epoch", "currency",
            "currency_conversions", "days_before_bill_due", "scheduled_bill_interval",
            "scheduled_bill_offset", "standing_charge_bill_in_advance",
            "commitment_fee_bill_in_advance", "minimum_spend_bill_in_advance",
            "auto_approve_bills_grace_period", "auto_approve_bills_grace_period_unit",
            "external_invoice_date", "suppressed_empty_bills", "consolidate_bills",
            "default_statement_definition_id", "auto_generate_statement_mode",
            "credit_application_order", "allow_negative_balances", "allow_overlapping_plans",
            "bill_prefix", "sequence_start_number",
        ]  # fmt: skip
        extra_kwargs = {
            name: {"required": True}
            for name in (
                "year_epoch", "month_epoch", "week_epoch", "day_epoch", "currency",
                "days_before_bill_due",
            )
        }  # fmt: skip


class EventSerializer(serializers.Serializer):
    """An event; the payload is free-form."""

    id = fields.IdField()
    eventName = serializers.CharField()
    eventTime = fields.InstantField()
    m3terEvent = serializers.DictField()
    dtActioned = fields.InstantField(allow_null=True)


class EventTypesSerializer(serializers.Serializer):
    """The names of the types of events."""

    events = serializers.ListField(child=serializers.CharField())


class EventFieldsSerializer(serializers.Serializer):
    """By event type, the type of each field of its payload by path."""

    events = serializers.DictField(child=serializers.DictField(child=serializers.CharField()))


class AuditedSerializer(serializers.Serializer):
    """Identity and audit fields, for answers that are no single model's."""

    id = fields.IdField()
    version = fields.WholeField()
    dtCreated = fields.InstantField()
    dtLastModified = fields.InstantField()
    createdBy = fields.IdField(allow_null=True)
    lastModifiedBy = fields.IdField(allow_null=True)


class ServiceUserFactsSerializer(AuditedSerializer):
    """A service user in ``users/me``."""

    name = serializers.CharField()


class UserFactsSerializer(AuditedSerializer):
    """A person in ``users/me``."""

    firstName = serializers.CharField(allow_null=True)
    lastName = serializers.CharField(allow_null=True)
    contactNumber = serializers.CharField(allow_null=True)
    email = serializers.CharField()
    organizations = serializers.ListField(child=fields.IdField())
    supportUser = serializers.BooleanField()
    firstAcceptedTermsAndConditions = fields.InstantField(allow_null=True)
    lastAcceptedTermsAndConditions = fields.InstantField(allow_null=True)


def _texts(*names: str) -> dict[str, serializers.Field]:
    return {name: serializers.CharField(allow_null=True) for name in names}


OrganizationFactsSerializer = type(
    "OrganizationFactsSerializer",
    (AuditedSerializer,),
    {
        "__doc__": "The organization's own facts (A1.2).",
        "billsByEmail": serializers.BooleanField(),
        **_texts(
            "orgId", "customerId", "organizationName", "shortName", "addressLine1",
            "addressLine2", "addressLine3", "addressLine4", "locality", "region", "postCode",
            "country", "taxId", "purchaseOrderNumber", "documentLanguage",
            "bankDetails", "documentFooter", "logoFileId", "billEmailSubject", "billEmailText",
            "invoiceGeneralReference",
            "billingContactUserId1", "billingContactUserId2", "billingContactUserId3", "type",
            "status",
        ),
    },
)  # fmt: skip


class MeSerializer(serializers.Serializer):
    """Who calls, and in which organization; one of ``user`` and ``serviceUser`` is null."""

    user = UserFactsSerializer(allow_null=True)
    serviceUser = ServiceUserFactsSerializer(allow_null=True)
    organization = OrganizationFactsSerializer()
