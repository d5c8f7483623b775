"""How the rows of this app look outside: API answers, event payloads, audit entries."""

from typing import Any

from billing.models import Account, AccountPlan
from organizations.kernel.representing import audit, identity, text


def account(row: Account) -> dict[str, Any]:
    """An account."""
    return {
        **identity(row),
        "name": row.name,
        "code": row.code,
        "emailAddress": row.email_address,
        "address": row.address,
        "parentAccountId": text(row.parent_account_id),
        "currency": row.currency,
        "billEpoch": row.bill_epoch,
        "purchaseOrderNumber": row.purchase_order_number,
        "daysBeforeBillDue": row.days_before_bill_due,
        "statementDefinitionId": text(row.statement_definition_id),
        "autoGenerateStatementMode": row.auto_generate_statement_mode,
        "creditApplicationOrder": row.credit_application_order,
        "customFields": row.custom_fields,
        **audit(row),
    }


def account_plan(row: AccountPlan) -> dict[str, Any]:
    """A plan attached to an account."""
    return {
        **identity(row),
        "accountId": str(row.account_id),
        "planId": text(row.plan_id),
        "planGroupId": None,
        "productId": text(row.product_id),
        "code": row.code,
        "startDate": row.start_date,
        "endDate": row.end_date,
        "billEpoch": row.bill_epoch,
        "contractId": None,
        "childBillingMode": row.child_billing_mode,
        "customFields": row.custom_fields,
        **audit(row),
    }
