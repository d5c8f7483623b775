"""How compound aggregations look outside."""

from typing import Any

from catalog.models import CompoundAggregation
from organizations.kernel.representing import audit, identity, text

OF_SIMPLE_ONES: dict[str, None] = dict.fromkeys(
    ("aggregation", "targetField", "meterId", "defaultValue", "customSql", "segmentedFields")
)


def compound_aggregation(row: CompoundAggregation) -> dict[str, Any]:
    """A compound aggregation with the segments it can be priced by."""
    return {
        **identity(row),
        "productId": text(row.product_id),
        "name": row.name,
        "code": row.code,
        "calculation": row.calculation,
        "rounding": row.rounding,
        "quantityPerUnit": row.quantity_per_unit,
        "unit": row.unit,
        "evaluateNullAggregations": row.evaluate_null_aggregations,
        "segments": row.segments,
        # The contract answers a create and a replace in the shape of a simple aggregation.
        **OF_SIMPLE_ONES,
        "accountingProductId": text(row.accounting_product_id),
        "customFields": row.custom_fields,
        **audit(row),
    }
