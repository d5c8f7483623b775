"""Which bill carries what: billing periods of account plans, bills that are due, usage windows.

The snapshot plans with this module before it reads quantities:

1. ``due_bills(plans, on, zone)`` picks the bills of one account for a job's date (JOB-5), or
   ``contributing(plans, key, zone)`` the account plans of a bill that is calculated again;
2. ``usage_windows(...)`` gives the stretches of time to sum, one per line to come (EFF-2);
3. ``coming_windows(...)`` gives those of the next period, for minimum spends in advance.

Days are calendar days in ``zone``; a plan that starts or ends inside a day is floored to days for
day-counted charges, while usage is cut at the exact instant (PER-10).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, tzinfo
from typing import Final
from uuid import UUID

import msgspec

from billing.rating.cycles import BillKey, Cycle
from billing.rating.inputs import Segment
from organizations.kernel.periods import DayRange, Period, local_date, local_midnight

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


class BillingPeriod(msgspec.Struct, frozen=True, gc=False):
    """One billing period of one account plan, by days.

    ``number`` is k of STC-2: 0 for the plan's first period. ``opens`` is the previous boundary or
    the day the plan starts, ``closes`` the boundary at its end; ``active`` is the part before the
    plan ends. ``opens_with_a_bill`` says that a bill is dated ``opens``, so that a charge in
    advance for this period stands there (DAT-1) and not on the bill dated ``closes`` (DAT-4).
    """

    number: int
    opens: date
    closes: date
    active: DayRange
    opens_with_a_bill: bool


class DayShare(msgspec.Struct, frozen=True, gc=False):
    """The covered days of one nominal period: the fraction active/nominal of STC-4."""

    active_days: int
    nominal_days: int


class PlanSchedule(msgspec.Struct, frozen=True, gc=False):
    """The billing periods of one account plan: its cycle, its own period, the bill's timezone.

    ``billed_to``: the period that ends is charged from there on only, since a locked bill of other
    dates has charged the days before (JOB-18). ``begins``: a locked bill of a timezone further west
    ends some hours into the first day; the day is charged, and its service begins then.
    """

    cycle: Cycle
    period: Period
    zone: tzinfo
    billed_to: date | None = None
    begins: datetime | None = None

    @property
    def start_day(self) -> date:
        return local_date(self.period.start, self.zone)

    def service(self, days: DayRange) -> Period:
        """Return the time of a charge for days."""
        period = days.to_period(self.zone)
        if self.begins is None or not period.contains(self.begins):
            return period
        return Period(self.begins, period.end)

    def active_days(self, opens: date, closes: date) -> DayRange:
        """Cut days at the end of the plan; the day in which it ends is not charged (PER-10)."""
        if self.period.end is None:
            return DayRange(opens, closes)
        return DayRange(opens, min(closes, local_date(self.period.end, self.zone)))

    def ending(self, boundary: date) -> BillingPeriod | None:
        """Return the period that the bill dated ``boundary`` closes, if it covers any day."""
        start_day = self.start_day
        bill_number = self.cycle.number_after(boundary) - 1
        number = bill_number - max(0, self.cycle.number_after(start_day))
        if number < 0:
            return None
        opens = start_day if number == 0 else self.cycle.boundary(bill_number - 1)
        if self.billed_to is not None and opens < self.billed_to < boundary:
            opens = self.billed_to
        return self._billing_period(number, opens, boundary)

    def starting(self, boundary: date) -> BillingPeriod | None:
        """Return the period that opens on ``boundary``, unless the plan ended or is yet to start.

        DAT-5: nothing is in advance for periods on or after the end of the plan.
        """
        start_day = self.start_day
        if start_day > boundary:
            return None
        next_number = self.cycle.number_after(boundary)
        number = next_number - max(0, self.cycle.number_after(start_day))
        return self._billing_period(number, boundary, self.cycle.boundary(next_number))

    def _billing_period(self, number: int, opens: date, closes: date) -> BillingPeriod | None:
        active = self.active_days(opens, closes)
        if not active.days:
            return None
        opens_with_a_bill = number > 0 or self.cycle.is_bill_date(opens)
        return BillingPeriod(number, opens, closes, active, opens_with_a_bill)

    def arrears(self, boundary: date) -> Period | None:
        """Return the instants whose usage the bill dated ``boundary`` carries (PER-3, DAT-2).

        The first bill reaches back to the start of the plan, however far (PER-2).
        """
        previous = previous_boundary(self.cycle, boundary)
        start = local_midnight(previous, self.zone) if previous else _BEGINNING
        return Period(start, local_midnight(boundary, self.zone)).intersect(self.period)

    def coming(self, boundary: date) -> Period | None:
        """Return the instants of the plan in the period that opens on ``boundary``.

        ``None`` for a plan that starts later: its first bill is the next one (DAT-4).
        """
        if self.start_day > boundary:
            return None
        closes = self.cycle.boundary(self.cycle.number_after(boundary))
        return DayRange(boundary, closes).to_period(self.zone).intersect(self.period)

    def shares(self, days: DayRange) -> tuple[DayShare, ...]:
        """Return the covered fraction of each nominal period that the days touch (STC-4, STC-5).

        Nominal periods go on backwards before the epoch, so a first period longer than one
        interval has several shares.
        """
        shares = []
        number = self.cycle.number_after(days.start) - 1
        opens = self.cycle.boundary(number)
        while opens < days.end:
            number += 1
            nominal = DayRange(opens, self.cycle.boundary(number))
            shares.append(DayShare(nominal.overlap_days(days), nominal.days))
            opens = nominal.end
        return tuple(shares)


class ScheduledPlan(msgspec.Struct, frozen=True, gc=False):
    """What decides on which bills an account plan appears.

    ``bills_in_advance``: any of its charges is billed at the start of a period. ``grouping`` as in
    ``BillKey``. A plan without a cycle (AD_HOC, PER-11) is not passed in at all.
    """

    id: UUID
    cycle: Cycle
    period: Period
    bills_in_advance: bool = False
    grouping: str = ""


class DueBill(msgspec.Struct, frozen=True, gc=False):
    """A bill to calculate, its arrears period, and the account plans it carries."""

    key: BillKey
    period: Period
    account_plan_ids: tuple[UUID, ...]


def due_boundary(cycle: Cycle, on: date) -> date:
    """Return the date of the bill whose period contains the day (JOB-5).

    Every day before the epoch lies in the first, long period (PER-2).
    """
    return cycle.boundary(max(0, cycle.number_after(on)))


def previous_boundary(cycle: Cycle, boundary: date) -> date | None:
    """Return the bill date before ``boundary``, ``None`` for the first bill of the cycle."""
    if boundary <= cycle.epoch:
        return None
    return cycle.boundary(cycle.number_after(boundary) - 2)


def due_bills(plans: Iterable[ScheduledPlan], on: date, zone: tzinfo) -> list[DueBill]:
    """Return the bills of one account whose periods contain the day, in order of boundary.

    An account without an account plan that is active in the period, or charges in advance on its
    last day, gets none (JOB-8).
    """
    plans = tuple(plans)
    keys = {
        BillKey(
            plan.cycle.frequency, plan.cycle.interval, due_boundary(plan.cycle, on), plan.grouping
        )
        for plan in plans
    }
    due = []
    for key in sorted(keys, key=_key_order):
        carried = contributing(plans, key, zone)
        if carried:
            due.append(
                DueBill(key, bill_period(carried, key, zone), tuple(plan.id for plan in carried))
            )
    return due


def contributing(
    plans: Iterable[ScheduledPlan], key: BillKey, zone: tzinfo
) -> tuple[ScheduledPlan, ...]:
    """Return the account plans that the bill carries, in the order given."""
    return tuple(plan for plan in plans if _contributes(plan, key, zone))


def _contributes(plan: ScheduledPlan, key: BillKey, zone: tzinfo) -> bool:
    cycle = plan.cycle
    same_cycle = (cycle.frequency, cycle.interval) == (key.frequency, key.interval)
    if not same_cycle and not key.is_consolidated:
        return False
    if plan.grouping != key.group or not cycle.is_bill_date(key.boundary):
        return False
    schedule = PlanSchedule(cycle, plan.period, zone)
    if schedule.arrears(key.boundary) is not None:
        return True
    # DAT-3: a plan that starts exactly on the boundary may have lines in advance only.
    return plan.bills_in_advance and schedule.start_day == key.boundary


def bill_period(plans: Iterable[ScheduledPlan], key: BillKey, zone: tzinfo) -> Period:
    """Return the arrears period printed on a bill: its nominal period (DAT-3).

    The first bill of a cycle reaches back to the start of the earliest plan where that lies
    before the nominal period (PER-3).
    """
    starts = []
    for plan in plans:
        cycle = plan.cycle
        opens = cycle.boundary(cycle.number_after(key.boundary) - 2)
        if key.boundary == cycle.epoch:
            opens = min(opens, local_date(plan.period.start, zone))
        starts.append(opens)
    return DayRange(min(starts), key.boundary).to_period(zone)


def _key_order(key: BillKey) -> tuple[date, str, int, str]:
    return (key.boundary, key.frequency.value, key.interval, key.grouping)


class PricingCandidate(msgspec.Struct, frozen=True, gc=False):
    """A Pricing of a Plan (``on_plan``) or of its template, with its own dates."""

    pricing_id: UUID
    aggregation_id: UUID
    segment: Segment
    on_plan: bool
    period: Period


class EffectiveWindow(msgspec.Struct, frozen=True, gc=False):
    """A stretch of time in which one Pricing sets the price."""

    pricing_id: UUID
    period: Period


def effective_windows(
    candidates: Iterable[PricingCandidate], within: Period
) -> list[EffectiveWindow]:
    """Return where each Pricing is in force inside ``within``, by pricing order then time.

    PRC-4: where the Plan prices an aggregation and segment itself, the template's Pricing is
    ignored; elsewhere it applies. Windows of one aggregation and segment never overlap (INV-L),
    even if two Pricings of one Plan should: the one given first wins.
    """
    taken: dict[tuple[UUID, Segment], list[Period]] = {}
    windows: list[EffectiveWindow] = []
    for candidate in sorted(candidates, key=lambda candidate: not candidate.on_plan):
        covered = taken.setdefault((candidate.aggregation_id, candidate.segment), [])
        in_force = candidate.period.intersect(within)
        if in_force is None:
            continue
        pieces = in_force.subtract(covered)
        covered.append(in_force)
        windows.extend(EffectiveWindow(candidate.pricing_id, piece) for piece in pieces)
    return windows


def usage_windows(
    candidates: Iterable[PricingCandidate], schedule: PlanSchedule, boundary: date
) -> list[EffectiveWindow]:
    """Return the windows whose quantities the bill dated ``boundary`` rates (EFF-1, EFF-2)."""
    within = schedule.arrears(boundary)
    return [] if within is None else effective_windows(candidates, within)


def coming_windows(
    candidates: Iterable[PricingCandidate], schedule: PlanSchedule, boundary: date
) -> list[EffectiveWindow]:
    """Return the windows of the period that opens on ``boundary``, for charges in advance."""
    within = schedule.coming(boundary)
    return [] if within is None else effective_windows(candidates, within)
