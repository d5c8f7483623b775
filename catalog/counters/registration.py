"""What the kernel has to know of counters and their prices."""

from catalog.counters import representations as look
from catalog.counters import rules
from catalog.models import Counter, CounterPricing, Plan, PlanTemplate, Product
from organizations.kernel import registry


def register() -> None:
    """Register counters and counter pricings."""
    registry.register(
        Counter,
        "config:counter",
        event="configuration.counter",
        represent=look.counter,
        check=rules.check_counter,
    )
    registry.register(
        CounterPricing,
        "config:counterPricing",
        event="configuration.counterpricing",
        represent=look.counter_pricing,
        check=rules.check_counter_pricing,
    )
    registry.refers(Product, "counters", lambda row: row.counters.all())
    registry.refers(Counter, "counter pricings", lambda row: row.pricings.all())
    registry.refers(Plan, "counter pricings", lambda row: row.counter_pricings.all())
    registry.refers(PlanTemplate, "counter pricings", lambda row: row.counter_pricings.all())
    for name in ("counter_pricing_plan_no_overlap", "counter_pricing_template_no_overlap"):
        registry.explain_constraint(
            name, "startDate", "another pricing of the same counter is in force at this time"
        )
    registry.explain_constraint(
        "counter_pricing_ends_after_start", "endDate", "must be after startDate"
    )
