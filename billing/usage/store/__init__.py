"""Measurement rows: append them once, sum them for many accounts at once.

Nothing else touches ``billing_measurement`` and ``billing_uidclaim``, so that another engine can
stand behind the same few functions later.
"""

from billing.usage.store.at_once import MOST as MOST_AT_ONCE
from billing.usage.store.at_once import claim_and_append
from billing.usage.store.breakdowns import Breakdown, Group, breakdown
from billing.usage.store.charts import Day, counts_by_day, daily_sums
from billing.usage.store.claims import claim, forget_old, release
from billing.usage.store.quantities import quantities
from billing.usage.store.requests import (
    CustomQuery,
    Filters,
    Method,
    Quantity,
    QuantityRequest,
    Segmentation,
    Spans,
)
from billing.usage.store.rows import Measurement, append

__all__ = [
    "MOST_AT_ONCE",
    "Breakdown",
    "CustomQuery",
    "Day",
    "Filters",
    "Group",
    "Measurement",
    "Method",
    "Quantity",
    "QuantityRequest",
    "Segmentation",
    "Spans",
    "append",
    "breakdown",
    "claim",
    "claim_and_append",
    "counts_by_day",
    "daily_sums",
    "forget_old",
    "quantities",
    "release",
]
