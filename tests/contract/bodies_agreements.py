"""Bodies of contracts, commitments, balances and charges with every field."""

from collections.abc import Mapping
from typing import Any

from tests.factories import number

Made = Mapping[str, dict[str, Any]]
CUSTOM_FIELDS = {"region": "EMEA", "seats": 12, "discount": 0.125}


def contract(made: Made) -> dict[str, Any]:
    """A contract of the parent."""
    return {
        "accountId": made["accounts"]["id"],
        "name": "Enterprise",
        "code": f"enterprise {number()}",
        "description": "Three years",
        "purchaseOrderNumber": "PO-9",
        "applyContractPeriodLimits": True,
        "usageFilters": [{"dimensionCode": "region", "mode": "INCLUDE", "value": "eu"}],
        "startDate": "2024-01-01",
        "endDate": "2027-01-01",
        "customFields": CUSTOM_FIELDS,
    }


def commitment(made: Made) -> dict[str, Any]:
    """A commitment of the years to come, billed by a plan."""
    accounting = dict.fromkeys(
        ("accountingProductId", "feesAccountingProductId", "drawdownsAccountingProductId"),
        made["products"]["id"],
    )
    return {
        **accounting,
        "accountId": made["accounts"]["id"],
        "contractId": made["contracts"]["id"],
        "amount": 15000.5,
        "amountPrePaid": 100,
        "amountFirstBill": 200.25,
        "currency": "USD",
        "startDate": "2030-01-01",
        "endDate": "2031-01-01",
        "billingPlanId": made["plans"]["id"],
        "billingInterval": 1,
        "billingOffset": 0,
        "billEpoch": "2030-01-01",
        "commitmentFeeBillInAdvance": True,
        "feeDates": [],
        "productIds": [made["products"]["id"]],
        "lineItemTypes": ["USAGE", "STANDING_CHARGE"],
        "overageSurchargePercent": 10.5,
        "separateOverageUsage": False,
        "commitmentFeeDescription": "Fee",
        "commitmentUsageDescription": "Drawn",
        "overageDescription": "Surcharge",
        "childBillingMode": "PARENT_BREAKDOWN",
    }


def balance(made: Made) -> dict[str, Any]:
    """A balance of the years to come."""
    accounting = dict.fromkeys(
        ("consumptionsAccountingProductId", "feesAccountingProductId"), made["products"]["id"]
    )
    return {
        **accounting,
        "accountId": made["accounts"]["id"],
        "contractId": made["contracts"]["id"],
        "name": "Credit",
        "code": f"credit {number()}",
        "description": "Welcome credit",
        "currency": "USD",
        "startDate": "2030-01-01T00:00:00.000Z",
        "endDate": "2031-01-01T00:00:00.000Z",
        "rolloverAmount": 50.5,
        "rolloverEndDate": "2093-02-01T00:00:00.000Z",
        "balanceDrawDownDescription": "Drawn",
        "overageSurchargePercent": 10,
        "overageDescription": "Surcharge",
        "productIds": [made["products"]["id"]],
        "lineItemTypes": ["USAGE", "AD_HOC"],
        "allowOverdraft": True,
        "customFields": CUSTOM_FIELDS,
    }


def charge(made: Made) -> dict[str, Any]:
    """A fee of the balance in the years to come."""
    return {
        "accountId": made["accounts"]["id"],
        "contractId": made["contracts"]["id"],
        "name": "Setup",
        "code": f"setup {number()}",
        "description": "Setup fee",
        "notes": "Agreed by phone",
        "entityType": "BALANCE",
        "lineItemType": "BALANCE_FEE",
        "entityId": made["balances"]["id"],
        "currency": "USD",
        "units": 3,
        "unitPrice": 12.5,
        "billDate": "2030-02-01",
        "servicePeriodStartDate": "2030-01-01T00:00:00.000Z",
        "servicePeriodEndDate": "2030-02-01T00:00:00.000Z",
        "accountingProductId": made["products"]["id"],
    }


def transaction(made: Made) -> dict[str, Any]:
    """A credit."""
    return {
        "amount": 100.25,
        "description": "Top-up",
        "paid": 90,
        "currencyPaid": "EUR",
        "transactionTypeId": made["picklists/transactiontypes"]["id"],
        "appliedDate": "2030-01-02T00:00:00.000Z",
        "transactionDate": "2030-01-02T00:00:00.000Z",
    }


def transaction_schedule(made: Made) -> dict[str, Any]:
    """A monthly credit in the years to come."""
    return {
        "name": "Monthly credit",
        "code": f"monthly {number()}",
        "amount": 10.5,
        "transactionDescription": "Credit",
        "transactionTypeId": made["picklists/transactiontypes"]["id"],
        "paid": 9,
        "currencyPaid": "EUR",
        "startDate": "2030-01-01T00:00:00.000Z",
        "endDate": "2031-01-01T00:00:00.000Z",
        "frequency": "MONTHLY",
        "frequencyInterval": 1,
        "customFields": CUSTOM_FIELDS,
    }


def charge_schedule(made: Made) -> dict[str, Any]:
    """A monthly fee in the years to come."""
    return {
        "name": "Monthly fee",
        "code": f"fee {number()}",
        "amount": 10.5,
        "currency": "USD",
        "servicePeriodStartDate": "2030-01-01T00:00:00.000Z",
        "servicePeriodEndDate": "2031-01-01T00:00:00.000Z",
        "billEpoch": "2030-01-01",
        "billFrequency": "MONTHLY",
        "billFrequencyInterval": 1,
        "billInAdvance": True,
        "chargeDescription": "Credit fee",
        "customFields": CUSTOM_FIELDS,
    }


CREATED = (
    ("contracts", contract),
    ("commitments", commitment),
    ("balances", balance),
    ("charges", charge),
)
BELOW_BALANCE = (
    ("transactions", transaction),
    ("balancetransactionschedules", transaction_schedule),
    ("balancechargeschedules", charge_schedule),
)
