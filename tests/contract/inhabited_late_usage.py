"""Late usage of a bill, as a look at it would leave it."""

from datetime import UTC, datetime
from uuid import UUID

from billing.models import Bill, LateUsage, LateUsageBill, LateUsageCheck


def late_usage(bill_id: UUID) -> LateUsage:
    """Make an open row, and what is kept of the look."""
    bill = Bill.objects.get(pk=bill_id)
    own = {"organization_id": bill.organization_id}
    LateUsageBill.objects.create(**own, bill=bill)
    LateUsageCheck.objects.create(**own, checked_until=datetime(2024, 11, 2, tzinfo=UTC))
    return LateUsage.objects.create(
        **own, account_id=bill.account_id, bill=bill, usage_key="key", description="Tokens",
        service_period_start=bill.start_at, service_period_end=bill.end_at, quantity=50, units=50,
        currency="USD", amount=5, status="OPEN",
    )  # fmt: skip
