"""What is read before bills are planned: plans with prices, account plans, credits, charges."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from billing.bills import contract_terms, families, held, off_cycle, plan_groups, prepaid, reading
from billing.bills.compounds import Compounds
from billing.bills.families import Families
from billing.bills.held import Held
from billing.bills.off_cycle import Dated
from billing.bills.prepaid import Prepaid
from billing.bills.priced_plans import PricedPlan, price
from billing.bills.reading import AttachedPlan
from billing.bills.selection import DueBills, TheseBills
from catalog import effective
from organizations.kernel.money import Currency
from organizations.kernel.periods import parse_timezone
from organizations.models import OrganizationConfig


@dataclass(frozen=True, slots=True)
class Shared:
    """What was read before bills were planned."""

    organization_id: UUID
    config: OrganizationConfig
    currencies: dict[str, Currency]
    plans: dict[UUID, PricedPlan]
    compounds: Compounds
    attached: dict[UUID, list[AttachedPlan]]
    families: Families
    held: Held
    prepaid: Prepaid
    dated: dict[UUID, list[Dated]]


def read_shared(
    organization_id: UUID,
    account_ids: Collection[UUID],
    wanted: DueBills | TheseBills,
    *,
    known: Families | None = None,
    include_locked: bool = False,
) -> Shared:
    """Read it for the accounts; a fixed number of queries."""
    config = reading.config(organization_id)
    zone = parse_timezone(config.timezone)
    known = known or families.read(organization_id, account_ids)
    members = known.with_members(account_ids)
    found = contract_terms.limited(reading.account_plans(organization_id, members), zone)
    groups = plan_groups.read(organization_id, found)
    attached = plan_groups.expand(found, groups)
    plans = effective.plans(
        organization_id,
        {row.plan_id for rows in attached.values() for row in rows} - groups.keys(),
    )
    pricings = effective.pricings(organization_id, plans.values())
    compounds = Compounds.of(organization_id, (row for rows in pricings.values() for row in rows))
    counters = effective.counter_pricings(organization_id, plans.values())
    priced = {
        plan.pk: price(plan, pricings[plan.pk], config, compounds, counters[plan.pk])
        for plan in plans.values()
    }
    priced |= {pk: plan_groups.price(group, priced, config) for pk, group in groups.items()}
    attached = families.place(attached, known, priced, account_ids)
    holding = held.read(organization_id, members, priced.values())
    held_credit = prepaid.read(organization_id, account_ids, known, config, zone)
    charges = off_cycle.charges(organization_id, account_ids, wanted, include_locked=include_locked)
    return Shared(
        organization_id=organization_id,
        config=config,
        currencies=reading.currencies(organization_id),
        plans=priced,
        compounds=compounds,
        attached=held.mark(attached, priced, holding, zone),
        families=known,
        held=holding,
        prepaid=held_credit,
        dated=off_cycle.by_account([*charges, *held_credit.dated()]),
    )
