"""No time in force is on no bill without a word, nor on two (JOB-18).

A change of timezone, billing day or rhythm moves where periods begin, while locked bills stay:

* a timezone further west: the locked bill ends some hours before the next period opens. The next
  bill reaches back to where the locked one ended, for usage; its days are charged already;
* a timezone further east: the period opens some hours before the locked bill ends. Usage and
  the service of the first day begin where it ends;
* another billing day or rhythm: a locked bill ends inside a period. The bill of that period is
  partial: it begins where the locked one ends. A run of the period behind makes it along.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

import msgspec

from billing.bills.planning import PlannedBill, PlanOfAccount
from billing.bills.reading import ExistingBill
from billing.rating.schedule import previous_boundary
from organizations.kernel.errors import DomainError
from organizations.kernel.periods import Period, local_date, local_midnight

Plans = Callable[[], Sequence[PlanOfAccount]]


class TimeOnNoBill(DomainError):
    """Service time lies between a locked bill and the period that is billed."""

    code = "TIME_ON_NO_BILL"

    def __init__(self, first: date, until: date) -> None:
        super().__init__(
            f"The time from {first} until {until} would be on no bill: a locked bill ends on "
            f"{first}, and the billing dates that changed since let the next period begin on "
            f"{until}. Put back the billing epoch, or end the account plan on {first} and attach "
            "the plan anew from that day."
        )


class Around:
    """What the planner knows of one account: its bills, its plans, what its bills carry.

    ``carried`` are the account plans with a line on each locked bill that ends inside a period.
    ``planned`` are the boundaries of the bills that are calculated along, by rhythm.
    """

    def __init__(
        self,
        bills: Sequence[ExistingBill],
        plans: Plans,
        planned: Iterable[PlannedBill] = (),
        carried: Mapping[UUID, Collection[UUID]] | None = None,
    ) -> None:
        self.bills = bills
        self.locked = [one for one in bills if one.is_locked]
        self._plans = plans
        self._carried = carried or {}
        self._planned: dict[tuple[str, int, str], set[date]] = defaultdict(set)
        for bill in planned:
            self._planned[_rhythm_of(bill)].add(bill.key.boundary)

    def has_bill(self, bill: PlannedBill, boundary: date) -> bool:
        """Whether a bill of the same rhythm ends there, stored or calculated along."""
        rhythm = _rhythm_of(bill)
        return boundary in self._planned[rhythm] or any(
            one.boundary_date == boundary and _rhythm(one) == rhythm for one in self.bills
        )

    def ended_inside(
        self, bill: PlannedBill, plan: PlanOfAccount, first: date, until: date
    ) -> ExistingBill | None:
        """Return the last locked bill that ends between, of dates that are no plan's any more."""
        found = [
            one
            for one in self.locked
            if first < one.boundary_date < until
            and one.identity != bill.identity
            and _may_be_before(bill, one)
            and plan.period.start < one.end_at
            and plan.attached.id in self._carried.get(one.id, (plan.attached.id,))
            and not any(_has_made(other, one) for other in self._plans())
        ]
        return max(found, key=lambda one: one.boundary_date, default=None)


def closed(bill: PlannedBill, around: Around) -> PlannedBill:
    """Return the bill with plans that begin where locked bills end; raises ``TimeOnNoBill``."""
    if not any(one.identity != bill.identity for one in around.locked):
        return bill
    plans = tuple(_closed(plan, bill, around) for plan in bill.plans)
    begins = [plan.reaches_back_to for plan in plans if plan.billed_to or plan.begins]
    period = bill.period
    if begins and len(begins) == len(plans):
        period = Period(min(one for one in begins if one), period.end)
    return replace(bill, plans=plans, period=period)


def missing(bill: PlannedBill, around: Around) -> date | None:
    """Return where a bill before this one ends that has to be made along, for time on none."""
    for plan in bill.plans:
        opens = _opens(plan, bill)
        if opens is None or around.has_bill(bill, opens):
            continue
        if around.ended_inside(bill, plan, opens_before(plan, bill), opens):
            return opens
    return None


