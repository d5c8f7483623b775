"""How the rows of this app look outside: API answers, event payloads, audit entries."""

from typing import Any

from catalog.models import Aggregation, Meter, Plan, PlanTemplate, Pricing, Product
from organizations.kernel.representing import audit, identity, text


def product(row: Product) -> dict[str, Any]:
    """A product."""
    return {
        **identity(row),
        "name": row.name,
        "code": row.code,
        "customFields": row.custom_fields,
        **audit(row),
    }


def meter(row: Meter) -> dict[str, Any]:
    """A meter with its data and derived fields."""
    return {
        **identity(row),
        "productId": text(row.product_id),
        "groupId": text(row.group_id),
        "name": row.name,
        "code": row.code,
        "dataFields": row.data_fields,
        "derivedFields": row.derived_fields,
        "customFields": row.custom_fields,
        **audit(row),
    }


def aggregation(row: Aggregation) -> dict[str, Any]:
    """An aggregation with its parameters and segments."""
    return {
        **identity(row),
        "name": row.name,
        "code": row.code,
        "meterId": str(row.meter_id),
        "targetField": row.target_field,
        "aggregation": row.aggregation,
        "rounding": row.rounding,
        "quantityPerUnit": row.quantity_per_unit,
        "unit": row.unit,
        "defaultValue": row.default_value,
        "segmentedFields": row.segmented_fields,
        "segments": row.segments,
        "customSql": row.custom_sql,
        "accountingProductId": text(row.accounting_product_id),
        "customFields": row.custom_fields,
        **audit(row),
    }


def plan_template(row: PlanTemplate) -> dict[str, Any]:
    """A plan template."""
    return {
        **identity(row),
        "productId": str(row.product_id),
        "name": row.name,
        "code": row.code,
        "currency": row.currency,
        "billFrequency": row.bill_frequency,
        "billFrequencyInterval": row.bill_frequency_interval,
        "standingCharge": row.standing_charge,
        "standingChargeDescription": row.standing_charge_description,
        "standingChargeInterval": row.standing_charge_interval,
        "standingChargeOffset": row.standing_charge_offset,
        "standingChargeBillInAdvance": row.standing_charge_bill_in_advance,
        "minimumSpend": row.minimum_spend,
        "minimumSpendDescription": row.minimum_spend_description,
        "minimumSpendBillInAdvance": row.minimum_spend_bill_in_advance,
        "ordinal": row.ordinal,
        "customFields": row.custom_fields,
        **audit(row),
    }


def plan(row: Plan) -> dict[str, Any]:
    """A plan; its product is its template's."""
    return {
        **identity(row),
        "planTemplateId": str(row.plan_template_id),
        "productId": str(row.plan_template.product_id),
        "name": row.name,
        "code": row.code,
        "accountId": text(row.account_id),
        "bespoke": row.account_id is not None,
        "standingCharge": row.standing_charge,
        "standingChargeDescription": row.standing_charge_description,
        "standingChargeBillInAdvance": row.standing_charge_bill_in_advance,
        "standingChargeAccountingProductId": text(row.standing_charge_accounting_product_id),
        "minimumSpend": row.minimum_spend,
        "minimumSpendDescription": row.minimum_spend_description,
        "minimumSpendBillInAdvance": row.minimum_spend_bill_in_advance,
        "minimumSpendAccountingProductId": text(row.minimum_spend_accounting_product_id),
        "ordinal": row.ordinal,
        "customFields": row.custom_fields,
        **audit(row),
    }


def pricing(row: Pricing) -> dict[str, Any]:
    """A price over time."""
    return {
        **identity(row),
        "planId": text(row.plan_id),
        "planTemplateId": text(row.plan_template_id),
        "aggregationId": text(row.aggregation_id),
        "compoundAggregationId": text(row.compound_aggregation_id),
        "aggregationType": "SIMPLE" if row.aggregation_id else "COMPOUND",
        "code": row.code,
        "description": row.description,
        "startDate": row.start_date,
        "endDate": row.end_date,
        "type": row.type,
        "cumulative": row.is_cumulative,
        "tiersSpanPlan": row.tiers_span_plan,
        "pricingBands": [{**band, "creditTypeId": None} for band in row.bands],
        "overagePricingBands": [{**band, "creditTypeId": None} for band in row.overage_bands],
        "segment": row.segment,
        "segmentString": row.segment_key or None,
        "minimumSpend": row.minimum_spend,
        "minimumSpendDescription": row.minimum_spend_description,
        "minimumSpendBillInAdvance": row.minimum_spend_bill_in_advance,
        "accountingProductId": text(row.accounting_product_id),
        **audit(row),
    }
