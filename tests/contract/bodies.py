"""Request bodies with every field of the contract that can be set together, in dependency order.

Each entry of ``CREATED`` is an address and a function of the ids made so far, by address.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tests.contract import (
    bodies_agreements,
    bodies_bill_life,
    bodies_compounds,
    bodies_exports,
    bodies_integrations,
    bodies_lookups,
    bodies_notifications,
    bodies_plan_groups,
    bodies_queries,
)
from tests.contract import bodies_counters as counters
from tests.factories import number

Made = Mapping[str, dict[str, Any]]
Build = Callable[[Made], dict[str, Any]]
WEBHOOKS = "integrationdestinations/webhooks"
CURRENCIES = "picklists/currency"
CUSTOM_FIELDS = {"region": "EMEA", "seats": 12, "discount": 0.125}


def currency(made: Made) -> dict[str, Any]:
    """A currency without cents."""
    return {
        "name": "Yen", "code": f"Y{number()}", "archived": False, "maxDecimalPlaces": 0,
        "roundingMode": "HALF_EVEN",
    }  # fmt: skip


def reason(made: Made) -> dict[str, Any]:
    """A credit reason, debit reason or transaction type."""
    return {"name": "Goodwill", "code": f"goodwill_{number()}", "archived": False}


def grouping_key(made: Made) -> dict[str, Any]:
    """A bill grouping key."""
    return {
        "code": f"region_{number()}", "name": "Region", "archived": False, "exclusive": True,
    }  # fmt: skip


def product(made: Made) -> dict[str, Any]:
    """A product."""
    return {"name": "Inference", "code": f"inference {number()}", "customFields": CUSTOM_FIELDS}


def meter(made: Made) -> dict[str, Any]:
    """A meter of the product, with a field of most kinds."""
    fields = [("MEASURE", "tokens", "tokens"), ("COST", "spent", "USD"), ("WHO", "user_id", None),
              ("WHERE", "region", None), ("METADATA", "note", None)]  # fmt: skip
    return {
        "productId": made["products"]["id"],
        "name": "Requests",
        "code": f"requests {number()}",
        "dataFields": [
            {"category": category, "code": code, "name": code.title(), "unit": unit}
            for category, code, unit in fields
        ],
        "derivedFields": [],
        "customFields": CUSTOM_FIELDS,
    }


def aggregation(made: Made) -> dict[str, Any]:
    """A segmented sum."""
    return {
        "name": "Tokens",
        "code": f"tokens_{number()}",
        "meterId": made["meters"]["id"],
        "targetField": "tokens",
        "aggregation": "SUM",
        "rounding": "UP",
        "quantityPerUnit": 0.5,
        "unit": "tokens",
        "defaultValue": 0,
        "segmentedFields": ["region"],
        "segments": [{"region": "eu"}, {"region": "us"}],
        "accountingProductId": made["products"]["id"],
        "customFields": CUSTOM_FIELDS,
    }


def plan_template(made: Made) -> dict[str, Any]:
    """A monthly template with standing charge and minimum spend."""
    return {
        "productId": made["products"]["id"],
        "name": "Monthly",
        "code": f"monthly {number()}",
        "currency": "USD",
        "billFrequency": "MONTHLY",
        "billFrequencyInterval": 1,
        "standingCharge": 20.5,
        "standingChargeDescription": "Base fee",
        "standingChargeInterval": 1,
        "standingChargeOffset": 0,
        "standingChargeBillInAdvance": False,
        "minimumSpend": 25,
        "minimumSpendDescription": "Minimum",
        "minimumSpendBillInAdvance": False,
        "ordinal": 3,
        "customFields": CUSTOM_FIELDS,
    }


def plan(made: Made) -> dict[str, Any]:
    """A plan that changes what it may of its template."""
    return {
        "planTemplateId": made["plantemplates"]["id"],
        "name": "Standard",
        "code": f"standard {number()}",
        "standingCharge": 10,
        "standingChargeDescription": "Base fee",
        "standingChargeBillInAdvance": False,
        "standingChargeAccountingProductId": made["products"]["id"],
        "minimumSpend": 15,
        "minimumSpendDescription": "Minimum",
        "minimumSpendBillInAdvance": False,
        "minimumSpendAccountingProductId": made["products"]["id"],
        "ordinal": 1,
        "bespoke": False,
        "customFields": CUSTOM_FIELDS,
    }


def pricing(made: Made) -> dict[str, Any]:
    """Two bands for one segment."""
    return {
        "planId": made["plans"]["id"],
        "aggregationId": made["aggregations"]["id"],
        "code": f"price {number()}",
        "description": "Tokens in Europe",
        "startDate": "2024-01-01T00:00:00.000Z",
        "endDate": "2031-01-01T00:00:00.000Z",
        "type": "DEBIT",
        "cumulative": True,
        "tiersSpanPlan": False,
        "pricingBands": [
            {"lowerLimit": 0, "fixedPrice": 1, "unitPrice": 0.25},
            {"lowerLimit": 100, "fixedPrice": 0, "unitPrice": 0.125},
        ],
        "segment": {"region": "eu"},
        "minimumSpend": 2,
        "minimumSpendDescription": "Minimum",
        "minimumSpendBillInAdvance": False,
        "accountingProductId": made["products"]["id"],
    }


def parent(made: Made) -> dict[str, Any]:
    """An account with no more than it needs."""
    n = number()
    return {"name": "Parent", "code": f"parent {n}", "emailAddress": f"parent{n}@example.com"}


def account(made: Made) -> dict[str, Any]:
    """A child account with everything; its parent is made before it."""
    n = number()
    return {
        "name": "Child",
        "code": f"child {n}",
        "emailAddress": f"child{n}@example.com",
        "parentAccountId": made["accounts"]["id"],
        "address": {
            "addressLine1": "1 Main Street", "addressLine2": "Floor 2", "addressLine3": "c/o",
            "addressLine4": "Annex", "locality": "Springfield", "region": "North",
            "postCode": "12345", "country": "Ruritania",
        },
        "billEpoch": "2024-01-01",
        "purchaseOrderNumber": "PO-7",
        "currency": "USD",
        "daysBeforeBillDue": 14,
        "customFields": CUSTOM_FIELDS,
    }  # fmt: skip


def account_plan(made: Made) -> dict[str, Any]:
    """The plan attached to the parent."""
    return {
        "accountId": made["accounts"]["id"],
        "planId": made["plans"]["id"],
        "startDate": "2024-01-01T00:00:00.000Z",
        "endDate": "2030-01-01T00:00:00.000Z",
        "code": f"attached {number()}",
        "billEpoch": "2024-01-01",
        "childBillingMode": "PARENT_BREAKDOWN",
        "customFields": CUSTOM_FIELDS,
    }


def webhook(made: Made) -> dict[str, Any]:
    """A destination on loopback, where nobody listens."""
    return {
        "name": "Ledger",
        "description": "Books every bill",
        "code": f"ledger {number()}",
        "active": True,
        "url": "https://127.0.0.1:9/hooks",
        "credentials": {
            "type": "M3TER_SIGNED_REQUEST",
            "apiKey": "key-1",
            "secret": "a-secret-of-ours",
            "name": "Ledger key",
            "destination": "WEBHOOK",
            "empty": False,
        },
    }


def bill_run(made: Made) -> dict[str, Any]:
    """A bill run of one account that says everything itself."""
    days = {"lastDateInBillingPeriod": "2024-11-30", "dueDate": "2024-12-31"}
    dates = dict.fromkeys(("billDate", "externalInvoiceDate"), "2024-12-01")
    epochs = dict.fromkeys(("yearEpoch", "monthEpoch", "weekEpoch", "dayEpoch"), "2024-01-01")
    return {
        **days, **dates, **epochs,
        "billingFrequency": "MONTHLY",
        "billFrequencyInterval": 1,
        "accountIds": [made["accounts"]["id"]],
        "currencyConversions": [{"from": "USD", "to": "EUR", "multiplier": 0.9}],
        "targetCurrency": "USD",
        "timezone": "UTC",
    }  # fmt: skip


def another(build: Build, made: Made) -> dict[str, Any]:
    """Return a body for a second row that is not in the way of the first: its time is later."""
    body = build(made)
    later = {"startDate": "2031-01-01T00:00:00.000Z", "endDate": "2032-01-01T00:00:00.000Z"}
    return {**body, **(later if "startDate" in body else {})}


def policy(made: Made) -> dict[str, Any]:
    """A policy in both spellings."""
    return {
        "name": f"Readers {number()}",
        "permissionPolicy": [
            {"effect": "ALLOW", "action": ["CONFIG_RETRIEVE"], "resource": ["*"]},
            {"effect": "deny", "action": ["config:delete"], "resource": ["config:meter/*"]},
        ],
    }


def group(made: Made) -> dict[str, Any]:
    """A group of products."""
    return {"name": "Ours"}


def invitation(made: Made) -> dict[str, Any]:
    """An invitation with everything."""
    return {
        "email": f"invited{number()}@example.com",
        "firstName": "Ann",
        "lastName": "Lee",
        "contactNumber": "123",
        "m3terUser": False,
        "dtEndAccess": "2031-01-01T00:00:00.000Z",
        "dtExpiry": "2031-01-01T00:00:00.000Z",
    }


def service_user(made: Made) -> dict[str, Any]:
    """A service user."""
    return {"name": "Nightly upload"}


CREATED: tuple[tuple[str, Build], ...] = (
    (CURRENCIES, currency),
    ("picklists/creditreasons", reason),
    ("picklists/debitreasons", reason),
    ("picklists/transactiontypes", reason),
    ("picklists/billgroupingkeys", grouping_key),
    ("products", product),
    ("meters", meter),
    ("aggregations", aggregation),
    *bodies_compounds.CREATED,
    ("plantemplates", plan_template),
    ("plans", plan),
    ("pricings", pricing),
    ("accounts", parent),
    ("accountplans", account_plan),
    *counters.CREATED,
    *bodies_plan_groups.CREATED,
    *bodies_lookups.CREATED,
    *bodies_agreements.CREATED,
    *bodies_bill_life.CREATED,
    (WEBHOOKS, webhook),
    *bodies_notifications.CREATED,
    *bodies_exports.CREATED,
    *bodies_integrations.CREATED,
    *bodies_queries.CREATED,
    ("permissionpolicies", policy),
    ("resourcegroups/product", group),
    ("invitations", invitation),
    ("serviceusers", service_user),
)
