"""Which bills of an account are to be calculated, and which account plans each one carries.

Pure: works on what the snapshot has read. The rules of periods and boundaries themselves are in
``billing.rating.schedule``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from uuid import UUID

import msgspec

from billing.bills.groups import grouping
from billing.bills.priced_plans import PricedPlan
from billing.bills.reading import AccountFacts, AttachedPlan, ExistingBill
from billing.bills.selection import DueBills, Overrides, PrintedDates, restore
from billing.rating import schedule
from billing.rating.account_terms import PlanFees
from billing.rating.cycles import CONSOLIDATED, BillFrequency, BillKey, Cycle
from organizations.kernel.periods import DayRange, Period, local_midnight, parse_timezone
from organizations.models import OrganizationConfig

LATE_DATA = timedelta(hours=24)
_NONE = Overrides()


class PlanOfAccount(msgspec.Struct, frozen=True, gc=False):
    """An account plan with its plan's prices and its billing cycle."""

    attached: AttachedPlan
    priced: PricedPlan
    cycle: Cycle
    # Where usage begins that is on no locked bill, if not where the period opens (JOB-18).
    reaches_back_to: datetime | None = None
    # A locked bill has charged the days up to then, inside of the period.
    billed_to: date | None = None
    # It has charged the first day, which begins earlier here, up to that hour.
    begins: datetime | None = None

    @property
    def period(self) -> Period:
        """From the start of the account plan to its end."""
        return Period(self.attached.start_at, self.attached.end_at)

    @property
    def scheduled(self) -> schedule.ScheduledPlan:
        """What decides on which bills it appears."""
        return schedule.ScheduledPlan(
            self.attached.key,
            self.cycle,
            self.period,
            self.priced.bills_in_advance or self.attached.begins_with_units,
            _grouping(self.attached),
        )


@dataclass(slots=True)
class PlannedBill:
    """One bill to calculate, before quantities are known.

    ``dates`` are those that a job or the bill itself prints instead of the natural ones.
    """

    account: AccountFacts
    key: BillKey
    period: Period
    zone: tzinfo
    timezone: str
    overrides: Overrides
    dates: PrintedDates
    plans: tuple[PlanOfAccount, ...]
    existing: ExistingBill | None = None

    @property
    def identity(self) -> tuple[UUID, str, int, date, str]:
        """As ``ExistingBill.identity``."""
        return (self.account.id, *self.key.identity)

    @property
    def grouping(self) -> str:
        """Which contracts' charges stand on it."""
        return self.key.group

    @property
    def takes_dated_items(self) -> bool:
        """Whether what has its date stands on it (CHG-3)."""
        return self.key.is_consolidated or self.key.frequency is BillFrequency.AD_HOC

    @property
    def coming_end(self) -> date:
        """The day on which the last period ends that the bill may charge in advance."""
        boundary = self.key.boundary
        ends = [plan.cycle.boundary(plan.cycle.number_after(boundary)) for plan in self.plans]
        return max(ends, default=boundary)


def due(
    account: AccountFacts,
    attached: Iterable[AttachedPlan],
    priced: Mapping[UUID, PricedPlan],
    config: OrganizationConfig,
    wanted: DueBills,
    fees: Iterable[PlanFees] = (),
) -> list[PlannedBill]:
    """Return the bills whose periods contain the wanted day, in order of boundary (JOB-5)."""
    overrides = wanted.overrides
    timezone = overrides.timezone or config.timezone
    zone = parse_timezone(timezone)
    plans = {
        plan.attached.key: plan
        for plan in of_account(account, attached, priced, config, overrides)
        if config.consolidate_bills or _is_wanted(plan.cycle, wanted)
    }
    found: dict[BillKey, schedule.DueBill] = {}
    scheduled = [plan.scheduled for plan in plans.values()]
    scheduled += [
        one.scheduled for one in fees if config.consolidate_bills or _is_wanted(one.cycle, wanted)
    ]
    for day in days(wanted):
        for bill in schedule.due_bills(scheduled, day, zone):
            found[bill.key] = bill
    planned = [
        PlannedBill(
            account=account,
            key=bill.key,
            period=bill.period,
            zone=zone,
            timezone=timezone,
            overrides=overrides,
            dates=wanted.dates,
            plans=tuple(plans[key] for key in bill.account_plan_ids if key in plans),
        )
        for bill in found.values()
    ]
    planned = [bill for bill in planned if _takes_late_data(bill, wanted.late_data_at)]
    if not config.consolidate_bills:
        return planned
    merged = consolidated(planned)
    return [bill for bill in merged if _any_wanted(bill, wanted)]


