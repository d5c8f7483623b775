"""Who is billed by a plan now, for those who are about to change the catalogue."""

from uuid import UUID

from django.db.models import Q

from billing.models import AccountPlan
from catalog.as_code import touching
from organizations.kernel import clock


def on_plans(organization_id: UUID, plans: set[UUID], groups: set[UUID]) -> set[UUID]:
    """Return the accounts with one of the plans or plan groups attached and in force now."""
    now = clock.now()
    rows = AccountPlan.objects.filter(
        Q(plan_id__in=plans) | Q(plan_group_id__in=groups),
        Q(end_date__isnull=True) | Q(end_date__gt=now),
        organization_id=organization_id,
        start_date__lte=now,
    )
    return set(rows.values_list("account_id", flat=True))


def register() -> None:
    """Let the catalogue know."""
    touching.register(on_plans)
