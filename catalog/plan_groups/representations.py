"""How plan groups and their links look outside."""

from typing import Any

from catalog.models import PlanGroup, PlanGroupLink
from organizations.kernel.representing import audit, identity, text


def plan_group(row: PlanGroup) -> dict[str, Any]:
    """A plan group with its charges."""
    return {
        **identity(row),
        "name": row.name,
        "code": row.code,
        "currency": row.currency,
        "accountId": text(row.account_id),
        "standingCharge": row.standing_charge,
        "standingChargeDescription": row.standing_charge_description,
        "standingChargeBillInAdvance": row.standing_charge_bill_in_advance,
        "standingChargeAccountingProductId": text(row.standing_charge_accounting_product_id),
        "minimumSpend": row.minimum_spend,
        "minimumSpendDescription": row.minimum_spend_description,
        "minimumSpendBillInAdvance": row.minimum_spend_bill_in_advance,
        "minimumSpendAccountingProductId": text(row.minimum_spend_accounting_product_id),
        "customFields": row.custom_fields,
        **audit(row),
    }


def plan_group_link(row: PlanGroupLink) -> dict[str, Any]:
    """One plan in one plan group."""
    return {
        **identity(row),
        "planGroupId": str(row.plan_group_id),
        "planId": str(row.plan_id),
        **audit(row),
    }
