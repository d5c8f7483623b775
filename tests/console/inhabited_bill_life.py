"""A lock date, and what statements are made of."""

from django.db import models

from billing.bills import lock_dates
from billing.models import Bill, LateUsage, LateUsageRule, StatementDefinition, StatementJob


def bill_life(mark: str, bill: Bill) -> list[models.Model]:
    """Make one row of each kind."""
    own = {"organization_id": bill.organization_id}
    definition = StatementDefinition.objects.create(
        **own, name=f"{mark} statement", aggregation_frequency="DAY"
    )
    job = StatementJob.objects.create(**own, bill=bill, definition=definition)
    late = LateUsage.objects.create(
        **own, account_id=bill.account_id, bill=bill, usage_key="key", description=f"{mark} units",
        service_period_start=bill.start_at, service_period_end=bill.end_at, quantity=50, units=50,
        currency="USD", amount=5, status="OPEN",
    )  # fmt: skip
    rule = LateUsageRule.objects.create(**own, action="ASK")
    return [late, rule, lock_dates.of_organization(bill.organization_id), definition, job]
