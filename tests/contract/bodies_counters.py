"""Request bodies of counters, their prices and adjustments."""

from collections.abc import Mapping
from typing import Any

from tests.factories import number

Made = Mapping[str, dict[str, Any]]


def counter(made: Made) -> dict[str, Any]:
    """Seats of the product."""
    return {
        "productId": made["products"]["id"],
        "name": "Seats",
        "code": f"seats {number()}",
        "unit": "seats",
    }


def counter_pricing(made: Made) -> dict[str, Any]:
    """Two bands, with every flag set against its default."""
    return {
        "planId": made["plans"]["id"],
        "counterId": made["counters"]["id"],
        "code": f"seat price {number()}",
        "description": "Seats",
        "startDate": "2024-01-01T00:00:00.000Z",
        "endDate": "2031-01-01T00:00:00.000Z",
        "cumulative": True,
        "pricingBands": [
            {"lowerLimit": 0, "fixedPrice": 0, "unitPrice": 12.5},
            {"lowerLimit": 20, "fixedPrice": 1, "unitPrice": 10},
        ],
        "runningTotalBillInAdvance": False,
        "proRateRunningTotal": False,
        "proRateAdjustmentDebit": False,
        "proRateAdjustmentCredit": False,
        "accountingProductId": made["products"]["id"],
    }


def counter_adjustment(made: Made) -> dict[str, Any]:
    """A number of seats on a day of its own: none, so that the account is billed in tests."""
    n = number()
    return {
        "accountId": made["accounts"]["id"],
        "counterId": made["counters"]["id"],
        "date": f"{1950 + n // 336 % 60}-{1 + n // 28 % 12:02}-{1 + n % 28:02}",
        "value": 0,
        "purchaseOrderNumber": "PO-9",
    }


CREATED = (
    ("counters", counter),
    ("counterpricings", counter_pricing),
    ("counteradjustments", counter_adjustment),
)
