"""Accounts that hold something no bill charges yet: they are parked, never billed without it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q

from billing.models import AccountPlan
from catalog.models import Plan, Pricing
from organizations.kernel.among import Among
from organizations.kernel.errors import DomainError


class NotRatedYet(DomainError):
    """The account has a price of a kind that bills do not follow yet."""

    status_code = 400

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: bills do not include this yet, so none was made.")


def refusals(
    organization_id: UUID,
    account_ids: Collection[UUID],
    attached: Mapping[UUID, Sequence[Any]],
    plans: Mapping[UUID, Plan],
) -> dict[UUID, NotRatedYet]:
    """Return by account why it cannot be billed; two queries where nothing of the kind exists."""
    return {
        **_compounds(organization_id, attached, plans),
        **_plan_groups(organization_id, account_ids),
    }


def _plan_groups(organization_id: UUID, account_ids: Collection[UUID]) -> dict[UUID, NotRatedYet]:
    """Refuse accounts that a plan group is attached to (GRP-4)."""
    rows = AccountPlan.objects.for_organization(organization_id).filter(
        Among("account_id", account_ids), plan_group_id__isnull=False
    )
    return {
        account_id: NotRatedYet(f"The account is on the plan group {name}")
        for account_id, name in rows.values_list("account_id", "plan_group__name")
    }


def _compounds(
    organization_id: UUID, attached: Mapping[UUID, Sequence[Any]], plans: Mapping[UUID, Plan]
) -> dict[UUID, NotRatedYet]:
    """Refuse accounts on a plan with a price of a compound aggregation (usage.md 11)."""
    rows = Pricing.objects.for_organization(organization_id).filter(
        Q(plan_id__in=set(plans))
        | Q(plan_template_id__in={plan.plan_template_id for plan in plans.values()}),
        compound_aggregation_id__isnull=False,
    )
    names = {
        plan_id or template_id: name
        for plan_id, template_id, name in rows.values_list(
            "plan_id", "plan_template_id", "compound_aggregation__name"
        )
    }
    found = {}
    for account_id, account_plans in attached.items() if names else ():
        for plan in (plans[row.plan_id] for row in account_plans):
            if name := names.get(plan.pk) or names.get(plan.plan_template_id):
                found[account_id] = NotRatedYet(f"The compound aggregation {name} is priced")
    return found