def consolidated(planned: Iterable[PlannedBill]) -> list[PlannedBill]:
    """Return one bill for all cycles of a date (JOB-13), in order of date."""
    by_date: dict[tuple[date, str], list[PlannedBill]] = {}
    for bill in planned:
        by_date.setdefault((bill.key.boundary, bill.grouping), []).append(bill)
    return [_one_of(bills) for _, bills in sorted(by_date.items())]


def _one_of(bills: Sequence[PlannedBill]) -> PlannedBill:
    first = bills[0]
    starts, ends = [bill.period.start for bill in bills], first.period.end
    cycles = [(bill.key.frequency, bill.key.interval) for bill in bills]
    return replace(
        first,
        key=_consolidated_key(cycles, first.key.boundary, first.grouping),
        period=Period(min(starts), ends),
        plans=tuple(plan for bill in bills for plan in bill.plans),
    )


def _consolidated_key(
    cycles: Iterable[tuple[BillFrequency, int]], boundary: date, grouping: str
) -> BillKey:
    """The frequency is that of the cycles, MIXED where they differ."""
    different = set(cycles)
    frequency, interval = different.pop() if len(different) == 1 else (BillFrequency.MIXED, 1)
    return BillKey(frequency, interval, boundary, CONSOLIDATED + grouping)


def of_its_date(
    account: AccountFacts,
    day: date,
    grouping: str,
    config: OrganizationConfig,
    wanted: DueBills,
) -> PlannedBill:
    """Return the bill of a date for what has that date; its period is the day before (PER-11)."""
    overrides = wanted.overrides
    timezone = overrides.timezone or config.timezone
    zone = parse_timezone(timezone)
    mark = CONSOLIDATED if config.consolidate_bills else ""
    return PlannedBill(
        account=account,
        key=BillKey(BillFrequency.AD_HOC, 1, day, mark + grouping),
        period=DayRange(day - timedelta(days=1), day).to_period(zone),
        zone=zone,
        timezone=timezone,
        overrides=overrides,
        dates=wanted.dates,
        plans=(),
    )


def again(
    account: AccountFacts,
    attached: Iterable[AttachedPlan],
    priced: Mapping[UUID, PricedPlan],
    config: OrganizationConfig,
    bill: ExistingBill,
) -> PlannedBill:
    """Return a bill that exists, with its dates and what its job overrode (JOB-14)."""
    overrides = restore(bill.overrides)
    zone = parse_timezone(bill.timezone)
    key = BillKey(
        BillFrequency(bill.billing_frequency),
        bill.bill_frequency_interval,
        bill.boundary_date,
        bill.grouping,
    )
    plans = {
        plan.attached.key: plan for plan in of_account(account, attached, priced, config, overrides)
    }
    carried = schedule.contributing([plan.scheduled for plan in plans.values()], key, zone)
    if key.is_consolidated and carried:
        cycles = [(plan.cycle.frequency, plan.cycle.interval) for plan in carried]
        key = _consolidated_key(cycles, key.boundary, key.group)
    return PlannedBill(
        account=account,
        key=key,
        period=Period(bill.start_at, bill.end_at),
        zone=zone,
        timezone=bill.timezone,
        overrides=overrides,
        dates=PrintedDates(bill.bill_date, bill.due_date, bill.external_invoice_date),
        plans=tuple(plans[plan.id] for plan in carried),
        existing=bill,
    )


def selects(wanted: DueBills, bill: ExistingBill) -> bool:
    """Whether the frequencies that a job is about are those of a bill (JOB-4)."""
    if wanted.frequency is not None and bill.billing_frequency != wanted.frequency:
        return False
    return wanted.interval is None or bill.bill_frequency_interval == wanted.interval


def left_over(
    account: AccountFacts,
    attached: Iterable[AttachedPlan],
    priced: Mapping[UUID, PricedPlan],
    config: OrganizationConfig,
    wanted: DueBills,
    due_bills: Iterable[PlannedBill],
    bills: Iterable[ExistingBill],
) -> list[PlannedBill]:
    """Return the bills that exist for what a job is about, although they are not due (JOB-8).

    Such a bill was made for a plan that has since ended, moved or been replaced, or by a job
    with epochs of its own. One that no plan reaches any more is empty when it is calculated
    again; it is taken along also where it only lies beside a due bill, whose plan may be the one
    that replaced its own.
    """
    due_bills = list(due_bills)
    known = {bill.identity for bill in due_bills}
    attached = list(attached)
    found = []
    for bill in bills:
        if bill.is_locked or bill.identity in known or not selects(wanted, bill):
            continue
        is_asked_for = _is_asked_for(bill, wanted)
        if bill.billing_frequency == BillFrequency.AD_HOC:
            if is_asked_for:
                found.append(again(account, attached, priced, config, bill))
            continue
        touches = any(
            bill.start_at <= other.period.end and other.period.start <= bill.end_at
            for other in due_bills
        )
        if not is_asked_for and not touches:
            continue
        is_served = _is_served(bill, attached, priced)
        if is_served and not is_asked_for:
            continue
        planned = again(account, attached, priced, config, bill)
        if planned.plans and not _takes_late_data(planned, wanted.late_data_at):
            continue  # every plan of it ended more than a day ago (SCB-3)
        if planned.plans or not is_served:
            found.append(planned)
    return found


