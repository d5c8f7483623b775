"""What accounts hold of counters: the values by day, read for all accounts at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, tzinfo
from uuid import UUID

from billing.bills.priced_plans import PricedPlan
from billing.bills.reading import AttachedPlan
from billing.models import CounterAdjustment
from billing.rating import counting
from organizations.kernel.among import Among
from organizations.kernel.periods import local_date

Values = tuple[tuple[date, int], ...]
# By account, then by account and counter, as ``AccountInput.held`` wants them.
Held = dict[UUID, dict[tuple[UUID, UUID], Values]]


def read(organization_id: UUID, account_ids: Collection[UUID], plans: Iterable[PricedPlan]) -> Held:
    """Return the values of the counters that the plans price; one query, none without any."""
    counters = {counter for plan in plans for counter in plan.counters.counter_ids}
    if not counters:
        return {}
    rows = (
        CounterAdjustment.objects.for_organization(organization_id)
        .filter(Among("account_id", account_ids), counter_id__in=counters)
        .order_by("date")
        .values_list("account_id", "counter_id", "date", "value")
    )
    found: dict[UUID, dict[tuple[UUID, UUID], list[tuple[date, int]]]] = defaultdict(dict)
    for account_id, counter_id, day, value in rows:
        found[account_id].setdefault((account_id, counter_id), []).append((day, value))
    return {
        account_id: {key: tuple(values) for key, values in of_account.items()}
        for account_id, of_account in found.items()
    }


def mark(
    attached: Mapping[UUID, list[AttachedPlan]],
    plans: Mapping[UUID, PricedPlan],
    held: Held,
    zone: tzinfo,
) -> dict[UUID, list[AttachedPlan]]:
    """Return the account plans, with those marked that begin with units to bill in advance.

    A plan that starts on a boundary has a bill on that day only where there is something to
    charge in advance (DAT-3, CTR-10).
    """
    return {
        account_id: [
            row._replace(begins_with_units=_begins_with_units(row, plans[row.plan_id], held, zone))
            for row in rows
        ]
        if any(row.account_id in held for row in rows)
        else rows
        for account_id, rows in attached.items()
    }


def _begins_with_units(row: AttachedPlan, plan: PricedPlan, held: Held, zone: tzinfo) -> bool:
    values = held.get(row.account_id, {})
    day = local_date(row.start_at, zone)
    return plan.counters.bills_in_advance and any(
        counting.before(values.get((row.account_id, counter), ()), day)
        for counter in plan.counters.counter_ids
    )


def of_bills(rows: Iterable[AttachedPlan], held: Held) -> dict[tuple[UUID, UUID], Values]:
    """Return the values that the bills of the account plans need: those of children too."""
    return {
        key: values
        for account_id in {row.account_id for row in rows}
        for key, values in held.get(account_id, {}).items()
    }
