"""Accounts that hold something no bill charges yet: they are parked, never billed without it."""

from collections.abc import Collection
from uuid import UUID

from billing.models import AccountPlan
from organizations.kernel.among import Among
from organizations.kernel.errors import DomainError


class NotRatedYet(DomainError):
    """The account has a price of a kind that bills do not follow yet."""

    status_code = 400

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: bills do not include this yet, so none was made.")


def refusals(organization_id: UUID, account_ids: Collection[UUID]) -> dict[UUID, NotRatedYet]:
    """Return by account why it cannot be billed; one query where nothing of the kind exists."""
    return _plan_groups(organization_id, account_ids)


def _plan_groups(organization_id: UUID, account_ids: Collection[UUID]) -> dict[UUID, NotRatedYet]:
    """Refuse accounts that a plan group is attached to (GRP-4)."""
    rows = AccountPlan.objects.for_organization(organization_id).filter(
        Among("account_id", account_ids), plan_group_id__isnull=False
    )
    return {
        account_id: NotRatedYet(f"The account is on the plan group {name}")
        for account_id, name in rows.values_list("account_id", "plan_group__name")
    }
