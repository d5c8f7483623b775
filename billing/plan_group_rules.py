"""Plan groups on accounts: no product may be on an account twice at a time (ACP-2, ACP-3)."""

from collections.abc import Iterable
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from billing.models import Account, AccountPlan
from catalog.models import Plan, PlanGroupLink
from organizations.kernel import locking
from organizations.kernel.errors import FieldRefused
from organizations.models import OrganizationConfig


def allows_overlaps(organization_id: UUID) -> bool:
    """Return whether the organization lets plans of one product overlap (ACP-2)."""
    return OrganizationConfig.objects.filter(
        organization_id=organization_id, allow_overlapping_plans=True
    ).exists()


def hold(account_ids: Iterable[UUID]) -> None:
    """Let nobody else attach anything to the accounts until the transaction ends."""
    if connection.in_atomic_block:
        rows = Account.objects.filter(pk__in=set(account_ids)).order_by("pk")
        list(rows.select_for_update(no_key=True).values_list("pk"))


def check_no_shared_product(account_plan: AccountPlan) -> None:
    """Refuse what shares a product with something attached at the same time, seen through groups.

    Two plans on their own are left to the constraint of the table.
    """
    hold([account_plan.account_id])
    products = _products([account_plan])[account_plan.pk]
    others = _overlapping(account_plan)
    by_row = _products(others)
    for other in others:
        if other.plan_group_id is None and account_plan.plan_group_id is None:
            continue
        if shared := products & by_row[other.pk]:
            raise FieldRefused("startDate", _sentence(other, shared))


def _overlapping(account_plan: AccountPlan) -> list[AccountPlan]:
    rows: QuerySet = AccountPlan.objects.filter(account_id=account_plan.account_id)
    rows = rows.exclude(pk=account_plan.pk).filter(
        Q(end_date__isnull=True) | Q(end_date__gt=account_plan.start_date)
    )
    if account_plan.end_date is not None:
        rows = rows.filter(start_date__lt=account_plan.end_date)
    return list(rows.select_related("plan", "plan_group").order_by("start_date", "pk"))


def _products(rows: list[AccountPlan]) -> dict[UUID, set[tuple[UUID, str]]]:
    """Return (id, name) of the products each account plan brings to its account."""
    links = PlanGroupLink.objects.filter(
        plan_group_id__in={row.plan_group_id for row in rows if row.plan_group_id}
    )
    template = "plan__plan_template__product"
    of_group: dict[UUID, set[tuple[UUID, str]]] = {}
    for group_id, product_id, name in links.values_list(
        "plan_group_id", f"{template}_id", f"{template}__name"
    ):
        of_group.setdefault(group_id, set()).add((product_id, name))
    plans = Plan.objects.filter(pk__in={row.plan_id for row in rows if row.plan_id})
    of_plan = {
        plan_id: {(product_id, name)}
        for plan_id, product_id, name in plans.values_list(
            "pk", "plan_template__product_id", "plan_template__product__name"
        )
    }
    return {
        row.pk: of_group.get(row.plan_group_id, set())
        if row.plan_group_id
        else of_plan.get(row.plan_id, set())
        for row in rows
    }


def _sentence(other: AccountPlan, shared: set[tuple[UUID, str]]) -> str:
    names = " and ".join(sorted(name for _, name in shared))
    where = f"plan group {other.plan_group}" if other.plan_group_id else f"plan {other.plan}"
    return f"the account already has {names} at this time, by {where}"


def check_group(account_plan: AccountPlan) -> None:
    """Refuse a bespoke group of another account (ACP-5)."""
    group = locking.current(account_plan.plan_group)
    if group.account_id not in (None, account_plan.account_id):
        raise FieldRefused("planGroupId", "this plan group is bespoke to another account")


def check_attached_groups(link: PlanGroupLink) -> None:
    """Refuse to link a plan whose product an account of the group has at the same time."""
    attached = list(AccountPlan.objects.filter(plan_group=link.plan_group_id))
    if not attached or allows_overlaps(link.organization_id):
        return
    hold(row.account_id for row in attached)
    plan = Plan.objects.select_related("plan_template__product").get(pk=link.plan_id)
    product = plan.plan_template.product
    for row in attached:
        others = _overlapping(row)
        for other, products in ((one, _products([one])[one.pk]) for one in others):
            if (product.pk, product.name) in products:
                raise FieldRefused(
                    "planId",
                    f"account {row.account.code} has the group, and {product.name} at the same "
                    f"time by {other.plan_group or other.plan}",
                )
