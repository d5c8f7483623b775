"""How late usage and its rules look outside."""

from typing import Any

from billing.models import LateUsage, LateUsageRule
from organizations.kernel.representing import audit, identity, text


def late_usage_rule(row: LateUsageRule) -> dict[str, Any]:
    """What is done with late usage by itself."""
    return {
        **identity(row),
        "productId": text(row.product_id),
        "action": row.action,
        **audit(row),
    }


def late_usage(row: LateUsage) -> dict[str, Any]:
    """One row of late usage; amounts are in ``currency``, that of its price."""
    return {
        **identity(row),
        "accountId": str(row.account_id),
        "billId": str(row.bill_id),
        "lineItemId": text(row.line_item_id),
        "number": row.number,
        "description": row.description,
        "productId": text(row.product_id),
        "contractId": text(row.contract_id),
        "planId": text(row.plan_id),
        "accountPlanId": text(row.account_plan_id),
        "pricingId": text(row.pricing_id),
        "meterId": text(row.meter_id),
        "aggregationId": text(row.aggregation_id),
        "segment": row.segment,
        "servicePeriodStartDate": row.service_period_start,
        "servicePeriodEndDate": row.service_period_end,
        "quantity": row.quantity,
        "units": row.units,
        "unit": row.unit,
        "currency": row.currency,
        "amount": row.amount,
        "minimumSpendAmount": row.minimum_amount,
        "status": row.status,
        "note": row.note,
        "decidedAt": row.decided_at,
        "decidedBy": text(row.decided_by),
        "chargedOnBillId": text(row.charged_on_id),
        **audit(row),
    }
