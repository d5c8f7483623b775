"""Bodies of statement definitions."""

from collections.abc import Mapping
from typing import Any

Made = Mapping[str, dict[str, Any]]


def statement_definition(made: Made) -> dict[str, Any]:
    """A statement by day, told apart by the region, with a measure."""
    meter_id = made["meters"]["id"]
    return {
        "name": "By day and region",
        "aggregationFrequency": "DAY",
        "includePricePerUnit": True,
        "generateSlimStatements": True,
        "dimensions": [
            {"meterId": meter_id, "name": "region", "filter": ["*"], "attributes": ["city"]}
        ],
        "measures": [{"meterId": meter_id, "name": "tokens", "aggregations": ["SUM", "MAX"]}],
    }


def late_usage_rule(made: Made) -> dict[str, Any]:
    """Late usage of a product is put on the next bill; the second rule is for every other."""
    product_id = None if "lateusagerules" in made else made["products"]["id"]
    return {"productId": product_id, "action": "NEXT_BILL"}


CREATED = (
    ("statementdefinitions", statement_definition),
    ("lateusagerules", late_usage_rule),
)
