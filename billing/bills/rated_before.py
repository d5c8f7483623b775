"""What locked bills have rated of usage whose tiers span the plan (TSP-2).

A locked bill never rates what arrives late, so its time counts with the units that stand on it.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from billing.bills.planning import PlannedBill, PlanOfAccount
from billing.bills.reading import ExistingBill, RatedUsage
from billing.rating.cycles import BillFrequency
from billing.rating.inputs import PricingTerm
from billing.rating.schedule import PlanSchedule
from organizations.kernel.money import ZERO
from organizations.kernel.periods import Period, parse_timezone

Cycle = tuple[UUID, str, int]
Usage = tuple[UUID, UUID, UUID, tuple[tuple[str, str], ...]]


@dataclass(slots=True)
class RatedBefore:
    """The periods of locked bills by account and rhythm, and the usage on them."""

    _periods: dict[Cycle, list[Period]] = field(default_factory=dict)
    _lines: dict[Usage, list[RatedUsage]] = field(default_factory=dict)
    # Bills of several cycles (JOB-13): of each plan they cover the period that ends there.
    _mixed: dict[UUID, list[ExistingBill]] = field(default_factory=dict)

    def periods_of(self, plan: PlanOfAccount, billed: UUID) -> list[Period]:
        """Return the time that locked bills of the plan's rhythm cover.

        ``billed`` is the account whose bills carry the plan: of some plans of children the parent.
        """
        cycle = plan.cycle
        key = (billed, cycle.frequency.value, cycle.interval)
        found = list(self._periods.get(key, ()))
        for bill in self._mixed.get(billed, ()):
            if cycle.is_bill_date(bill.boundary_date):
                schedule = PlanSchedule(cycle, plan.period, parse_timezone(bill.timezone))
                arrears = schedule.arrears(bill.boundary_date)
                found += [arrears] if arrears else []
        return found

    def units(self, plan: PlanOfAccount, price: PricingTerm, *, before: datetime | None) -> Decimal:
        """Return the units rated for service that began earlier than ``before``."""
        attached = plan.attached
        segment = tuple(sorted(price.segment))
        usage = (attached.id, attached.plan_id, price.aggregation.id, segment)
        lines = self._lines.get(usage, ())
        return sum((line.units for line in lines if before and line.starts_at < before), ZERO)


def spanning(planned: Iterable[PlannedBill]) -> set[UUID]:
    """Return the account plans on the bills that have a price whose tiers span the plan."""
    return {
        plan.attached.id
        for bill in planned
        for plan in bill.plans
        if any(price.tiers_span_plan for price in plan.priced.prices.values())
    }


def rated_before(bills: Iterable[ExistingBill], lines: Iterable[RatedUsage]) -> RatedBefore:
    """Return the locked bills and their usage lines, sorted for asking."""
    periods: dict[Cycle, list[Period]] = defaultdict(list)
    mixed: dict[UUID, list[ExistingBill]] = defaultdict(list)
    for bill in bills:
        if bill.billing_frequency == BillFrequency.MIXED:
            mixed[bill.account_id].append(bill)
            continue
        key = (bill.account_id, bill.billing_frequency, bill.bill_frequency_interval)
        periods[key].append(Period(bill.start_at, bill.end_at))
    usage: dict[Usage, list[RatedUsage]] = defaultdict(list)
    for line in lines:
        usage[_usage(line)].append(line)
    return RatedBefore(periods, usage, mixed)


def _usage(line: RatedUsage) -> Usage:
    segment = tuple(sorted(line.segment.items()))
    return (line.account_plan_id, line.plan_id, line.aggregation_id, segment)
