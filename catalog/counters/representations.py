"""How counters and their prices look outside."""

from typing import Any

from catalog.models import Counter, CounterPricing
from organizations.kernel.representing import audit, identity, text


def counter(row: Counter) -> dict[str, Any]:
    """A counter."""
    return {
        **identity(row),
        "productId": text(row.product_id),
        "name": row.name,
        "code": row.code,
        "unit": row.unit,
        **audit(row),
    }


def counter_pricing(row: CounterPricing) -> dict[str, Any]:
    """What the units of a counter cost over time."""
    return {
        **identity(row),
        "planId": text(row.plan_id),
        "planTemplateId": text(row.plan_template_id),
        "counterId": str(row.counter_id),
        "code": row.code,
        "description": row.description,
        "startDate": row.start_date,
        "endDate": row.end_date,
        "cumulative": row.is_cumulative,
        "pricingBands": [{**band, "creditTypeId": None} for band in row.bands],
        "runningTotalBillInAdvance": row.running_total_bill_in_advance,
        "proRateRunningTotal": row.pro_rate_running_total,
        "proRateAdjustmentDebit": row.pro_rate_adjustment_debit,
        "proRateAdjustmentCredit": row.pro_rate_adjustment_credit,
        "accountingProductId": text(row.accounting_product_id),
        **audit(row),
    }
