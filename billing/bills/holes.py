"""No time in force is on no bill without a word (JOB-18).

Two ways in which a change leaves service time between a locked bill and the next one:

* another timezone: the locked bill ends some hours before the next period opens. The next bill
  reaches back to where the locked one ended, for usage; its days are charged already;
* another epoch: the period before has a boundary that lies inside time on a locked bill, so its
  own bill cannot be made. The account is parked, with the days and what can be done.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date

import msgspec

from billing.bills.planning import PlannedBill, PlanOfAccount
from billing.bills.reading import ExistingBill
from billing.rating.schedule import previous_boundary
from organizations.kernel.errors import DomainError
from organizations.kernel.periods import Period, local_date, local_midnight


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


def closed(
    bill: PlannedBill, bills: Sequence[ExistingBill], plans: Callable[[], Sequence[PlanOfAccount]]
) -> PlannedBill:
    """Return the bill with plans that reach back; raises ``TimeOnNoBill``.

    ``plans`` are all of the account: what a locked bill carries may be another plan's.
    """
    locked = [one for one in bills if one.is_locked and one.identity != bill.identity]
    if not locked:
        return bill
    return replace(
        bill, plans=tuple(_closed(plan, bill, bills, locked, plans) for plan in bill.plans)
    )


def opens_before(plan: PlanOfAccount, bill: PlannedBill) -> date:
    """Return where the period opens that comes before the bill's own."""
    opens = previous_boundary(plan.cycle, bill.key.boundary)
    start = local_date(plan.period.start, bill.zone)
    if opens is None or opens <= start:
        return start
    return max(start, previous_boundary(plan.cycle, opens) or start)


def _closed(
    plan: PlanOfAccount,
    bill: PlannedBill,
    bills: Iterable[ExistingBill],
    locked: Iterable[ExistingBill],
    plans: Callable[[], Sequence[PlanOfAccount]],
) -> PlanOfAccount:
    opens = previous_boundary(plan.cycle, bill.key.boundary)
    if opens is None or local_date(plan.period.start, bill.zone) >= opens:
        return plan
    rhythm = (bill.key.frequency.value, bill.key.interval, bill.key.grouping)
    same = [one for one in locked if _rhythm(one) == rhythm]
    for one in same:
        if one.boundary_date == opens:
            midnight = local_midnight(opens, bill.zone)
            starts = max(one.end_at, plan.period.start)
            is_short = starts < midnight
            return msgspec.structs.replace(plan, reaches_back_to=starts) if is_short else plan
    if any(one.boundary_date == opens and _rhythm(one) == rhythm for one in bills):
        return plan
    first = opens_before(plan, bill)
    for one in same:
        is_inside = one.start_date < opens and first < one.boundary_date < opens
        if is_inside and not any(_has_made(other, one) for other in plans()):
            raise TimeOnNoBill(one.boundary_date, opens)
    return plan


def _has_made(plan: PlanOfAccount, bill: ExistingBill) -> bool:
    """Whether the bill is one of the plan's, by its dates of today."""
    return plan.cycle.is_bill_date(bill.boundary_date) and plan.period.overlaps(
        Period(bill.start_at, bill.end_at)
    )


def _rhythm(bill: ExistingBill) -> tuple[str, int, str]:
    return (bill.billing_frequency, bill.bill_frequency_interval, bill.grouping)
