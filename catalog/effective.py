"""Which pricings apply to a plan: its own and its template's, read for many plans at once.

Which of the two is in force at an instant (plan over template, PRC-4) is decided by
``billing.rating.schedule.effective_windows``, from the candidates returned here.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from django.db.models import Q

from catalog.models import CounterPricing, Plan, Pricing

# A segment as rating wants it: field/value pairs in the order of the aggregation's fields.
Segment = tuple[tuple[str, str], ...]


def plans(organization_id: UUID, plan_ids: Iterable[UUID]) -> dict[UUID, Plan]:
    """Return the plans by id, with template and product; one query."""
    found = (
        Plan.objects.for_organization(organization_id)
        .filter(pk__in=set(plan_ids))
        .select_related("plan_template__product")
    )
    return {plan.pk: plan for plan in found}


def pricings(organization_id: UUID, plans: Iterable[Plan]) -> Mapping[UUID, Sequence[Pricing]]:
    """Return for each plan its own pricings and its template's, in order of creation.

    Aggregation, meter and compound aggregation come along; one query, whatever the number of plans.
    """
    plans = list(plans)
    found = (
        Pricing.objects.for_organization(organization_id)
        .filter(
            Q(plan_id__in={plan.pk for plan in plans})
            | Q(plan_template_id__in={plan.plan_template_id for plan in plans})
        )
        .select_related("aggregation__meter", "compound_aggregation")
        .order_by("created_at", "id")
    )
    of_plan: dict[UUID, list[Pricing]] = defaultdict(list)
    of_template: dict[UUID, list[Pricing]] = defaultdict(list)
    for pricing in found:
        if pricing.plan_id is not None:
            of_plan[pricing.plan_id].append(pricing)
        else:
            of_template[pricing.plan_template_id].append(pricing)
    return {plan.pk: of_plan[plan.pk] + of_template[plan.plan_template_id] for plan in plans}


def counter_pricings(
    organization_id: UUID, plans: Iterable[Plan]
) -> Mapping[UUID, Sequence[CounterPricing]]:
    """Return for each plan its own counter pricings and its template's; one query."""
    plans = list(plans)
    found = (
        CounterPricing.objects.for_organization(organization_id)
        .filter(
            Q(plan_id__in={plan.pk for plan in plans})
            | Q(plan_template_id__in={plan.plan_template_id for plan in plans})
        )
        .select_related("counter")
        .order_by("created_at", "id")
    )
    by_owner: dict[UUID, list[CounterPricing]] = defaultdict(list)
    for pricing in found:
        by_owner[pricing.plan_id or pricing.plan_template_id].append(pricing)
    return {plan.pk: by_owner[plan.pk] + by_owner[plan.plan_template_id] for plan in plans}


def segment(pricing: Pricing) -> Segment:
    """Return the segment a pricing is for, ``()`` for all usage (SEG-1).

    A compound aggregation has no order of fields of its own: they come in that of their codes.
    """
    if not pricing.segment:
        return ()
    aggregation = pricing.aggregation
    fields = aggregation.segmented_fields if aggregation else sorted(pricing.segment)
    return tuple(
        (field, str(pricing.segment[field])) for field in fields if field in pricing.segment
    )
