"""Rules of counters and their prices (CTR-1, CTR-2)."""

from typing import Any

from django.db.models import Q

from catalog import band_rules
from catalog.models import Counter, CounterPricing
from organizations.kernel import locking
from organizations.kernel.errors import FieldRefused, check_each


def check_counter(counter: Counter) -> None:
    """Refuse to move a counter to a product whose plans do not price it (PRD-2)."""
    stored = Counter.objects.filter(pk=counter.pk).first()
    if stored is None or counter.product_id in (None, stored.product_id):
        return
    priced = CounterPricing.objects.filter(counter=counter.pk)
    of_product = Q(plan__plan_template__product=counter.product_id) | Q(
        plan_template__product=counter.product_id
    )
    if priced.exclude(of_product).exists():
        raise FieldRefused("productId", "cannot change while plans of another product price it")


def check_counter_pricing(pricing: CounterPricing) -> None:
    """Refuse bands, times and plans that do not fit; sorts the bands (CTR-2, PRC-1..6)."""
    stored = CounterPricing.objects.filter(pk=pricing.pk).first()
    check_each(
        lambda: band_rules.check_bands("pricingBands", pricing.bands, may_be_negative=False),
        lambda: _check_product(pricing),
        lambda: band_rules.check_end(pricing),
    )
    pricing.bands = band_rules.ordered_bands(pricing.bands, stored.bands if stored else [])
    alike: Any = CounterPricing.objects.filter(
        plan_id=pricing.plan_id,
        plan_template_id=pricing.plan_template_id,
        counter_id=pricing.counter_id,
    )
    band_rules.check_alone(pricing, alike, "counter pricing", "the same counter")


def _check_product(pricing: CounterPricing) -> None:
    band_rules.check_owner(pricing)
    counter = locking.current(pricing.counter)
    plan = locking.current(pricing.plan) if pricing.plan else None
    template = locking.current(plan.plan_template if plan else pricing.plan_template)
    if counter.product_id is not None and counter.product_id != template.product_id:
        raise FieldRefused("counterId", "belongs to another product than the plan")
