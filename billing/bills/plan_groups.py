"""Plan groups on accounts: each is rated as its plans, and once more for its own charges (GRP-4).

Of an attached group every linked plan becomes an account plan, and so does the group itself: its
``plan_id`` is then that of the group. Links are not dated: those of today hold (GRP-8).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from billing.bills.priced_plans import PricedPlan
from billing.bills.reading import AttachedPlan
from billing.rating import terms
from billing.rating.cycles import BillFrequency
from billing.rating.inputs import GroupMember, PlanGroup
from catalog.models import PlanGroup as PlanGroupRow
from catalog.models import PlanGroupLink
from organizations.models import OrganizationConfig

Attached = Mapping[UUID, Sequence[AttachedPlan]]

# Only compared with each other: which cycle is the longest.
_DAYS = {
    BillFrequency.DAILY: 1,
    BillFrequency.WEEKLY: 7,
    BillFrequency.MONTHLY: 30,
    BillFrequency.ANNUALLY: 365,
}


@dataclass(frozen=True, slots=True)
class LinkedGroup:
    """A group with the plans in it, in order of their links."""

    row: PlanGroupRow
    plan_ids: tuple[UUID, ...]


def read(organization_id: UUID, attached: Attached) -> dict[UUID, LinkedGroup]:
    """Return the groups that are attached and have plans; one query, none without any."""
    wanted = {row.plan_group_id for rows in attached.values() for row in rows if row.plan_group_id}
    if not wanted:
        return {}
    links = (
        PlanGroupLink.objects.for_organization(organization_id)
        .filter(plan_group_id__in=wanted)
        .select_related("plan_group")
        .order_by("created_at", "id")
    )
    rows: dict[UUID, PlanGroupRow] = {}
    plans: dict[UUID, list[UUID]] = defaultdict(list)
    for link in links:
        rows[link.plan_group_id] = link.plan_group
        plans[link.plan_group_id].append(link.plan_id)
    return {pk: LinkedGroup(row, tuple(plans[pk])) for pk, row in rows.items()}


def expand(
    attached: Attached, groups: Mapping[UUID, LinkedGroup]
) -> dict[UUID, list[AttachedPlan]]:
    """Return the account plans with those of groups: their plans, then the group itself."""
    return {
        account_id: [one for row in rows for one in _expanded(row, groups)]
        for account_id, rows in attached.items()
    }


def _expanded(row: AttachedPlan, groups: Mapping[UUID, LinkedGroup]) -> list[AttachedPlan]:
    if row.plan_group_id is None:
        return [row]
    group = groups.get(row.plan_group_id)
    if group is None:
        return []
    return [*(row._replace(plan_id=plan_id) for plan_id in group.plan_ids), row]


def price(
    group: LinkedGroup, plans: Mapping[UUID, PricedPlan], config: OrganizationConfig
) -> PricedPlan:
    """Return the group as a plan without prices, billed by the longest cycle in it (GRP-7)."""
    row, members = group.row, [plans[plan_id] for plan_id in group.plan_ids]
    cycles = {(plan.frequency, plan.interval) for plan in members if plan.frequency}
    frequency, interval = max(cycles, key=_length, default=(None, 1))
    return PricedPlan(
        id=row.pk,
        name=row.name,
        template_id=None,
        product=None,
        currency=row.currency,
        frequency=frequency,
        interval=interval,
        standing_charge=terms.standing_charge(
            terms.ChargeSettings(
                row.standing_charge,
                row.standing_charge_bill_in_advance,
                row.standing_charge_description,
                row.standing_charge_accounting_product_id,
            ),
            organization_in_advance=config.standing_charge_bill_in_advance,
        ),
        minimum_spend=terms.minimum_spend(
            terms.ChargeSettings(
                row.minimum_spend,
                row.minimum_spend_bill_in_advance,
                row.minimum_spend_description,
                row.minimum_spend_accounting_product_id,
            ),
            organization_in_advance=config.minimum_spend_bill_in_advance,
        ),
        prices={},
        measures={},
        candidates=(),
        group=PlanGroup(
            id=row.pk,
            name=row.name,
            members=tuple(GroupMember(plan.id, plan.currency) for plan in members),
            has_one_cycle=len(cycles) == 1,
        ),
    )


def _length(cycle: tuple[BillFrequency, int]) -> tuple[int, str]:
    frequency, interval = cycle
    return _DAYS[frequency] * interval, frequency.value
