"""Request bodies of compound aggregations."""

from collections.abc import Mapping
from typing import Any

from tests.factories import number

Made = Mapping[str, dict[str, Any]]


def compound_aggregation(made: Made) -> dict[str, Any]:
    """Twice the tokens; over a segmented aggregation."""
    return {
        "productId": made["products"]["id"],
        "name": "Double tokens",
        "code": f"double_{number()}",
        "calculation": f"aggregation.{made['aggregations']['code']} * 2",
        "rounding": "UP",
        "quantityPerUnit": 0.5,
        "unit": "tokens",
        "evaluateNullAggregations": True,
        "accountingProductId": made["products"]["id"],
        "customFields": {"region": "EMEA"},
    }


CREATED = (("compoundaggregations", compound_aggregation),)
