"""Rules of products, plan templates and plans that are about other rows or several fields."""

from uuid import UUID

from django.db.models import Q

from catalog.models import CounterPricing, Plan, PlanTemplate, Pricing
from organizations.kernel import locking
from organizations.kernel.errors import FieldRefused, check_each
from organizations.settings_rules import check_currency


def check_plan_template(template: PlanTemplate) -> None:
    """Refuse an unknown or archived currency, and intervals out of bounds (2.2)."""
    stored = PlanTemplate.objects.filter(pk=template.pk).first()
    before = stored.currency if stored else ""
    code = template.currency
    check_each(
        lambda: check_currency(template.organization_id, "currency", code, stored=before),
        lambda: _check_range("billFrequencyInterval", template.bill_frequency_interval, 1, 365),
        lambda: _check_range("standingChargeInterval", template.standing_charge_interval, 1, 365),
        lambda: _check_range("standingChargeOffset", template.standing_charge_offset, 0, 364),
        lambda: _check_not_negative("standingCharge", template.standing_charge),
        lambda: _check_not_negative("minimumSpend", template.minimum_spend),
        lambda: _check_in_use(stored, template),
    )


def _check_in_use(stored: PlanTemplate | None, template: PlanTemplate) -> None:
    """Refuse another currency or product where accounts are billed or usage is priced by it."""
    is_moved = stored is not None and stored.product_id != template.product_id
    if stored and is_moved and stored.plans.filter(group_links__isnull=False).exists():
        raise FieldRefused("productId", "cannot change while plans are in plan groups")
    if stored and stored.plans.filter(account_plans__isnull=False).exists():
        if stored.currency != template.currency:
            raise FieldRefused("currency", "cannot change while plans are attached to accounts")
        if stored.product_id != template.product_id:
            raise FieldRefused("productId", "cannot change while plans are attached to accounts")
    if stored and stored.product_id != template.product_id:
        priced = Q(plan_template=template.pk) | Q(plan__plan_template=template.pk)
        _check_unpriced("productId", priced, template.product_id)


def check_plan(plan: Plan) -> None:
    """Refuse moving a bespoke plan (PLN-5) or a used plan to another template."""
    check_each(
        lambda: _check_not_negative("standingCharge", plan.standing_charge),
        lambda: _check_not_negative("minimumSpend", plan.minimum_spend),
        lambda: _check_unmoved(plan),
    )


def _check_unmoved(plan: Plan) -> None:
    stored = Plan.objects.filter(pk=plan.pk).first()
    if stored is None:
        return
    if stored.account_id != plan.account_id:
        raise FieldRefused("accountId", "a plan cannot be moved to another account")
    if stored.plan_template_id != plan.plan_template_id and plan.account_plans.exists():
        raise FieldRefused("planTemplateId", "cannot change while the plan is attached")
    if stored.plan_template_id != plan.plan_template_id and plan.group_links.exists():
        raise FieldRefused("planTemplateId", "cannot change while the plan is in a plan group")
    template = locking.current(plan.plan_template)
    if stored.plan_template_id != template.pk:
        _check_unpriced("planTemplateId", Q(plan=plan.pk), template.product_id)


def _check_unpriced(field: str, priced: Q, product_id: UUID) -> None:
    """Refuse to move what is priced by usage of another product than the new one (PRD-2)."""
    rows = Pricing.objects.filter(priced, aggregation__meter__product__isnull=False)
    if rows.exclude(aggregation__meter__product=product_id).exists():
        raise FieldRefused(field, "cannot change while usage of the product is priced")
    compounds = Pricing.objects.filter(priced, compound_aggregation__product__isnull=False)
    if compounds.exclude(compound_aggregation__product=product_id).exists():
        raise FieldRefused(field, "cannot change while compound aggregations of it are priced")
    counted = CounterPricing.objects.filter(priced, counter__product__isnull=False)
    if counted.exclude(counter__product=product_id).exists():
        raise FieldRefused(field, "cannot change while counters of the product are priced")


def _check_range(field: str, value: int, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise FieldRefused(field, f"must be from {lowest} to {highest}")


def _check_not_negative(field: str, value: object) -> None:
    if value is not None and value < 0:  # type: ignore[operator]
        raise FieldRefused(field, "must be at least 0")
