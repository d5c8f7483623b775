"""What a catalogue file holds: its sections in the order they build on each other, their fields.

Names of fields are those of the API; a reference leaves its ``Id`` out and holds a code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PRODUCTS, METERS, AGGREGATIONS = "products", "meters", "aggregations"
COMPOUNDS, COUNTERS, TEMPLATES = "compoundAggregations", "counters", "planTemplates"
PLANS, GROUPS, LINKS = "plans", "planGroups", "planGroupLinks"
PRICINGS, COUNTER_PRICINGS = "pricings", "counterPricings"

# Fields that change no amount: who is on a plan is not billed otherwise after their change.
WITHOUT_MONEY = frozenset(
    {
        "code", "name", "ordinal", "description", "standingChargeDescription",
        "minimumSpendDescription",
    }
)  # fmt: skip
BANDS = frozenset({"pricingBands", "overagePricingBands"})
INSTANTS = frozenset({"startDate", "endDate"})
METER_FIELDS = frozenset({"dataFields", "derivedFields"})


@dataclass(frozen=True, slots=True)
class Kind:
    """One section. ``key`` names the fields that tell items apart; none: by code, or name.

    ``references`` are sections by field, ``defaults`` what a field left out stands for (nothing,
    unless said).
    """

    section: str
    fields: tuple[str, ...]
    references: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    key: tuple[str, ...] = ()

    def default(self, name: str) -> Any:
        """Return what a field left out stands for."""
        return self.defaults.get(name)


def _charges(*, accounting: bool) -> tuple[str, ...]:
    """Return the fields of standing charge and minimum spend."""
    more = ("AccountingProduct",) if accounting else ()
    parts = ("", "Description", "BillInAdvance", *more)
    return tuple(
        f"{charge}{part}" for charge in ("standingCharge", "minimumSpend") for part in parts
    )


_ACCOUNTING = {
    "standingChargeAccountingProduct": PRODUCTS,
    "minimumSpendAccountingProduct": PRODUCTS,
}
_CUSTOM: dict[str, Any] = {"customFields": {}}

ALL = (
    Kind(PRODUCTS, ("code", "name", "customFields"), defaults=_CUSTOM),
    Kind(
        METERS,
        ("code", "name", "product", "dataFields", "derivedFields", "customFields"),
        {"product": PRODUCTS},
        {"dataFields": [], "derivedFields": [], **_CUSTOM},
    ),
    Kind(
        AGGREGATIONS,
        (
            "code", "name", "meter", "targetField", "aggregation", "rounding", "quantityPerUnit",
            "unit", "defaultValue", "segmentedFields", "segments", "customSql",
            "accountingProduct", "customFields",
        ),
        {"meter": METERS, "accountingProduct": PRODUCTS},
        {"segmentedFields": [], "segments": [], **_CUSTOM},
    ),
    Kind(
        COMPOUNDS,
        (
            "code", "name", "product", "calculation", "rounding", "quantityPerUnit", "unit",
            "evaluateNullAggregations", "accountingProduct", "customFields",
        ),
        {"product": PRODUCTS, "accountingProduct": PRODUCTS},
        {"evaluateNullAggregations": False, **_CUSTOM},
    ),
    Kind(COUNTERS, ("code", "name", "product", "unit"), {"product": PRODUCTS}),
    Kind(
        TEMPLATES,
        (
            "code", "name", "product", "currency", "billFrequency", "billFrequencyInterval",
            *_charges(accounting=False), "standingChargeInterval", "standingChargeOffset",
            "ordinal", "customFields",
        ),
        {"product": PRODUCTS},
        {
            "billFrequencyInterval": 1, "standingChargeInterval": 1, "standingChargeOffset": 0,
            **_CUSTOM,
        },
    ),
    Kind(
        PLANS,
        ("code", "name", "planTemplate", *_charges(accounting=True), "ordinal", "customFields"),
        {"planTemplate": TEMPLATES, **_ACCOUNTING},
        _CUSTOM,
    ),
    Kind(
        GROUPS,
        ("code", "name", "currency", *_charges(accounting=True), "customFields"),
        _ACCOUNTING,
        _CUSTOM,
    ),
    Kind(
        LINKS,
        ("planGroup", "plan"),
        {"planGroup": GROUPS, "plan": PLANS},
        key=("planGroup", "plan"),
    ),
    Kind(
        PRICINGS,
        (
            "plan", "planTemplate", "aggregation", "compoundAggregation", "segment", "startDate",
            "endDate", "code", "description", "type", "cumulative", "tiersSpanPlan",
            "pricingBands", "overagePricingBands", "minimumSpend", "minimumSpendDescription",
            "minimumSpendBillInAdvance", "accountingProduct",
        ),
        {
            "plan": PLANS, "planTemplate": TEMPLATES, "aggregation": AGGREGATIONS,
            "compoundAggregation": COMPOUNDS, "accountingProduct": PRODUCTS,
        },
        {
            "segment": {}, "type": "DEBIT", "cumulative": False, "tiersSpanPlan": False,
            "pricingBands": [], "overagePricingBands": [],
        },
        ("plan", "planTemplate", "aggregation", "compoundAggregation", "segment", "startDate"),
    ),
    Kind(
        COUNTER_PRICINGS,
        (
            "plan", "planTemplate", "counter", "startDate", "endDate", "code", "description",
            "cumulative", "pricingBands", "runningTotalBillInAdvance", "proRateRunningTotal",
            "proRateAdjustmentDebit", "proRateAdjustmentCredit", "accountingProduct",
        ),
        {
            "plan": PLANS, "planTemplate": TEMPLATES, "counter": COUNTERS,
            "accountingProduct": PRODUCTS,
        },
        {
            "cumulative": False, "pricingBands": [], "runningTotalBillInAdvance": True,
            "proRateRunningTotal": True, "proRateAdjustmentDebit": True,
            "proRateAdjustmentCredit": True,
        },
        ("plan", "planTemplate", "counter", "startDate"),
    ),
)  # fmt: skip
BY_SECTION = {kind.section: kind for kind in ALL}
# Of what is part of plans and groups: the fields that name them.
OWNERS = {
    PRICINGS: ("plan", "planTemplate"),
    COUNTER_PRICINGS: ("plan", "planTemplate"),
    LINKS: ("planGroup",),
}
