"""Which accounts a change of the catalogue is billed to; an app above knows who is on a plan."""

from collections.abc import Callable, Hashable, Iterable
from typing import Any
from uuid import UUID

from django.db.models import Q

from catalog import models
from catalog.as_code import kinds
from catalog.as_code.diff import CREATE, Change

# (organization, plans, plan groups) -> accounts
Find = Callable[[UUID, set[UUID], set[UUID]], set[UUID]]
_finders: list[Find] = []


def register(find: Find) -> None:
    """Let an app above say which accounts are on plans or plan groups now."""
    if find not in _finders:
        _finders.append(find)


def accounts(
    organization_id: UUID, change: Change, rows: dict[str, dict[Hashable, Any]]
) -> set[UUID]:
    """Return the accounts whose next bills may have other amounts after a change."""
    if not change.moves_money:
        return set()
    section, values = change.item.section, change.item.values
    if section in kinds.OWNERS:
        owned = [
            rows[kinds.BY_SECTION[section].references[name]].get(values[name])
            for name in kinds.OWNERS[section]
        ]
        owners = [row for row in owned if row is not None]
    elif change.verb == CREATE:
        return set()
    else:
        owners = [rows[section][change.item.key]]
    return _on(organization_id, owners)


def _on(organization_id: UUID, owners: Iterable[Any]) -> set[UUID]:
    plans, groups = Q(pk=None), set()
    for owner in owners:
        if isinstance(owner, models.PlanGroup):
            groups.add(owner.pk)
        elif isinstance(owner, models.Plan):
            plans |= Q(pk=owner.pk)
        elif isinstance(owner, models.PlanTemplate):
            plans |= Q(plan_template=owner)
        else:
            plans |= _pricing(owner)
    ids = set(
        models.Plan.objects.filter(plans, organization_id=organization_id).values_list(
            "pk", flat=True
        )
    )
    links = models.PlanGroupLink.objects.filter(plan_id__in=ids)
    groups |= set(links.values_list("plan_group_id", flat=True))
    found: set[UUID] = set()
    for find in _finders:
        found |= find(organization_id, ids, groups)
    return found


def _pricing(measured: Any) -> Q:
    """Return the plans that charge for a meter, an aggregation, a compound one or a counter."""
    if isinstance(measured, models.Counter):
        prices: Any = models.CounterPricing.objects.filter(counter=measured)
    elif isinstance(measured, models.CompoundAggregation):
        prices = models.Pricing.objects.filter(compound_aggregation=measured)
    else:
        simple = models.Aggregation.objects.filter(
            **{"meter" if isinstance(measured, models.Meter) else "pk": measured.pk}
        )
        ids = list(simple.values_list("pk", flat=True))
        compounds = models.CompoundAggregation.objects.filter(aggregation_ids__overlap=ids)
        prices = models.Pricing.objects.filter(
            Q(aggregation__in=ids) | Q(compound_aggregation__in=compounds)
        )
    plans = prices.filter(plan__isnull=False).values("plan")
    templates = prices.filter(plan_template__isnull=False).values("plan_template")
    return Q(pk__in=plans) | Q(plan_template__in=templates)
