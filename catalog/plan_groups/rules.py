"""Rules of plan groups and of the plans in them (GRP-1, GRP-2, GRP-6)."""

from django.db import connection

from catalog.models import Plan, PlanGroup, PlanGroupLink
from organizations.kernel import locking
from organizations.kernel.errors import FieldRefused, check_each
from organizations.models import OrganizationConfig
from organizations.settings_rules import check_currency


def check_plan_group(group: PlanGroup) -> None:
    """Refuse an unknown currency, negative charges, and another account than before."""
    stored = PlanGroup.objects.filter(pk=group.pk).first()
    before = stored.currency if stored else ""
    check_each(
        lambda: check_currency(group.organization_id, "currency", group.currency, stored=before),
        lambda: _check_not_negative("standingCharge", group.standing_charge),
        lambda: _check_not_negative("minimumSpend", group.minimum_spend),
        lambda: _check_unmoved(stored, group),
    )


def _check_not_negative(field: str, value: object) -> None:
    if value is not None and value < 0:  # type: ignore[operator]
        raise FieldRefused(field, "must be at least 0")


def _check_unmoved(stored: PlanGroup | None, group: PlanGroup) -> None:
    if stored is None:
        return
    if stored.account_id != group.account_id:
        raise FieldRefused("accountId", "a plan group cannot be moved to another account")
    if stored.currency != group.currency and stored.account_plans.exists():
        raise FieldRefused("currency", "cannot change while the group is attached to accounts")


def check_plan_group_link(link: PlanGroupLink) -> None:
    """Refuse a bespoke plan of another account, and a second plan of one product (GRP-6)."""
    group = hold(link.plan_group)
    plan = locking.current(link.plan)
    if plan.account_id is not None and plan.account_id != group.account_id:
        raise FieldRefused("planId", "this plan is bespoke to an account the group is not for")
    _check_once(link)
    _check_products(link, plan)


def hold(group: PlanGroup) -> PlanGroup:
    """Return the group as it is now; nobody else links or attaches it until the end."""
    rows = PlanGroup.objects.filter(pk=group.pk)
    if connection.in_atomic_block:
        rows = rows.select_for_update()
    return rows.first() or group


def _check_once(link: PlanGroupLink) -> None:
    same = PlanGroupLink.objects.filter(plan_group=link.plan_group_id, plan=link.plan_id)
    if same.exclude(pk=link.pk).exists():
        raise FieldRefused("planId", "this plan is in the group already")


def _check_products(link: PlanGroupLink, plan: Plan) -> None:
    allows = OrganizationConfig.objects.filter(
        organization_id=link.organization_id, allow_overlapping_plans=True
    )
    if allows.exists():
        return
    product_id = plan.plan_template.product_id
    others = PlanGroupLink.objects.filter(
        plan_group=link.plan_group_id, plan__plan_template__product=product_id
    )
    other = others.exclude(pk=link.pk).select_related("plan").first()
    if other is not None:
        raise FieldRefused(
            "planId",
            f"plan {other.plan.code} of the same product is in the group already; the "
            "organization does not allow overlapping plans",
        )
