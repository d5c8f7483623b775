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


CREATED = (("statementdefinitions", statement_definition),)
