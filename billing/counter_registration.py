"""What the kernel has to know of counter adjustments."""

from billing import counter_representations as look
from billing import counter_rules
from billing.models import Account, CounterAdjustment
from catalog.models import Counter
from organizations.kernel import registry


def register() -> None:
    """Register counter adjustments."""
    registry.register(
        CounterAdjustment,
        "config:counterAdjustment",
        event="billing.counteradjustment",
        represent=look.counter_adjustment,
        check=counter_rules.check_counter_adjustment,
    )
    registry.refers(Counter, "counter adjustments", lambda row: row.adjustments.all())
    registry.refers(Account, "counter adjustments", lambda row: row.counter_adjustments.all())
    registry.explain_constraint(
        "counter_adjustment_once_a_day",
        "date",
        "the account already has an adjustment of this counter on this day",
    )
