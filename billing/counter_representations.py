"""How counter adjustments look outside."""

from typing import Any

from billing.models import CounterAdjustment
from organizations.kernel.representing import audit, identity


def counter_adjustment(row: CounterAdjustment) -> dict[str, Any]:
    """The value of a counter for an account from a day on."""
    return {
        **identity(row),
        "accountId": str(row.account_id),
        "counterId": str(row.counter_id),
        "date": row.date,
        "value": row.value,
        "purchaseOrderNumber": row.purchase_order_number,
        **audit(row),
    }
