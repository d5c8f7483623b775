"""What the registry is told of late usage: no events, every change is in the audit trail."""

from billing import representations_late_usage as look
from billing.models import LateUsage, LateUsageRule
from organizations.kernel import registry


def register() -> None:
    """Register the rows and the rules."""
    registry.register(LateUsage, "config:lateUsage", represent=look.late_usage)
    registry.register(LateUsageRule, "config:lateUsageRule", represent=look.late_usage_rule)
    registry.explain_constraint(
        "late_usage_rule_unique", "productId", "there is a rule for this product already"
    )
