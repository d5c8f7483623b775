"""How contracts, commitments, balances, their schedules and charges look outside."""

from typing import Any

from billing.models import (
    Balance,
    BalanceChargeSchedule,
    BalanceTransaction,
    BalanceTransactionSchedule,
    Charge,
    Commitment,
    Contract,
)
from organizations.kernel.representing import audit, identity, text


def contract(row: Contract) -> dict[str, Any]:
    """A contract."""
    return {
        **identity(row),
        "accountId": str(row.account_id),
        "name": row.name,
        "code": row.code,
        "description": row.description,
        "purchaseOrderNumber": row.purchase_order_number,
        "applyContractPeriodLimits": row.apply_contract_period_limits,
        "usageFilters": row.usage_filters,
        "billGroupingKeyId": text(row.bill_grouping_key_id),
        "startDate": row.start_date,
        "endDate": row.end_date,
        "customFields": row.custom_fields,
        **audit(row),
    }


def commitment(row: Commitment) -> dict[str, Any]:
    """A commitment."""
    return {
        **identity(row),
        "accountId": str(row.account_id),
        "contractId": text(row.contract_id),
        "amount": row.amount,
        "amountPrePaid": row.amount_pre_paid,
        "amountFirstBill": row.amount_first_bill,
        "amountSpent": row.amount_spent,
        "currency": row.currency,
        "startDate": row.start_date,
        "endDate": row.end_date,
        "billingPlanId": text(row.billing_plan_id),
        "billingInterval": row.billing_interval,
        "billingOffset": row.billing_offset,
        "billEpoch": row.bill_epoch,
        "commitmentFeeBillInAdvance": row.commitment_fee_bill_in_advance,
        "feeDates": row.fee_dates,
        "productIds": [str(one) for one in row.product_ids],
        "lineItemTypes": row.line_item_types,
        "overageSurchargePercent": row.overage_surcharge_percent,
        "separateOverageUsage": row.separate_overage_usage,
        "commitmentFeeDescription": row.commitment_fee_description,
        "commitmentUsageDescription": row.commitment_usage_description,
        "overageDescription": row.overage_description,
        "accountingProductId": text(row.accounting_product_id),
        "feesAccountingProductId": text(row.fees_accounting_product_id),
        "drawdownsAccountingProductId": text(row.drawdowns_accounting_product_id),
        "childBillingMode": row.child_billing_mode,
        **audit(row),
    }


def balance(row: Balance) -> dict[str, Any]:
    """A balance with its amount."""
    return {
        **identity(row),
        "accountId": str(row.account_id),
        "contractId": text(row.contract_id),
        "name": row.name,
        "code": row.code,
        "description": row.description,
        "currency": row.currency,
        "amount": row.amount,
        "startDate": row.start_date,
        "endDate": row.end_date,
        "rolloverAmount": row.rollover_amount,
        "rolloverEndDate": row.rollover_end_date,
        "balanceDrawDownDescription": row.balance_draw_down_description,
        "overageSurchargePercent": row.overage_surcharge_percent,
        "overageDescription": row.overage_description,
        "productIds": [str(one) for one in row.product_ids],
        "lineItemTypes": row.line_item_types,
        "consumptionsAccountingProductId": text(row.consumptions_accounting_product_id),
        "feesAccountingProductId": text(row.fees_accounting_product_id),
        "allowOverdraft": row.allow_overdraft,
        "customFields": row.custom_fields,
        **audit(row),
    }


def balance_transaction(row: BalanceTransaction) -> dict[str, Any]:
    """A row of a balance's ledger."""
    return {
        **identity(row),
        "description": row.description,
        "amount": row.amount,
        "paid": row.paid,
        "currencyPaid": row.currency_paid,
        "entityType": row.entity_type,
        "entityId": text(row.entity_id),
        "transactionTypeId": text(row.transaction_type_id),
        "appliedDate": row.applied_date,
        "transactionDate": row.transaction_date,
        **audit(row),
    }


def transaction_schedule(row: BalanceTransactionSchedule) -> dict[str, Any]:
    """A schedule of transactions."""
    return {
        **identity(row),
        "balanceId": str(row.balance_id),
        "name": row.name,
        "code": row.code,
        "amount": row.amount,
        "transactionDescription": row.transaction_description,
        "transactionTypeId": text(row.transaction_type_id),
        "paid": row.paid,
        "currencyPaid": row.currency_paid,
        "startDate": row.start_date,
        "endDate": row.end_date,
        "frequency": row.frequency,
        "frequencyInterval": row.frequency_interval,
        "nextRun": row.next_run,
        "previousRun": row.previous_run,
        "customFields": row.custom_fields,
        **audit(row),
    }


def charge_schedule(row: BalanceChargeSchedule) -> dict[str, Any]:
    """A schedule of charges."""
    return {
        **identity(row),
        "balanceId": str(row.balance_id),
        "name": row.name,
        "code": row.code,
        "amount": row.amount,
        "units": row.units,
        "unitPrice": row.unit_price,
        "currency": row.currency,
        "servicePeriodStartDate": row.service_period_start_date,
        "servicePeriodEndDate": row.service_period_end_date,
        "billEpoch": row.bill_epoch,
        "billFrequency": row.bill_frequency,
        "billFrequencyInterval": row.bill_frequency_interval,
        "billInAdvance": row.bill_in_advance,
        "chargeDescription": row.charge_description,
        "nextRun": row.next_run,
        "previousRun": row.previous_run,
        "customFields": row.custom_fields,
        **audit(row),
    }


def charge(row: Charge) -> dict[str, Any]:
    """A charge."""
    return {
        **identity(row),
        "accountId": str(row.account_id),
        "contractId": text(row.contract_id),
        "name": row.name,
        "code": row.code,
        "description": row.description,
        "notes": row.notes,
        "entityType": row.entity_type,
        "entityId": text(row.balance_id),
        "lineItemType": row.line_item_type,
        "currency": row.currency,
        "amount": row.amount,
        "units": row.units,
        "unitPrice": row.unit_price,
        "billDate": row.bill_date,
        "servicePeriodStartDate": row.service_period_start_date,
        "servicePeriodEndDate": row.service_period_end_date,
        "accountingProductId": text(row.accounting_product_id),
        "billId": text(row.bill_id),
        "scheduleId": text(row.schedule_id),
        **audit(row),
    }
