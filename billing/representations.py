"""How the rows of this app look outside: API answers, event payloads, audit entries."""

from typing import Any

from billing.models import Account, AccountPlan, Bill, BillJob, LineItem
from organizations.kernel.representing import audit, identity, text

ADDRESS = (
    "addressLine1", "addressLine2", "addressLine3", "addressLine4", "locality", "region",
    "postCode", "country",
)  # fmt: skip


def account(row: Account) -> dict[str, Any]:
    """An account."""
    return {
        **identity(row),
        "name": row.name,
        "code": row.code,
        "emailAddress": row.email_address,
        "address": {key: row.address.get(key) for key in ADDRESS},
        "parentAccountId": text(row.parent_account_id),
        "currency": row.currency,
        "billEpoch": row.bill_epoch,
        "purchaseOrderNumber": row.purchase_order_number,
        "documentLanguage": row.document_language or None,
        "billsByEmail": row.bills_by_email or None,
        "billEmailAddresses": row.bill_email_addresses,
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
        "planGroupId": text(row.plan_group_id),
        "productId": text(row.product_id),
        "code": row.code,
        "startDate": row.start_date,
        "endDate": row.end_date,
        "billEpoch": row.bill_epoch,
        "contractId": text(row.contract_id),
        "childBillingMode": row.child_billing_mode,
        "customFields": row.custom_fields,
        **audit(row),
    }


def bill(row: Bill) -> dict[str, Any]:
    """A bill without its line items."""
    return {
        **identity(row),
        "accountId": str(row.account_id),
        "accountCode": row.account_code,
        "startDate": row.start_date,
        "endDate": row.end_date,
        "startDateTimeUTC": row.start_at,
        "endDateTimeUTC": row.end_at,
        "billDate": row.bill_date,
        "dueDate": row.due_date,
        "billingFrequency": row.billing_frequency,
        "billFrequencyInterval": row.bill_frequency_interval,
        "timezone": row.timezone,
        "currency": row.currency,
        "locked": row.is_locked,
        "createdDate": row.created_at,
        "status": row.status,
        "billJobId": text(row.bill_job_id),
        "currencyConversions": row.currency_conversions,
        "lastCalculatedDate": row.latest_calculated_at,
        "purchaseOrderNumber": row.purchase_order_number,
        "externalInvoiceReference": row.external_invoice_reference,
        "externalInvoiceDate": row.external_invoice_date,
        "jsonStatementGenerated": row.json_statement_of is not None,
        "csvStatementGenerated": row.csv_statement_of is not None,
        "statementStale": any(
            of is not None and of != row.latest_calculated_at
            for of in (row.json_statement_of, row.csv_statement_of)
        ),
        "billTotal": row.total,
        "sequentialInvoiceNumber": row.invoice_reference,
        "dtApproved": row.approved_at,
        "approvedBy": text(row.approved_by),
        "dtLocked": row.locked_at,
        "lockedBy": text(row.locked_by),
        **audit(row),
    }


def bill_line_item(row: LineItem) -> dict[str, Any]:
    """A line item as it stands inside a bill."""
    return {"id": str(row.pk), **_line(row), "usagePerPricingBand": _bands(row)}


def line_item(row: LineItem) -> dict[str, Any]:
    """A line item on its own."""
    return {
        **identity(row),
        "billId": str(row.bill_id),
        **_line(row),
        "bandUsage": _bands(row),
        "jsonUsageGenerated": False,
        **audit(row),
    }


def _bands(row: LineItem) -> list[dict[str, Any]]:
    return [{**band, "creditTypeId": None} for band in row.band_usage]


def _line(row: LineItem) -> dict[str, Any]:
    return {
        "lineItemType": row.line_item_type,
        "sequenceNumber": row.sequence_number,
        "description": row.description,
        "quantity": row.quantity,
        "units": row.units,
        "unit": row.unit,
        "subtotal": row.subtotal,
        "currency": row.currency,
        "conversionRate": row.conversion_rate,
        "convertedSubtotal": row.converted_subtotal,
        "averageUnitPrice": row.average_unit_price,
        "servicePeriodStartDate": row.service_period_start,
        "servicePeriodEndDate": row.service_period_end,
        "productId": text(row.product_id),
        "productCode": row.product_code,
        "productName": row.product_name,
        "accountingProductId": text(row.accounting_product_id),
        "accountingProductCode": row.accounting_product_code,
        "accountingProductName": row.accounting_product_name,
        "planId": text(row.plan_id),
        "planGroupId": text(row.plan_group_id),
        "pricingId": text(row.pricing_id),
        "aggregationId": text(row.aggregation_id),
        "compoundAggregationId": text(row.compound_aggregation_id),
        "meterId": text(row.meter_id),
        "contractId": text(row.contract_id),
        "childAccountId": text(row.child_account_id),
        "childAccountCode": row.child_account_code,
        "segment": row.segment,
        "group": row.group or {},
        "counterId": text(row.counter_id),
        "chargeId": text(row.charge_id),
        "commitmentId": text(row.commitment_id),
        "balanceId": text(row.balance_id),
        "creditTypeId": text(row.credit_type_id),
        "referencedBillId": text(row.referenced_bill_id),
        "referencedLineItemId": text(row.referenced_line_item_id),
        "reasonId": text(row.reason_id),
        "additional": row.additional or {},
    }


def bill_job(row: BillJob) -> dict[str, Any]:
    """A bill job with its progress."""
    return {
        **identity(row),
        "type": row.type,
        "status": row.status,
        "total": row.total_bills,
        "pending": row.pending_bills,
        "lastDateInBillingPeriod": row.latest_date_in_billing_period,
        "billingFrequency": row.billing_frequency,
        "billFrequencyInterval": row.bill_frequency_interval,
        "billDate": row.bill_date,
        "externalInvoiceDate": row.external_invoice_date,
        "dueDate": row.due_date,
        "accountIds": row.account_ids,
        "billIds": row.bill_ids,
        "targetCurrency": row.target_currency,
        "currencyConversions": row.currency_conversions,
        "timezone": row.timezone,
        "yearEpoch": row.year_epoch,
        "monthEpoch": row.month_epoch,
        "weekEpoch": row.week_epoch,
        "dayEpoch": row.day_epoch,
        **audit(row),
    }
