"""Segments that a bill leaves out because no price is in force for them (SEG-3)."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from billing.rating.inputs import AccountPlanTerm
from catalog.models import Aggregation, Pricing


class Unpriced(NamedTuple):
    """A segment of an aggregation that a plan prices, without a price in force."""

    plan_id: UUID
    aggregation_id: UUID
    segment: dict[str, str]


def segments(terms: Iterable[AccountPlanTerm], among: QuerySet[Aggregation]) -> list[Unpriced]:
    """Return what nothing is charged for, of aggregations that a plan or its template prices.

    ``among`` are the aggregations that may be named.
    """
    plans = [term for term in terms if term.plan_id is not None]
    owners = {one for term in plans for one in (term.plan_id, term.plan_template_id)}
    of_owner: dict[UUID, set[UUID]] = {}
    prices = Pricing.objects.filter(Q(plan__in=owners) | Q(plan_template__in=owners))
    for plan_id, template_id, aggregation_id in prices.filter(
        aggregation__isnull=False
    ).values_list("plan_id", "plan_template_id", "aggregation_id"):
        of_owner.setdefault(plan_id or template_id, set()).add(aggregation_id)
    wanted = {one for found in of_owner.values() for one in found}
    known = {row.pk: row for row in among.filter(pk__in=wanted) if row.segments}
    missing = []
    for term in plans:
        in_force = {
            (price.aggregation.id, frozenset(price.segment))
            for price in term.pricings
            if price.windows
        }
        of_plan = of_owner.get(term.plan_id, set()) | of_owner.get(term.plan_template_id, set())
        for aggregation in sorted((known[one] for one in of_plan & known.keys()), key=_order):
            missing += [
                Unpriced(term.plan_id, aggregation.pk, segment)
                for segment in aggregation.segments
                if (aggregation.pk, frozenset(segment.items())) not in in_force
            ]
    return missing


def _order(aggregation: Aggregation) -> tuple[str, UUID]:
    return aggregation.name, aggregation.pk