def ending_inside(bill: PlannedBill, bills: Iterable[ExistingBill]) -> Iterable[UUID]:
    """Return the locked bills of which it has to be known what they carry."""
    for plan in bill.plans:
        opens = _opens(plan, bill)
        if opens is None:
            continue
        first = opens_before(plan, bill)
        for one in bills:
            is_inside = first < one.boundary_date < bill.key.boundary
            if one.is_locked and is_inside and one.boundary_date != opens:
                yield one.id


def opens_before(plan: PlanOfAccount, bill: PlannedBill) -> date:
    """Return where the period opens that comes before the bill's own."""
    opens = previous_boundary(plan.cycle, bill.key.boundary)
    start = local_date(plan.period.start, bill.zone)
    if opens is None or opens <= start:
        return start
    return max(start, previous_boundary(plan.cycle, opens) or start)


def _opens(plan: PlanOfAccount, bill: PlannedBill) -> date | None:
    """Return where the bill's period opens; ``None`` where the plan begins later."""
    opens = previous_boundary(plan.cycle, bill.key.boundary)
    if opens is None or local_date(plan.period.start, bill.zone) >= opens:
        return None
    return opens


def _closed(plan: PlanOfAccount, bill: PlannedBill, around: Around) -> PlanOfAccount:
    opens = _opens(plan, bill)
    if opens is None:
        return _begun(plan, bill, around)
    if inside := around.ended_inside(bill, plan, opens, bill.key.boundary):
        return _from(plan, inside)
    for one in around.locked:
        if one.boundary_date == opens and _rhythm(one) == _rhythm_of(bill):
            midnight = local_midnight(opens, bill.zone)
            starts = max(one.end_at, plan.period.start)
            if starts == midnight:
                return plan
            begins = starts if starts > midnight else None
            return msgspec.structs.replace(plan, reaches_back_to=starts, begins=begins)
    if around.has_bill(bill, opens):
        return plan
    if before := around.ended_inside(bill, plan, opens_before(plan, bill), opens):
        raise TimeOnNoBill(before.boundary_date, opens)
    return plan


def _begun(plan: PlanOfAccount, bill: PlannedBill, around: Around) -> PlanOfAccount:
    """The plan's first period by its dates of today, of which older dates billed a part."""
    start = local_date(plan.period.start, bill.zone)
    inside = around.ended_inside(bill, plan, start, bill.key.boundary)
    return _from(plan, inside) if inside else plan


def _from(plan: PlanOfAccount, bill: ExistingBill) -> PlanOfAccount:
    return msgspec.structs.replace(plan, reaches_back_to=bill.end_at, billed_to=bill.boundary_date)


def _may_be_before(bill: PlannedBill, one: ExistingBill) -> bool:
    """Whether the bill's charges may have stood on another one by older dates."""
    if bill.key.is_consolidated:
        return _rhythm(one) == _rhythm_of(bill)
    return one.grouping == bill.key.grouping and one.billing_frequency not in ("AD_HOC", "MIXED")


def _has_made(plan: PlanOfAccount, bill: ExistingBill) -> bool:
    """Whether the bill is one of the plan's, by its dates of today."""
    cycle = plan.cycle
    if not bill.grouping.startswith("*") and (cycle.frequency.value, cycle.interval) != (
        bill.billing_frequency,
        bill.bill_frequency_interval,
    ):
        return False
    return cycle.is_bill_date(bill.boundary_date) and plan.period.overlaps(
        Period(bill.start_at, bill.end_at)
    )


def _rhythm(bill: ExistingBill) -> tuple[str, int, str]:
    return (bill.billing_frequency, bill.bill_frequency_interval, bill.grouping)


def _rhythm_of(bill: PlannedBill) -> tuple[str, int, str]:
    return (bill.key.frequency.value, bill.key.interval, bill.key.grouping)
