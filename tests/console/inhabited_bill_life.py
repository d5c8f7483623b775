"""A lock date, and what statements are made of."""

from django.db import models

from billing.bills import lock_dates
from billing.models import (
    Bill,
    LateUsage,
    LateUsageRule,
    Rehearsal,
    RehearsedAccount,
    StatementDefinition,
    StatementJob,
)


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
    rehearsal = Rehearsal.objects.create(
        **own, request={"latest_date_in_billing_period": "2024-06-30"}, total=1, status="COMPLETE"
    )
    RehearsedAccount.objects.create(
        rehearsal=rehearsal, account_id=bill.account_id, kind="CHANGED", currency="USD", before=5,
        after=7, difference=2, moved=2, why="USAGE",
        sentences=[{"sentence": f"Usage of {mark} rose by 2", "amount": 2}],
    )  # fmt: skip
    return [
        rehearsal,
        late,
        rule,
        lock_dates.of_organization(bill.organization_id),
        definition,
        job,
    ]
