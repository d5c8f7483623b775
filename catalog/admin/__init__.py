"""Console pages of the catalogue: what is sold, how it is measured and priced."""

from catalog.admin import (
    compounds,
    counters,
    lookups,
    metering,
    plan_groups,
    plans,
    pricings,
    products,
)

__all__ = [
    "compounds",
    "counters",
    "lookups",
    "metering",
    "plan_groups",
    "plans",
    "pricings",
    "products",
]