def _is_asked_for(bill: ExistingBill, wanted: DueBills) -> bool:
    """Whether a bill's period contains the wanted day, and still takes data of a schedule."""
    if not any(bill.start_date <= day < bill.boundary_date for day in days(wanted)):
        return False
    return wanted.late_data_at is None or bill.end_at + LATE_DATA > wanted.late_data_at


def _is_served(
    bill: ExistingBill, attached: Iterable[AttachedPlan], priced: Mapping[UUID, PricedPlan]
) -> bool:
    """Whether a plan of the bill's frequency is in force in its period, or begins at its end.

    Where the boundary itself moved, with an epoch, the bill stays and whoever bills the same
    time again is told so (JOB-6).
    """
    frequency, interval = bill.billing_frequency, bill.bill_frequency_interval
    for row in attached:
        plan = priced[row.plan_id]
        if _grouping(row) != bill.grouping.removeprefix(CONSOLIDATED):
            continue
        same_cycle = (plan.frequency, plan.interval) == (frequency, interval)
        if not same_cycle and not bill.grouping.startswith(CONSOLIDATED):
            continue
        if Period(row.start_at, row.end_at).overlaps(Period(bill.start_at, bill.end_at)):
            return True
        in_advance = plan.bills_in_advance or row.begins_with_units
        if in_advance and row.start_at == bill.end_at:
            return True
    return False


def of_account(
    account: AccountFacts,
    attached: Iterable[AttachedPlan],
    priced: Mapping[UUID, PricedPlan],
    config: OrganizationConfig,
    overrides: Overrides,
) -> list[PlanOfAccount]:
    """Return the account's plans that have a billing cycle (PER-1, PER-11)."""
    plans = []
    for row in attached:
        plan = priced[row.plan_id]
        if plan.frequency is None:
            continue
        epoch = row.bill_epoch or account.bill_epoch or epoch_of(plan.frequency, config, overrides)
        plans.append(PlanOfAccount(row, plan, Cycle(plan.frequency, plan.interval, epoch)))
    return plans


def _grouping(row: AttachedPlan) -> str:
    """Return which bill the plan's charges go on (CON-3)."""
    return "" if row.contract is None else grouping(row.contract.key_id)


def epoch_of(
    frequency: BillFrequency, config: OrganizationConfig, overrides: Overrides = _NONE
) -> date:
    """Return the organization's epoch of a frequency, or what a job sets instead (PER-1)."""
    name = _EPOCH_NAMES[frequency]
    configured: date = getattr(config, f"{name}_epoch")
    return overrides.epochs.get(name) or configured


_EPOCH_NAMES = {
    BillFrequency.DAILY: "day",
    BillFrequency.WEEKLY: "week",
    BillFrequency.MONTHLY: "month",
    BillFrequency.ANNUALLY: "year",
}


def _any_wanted(bill: PlannedBill, wanted: DueBills) -> bool:
    """Whether the run is about one of the cycles on a consolidated bill, or about its fees."""
    return not bill.plans or any(_is_wanted(plan.cycle, wanted) for plan in bill.plans)


def _is_wanted(cycle: Cycle, wanted: DueBills) -> bool:
    """JOB-4: a frequency narrows the run, an interval narrows it further."""
    if wanted.frequency is not None and cycle.frequency.value != wanted.frequency:
        return False
    return wanted.interval is None or cycle.interval == wanted.interval


def days(wanted: DueBills) -> Sequence[date]:
    """Return the days whose bills are wanted.

    SCB-3: on the day after a period ended, yesterday's bill is still due."""
    if wanted.late_data_at is None:
        return (wanted.on,)
    return (wanted.on - timedelta(days=1), wanted.on)


def _takes_late_data(bill: PlannedBill, at: datetime | None) -> bool:
    """Whether less than a day has passed since the period, or its last plan, ended (SCB-3).

    A run that was not scheduled takes all data, however late: it has no ``at``.
    """
    if at is None:
        return True
    closes = local_midnight(bill.key.boundary, bill.zone)
    ends = [min(closes, plan.attached.end_at or closes) for plan in bill.plans]
    return max(ends, default=closes) + LATE_DATA > at
