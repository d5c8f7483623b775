"""A lock date, and what statements are made of."""

from django.db import models

from billing.bills import lock_dates
from billing.models import Bill, StatementDefinition, StatementJob


def bill_life(mark: str, bill: Bill) -> list[models.Model]:
    """Make one row of each kind."""
    own = {"organization_id": bill.organization_id}
    definition = StatementDefinition.objects.create(
        **own, name=f"{mark} statement", aggregation_frequency="DAY"
    )
    job = StatementJob.objects.create(**own, bill=bill, definition=definition)
    return [lock_dates.of_organization(bill.organization_id), definition, job]
