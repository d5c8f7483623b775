"""What is sold, how it is measured and priced."""

from catalog.models.compounds import CompoundAggregation
from catalog.models.counters import Counter, CounterPricing
from catalog.models.lookups import (
    LookupJobStatus,
    LookupJobType,
    LookupRow,
    LookupTable,
    LookupTableData,
    LookupTableJob,
    LookupTableRevision,
    RevisionStatus,
)
from catalog.models.metering import (
    NUMERIC_CATEGORIES,
    Aggregation,
    AggregationMethod,
    FieldCategory,
    Meter,
    UnitRounding,
)
from catalog.models.plan_groups import PlanGroup, PlanGroupLink
from catalog.models.pricing import InstantRange, Pricing, PricingType
from catalog.models.products import BillingFrequency, Plan, PlanTemplate, Product

__all__ = [
    "NUMERIC_CATEGORIES",
    "Aggregation",
    "AggregationMethod",
    "BillingFrequency",
    "CompoundAggregation",
    "Counter",
    "CounterPricing",
    "FieldCategory",
    "InstantRange",
    "LookupJobStatus",
    "LookupJobType",
    "LookupRow",
    "LookupTable",
    "LookupTableData",
    "LookupTableJob",
    "LookupTableRevision",
    "Meter",
    "Plan",
    "PlanGroup",
    "PlanGroupLink",
    "PlanTemplate",
    "Pricing",
    "PricingType",
    "Product",
    "RevisionStatus",
    "UnitRounding",
]
