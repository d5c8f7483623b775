"""INV-J when an account plan is ended or replaced inside a period billed in advance (DAT-6).

The advance for June stands on the bill of 1 June, everything else on that of 1 July. Whichever is
made again first, and however often, both come to the larger of minimum and charges in the end.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import UTC, date
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.rating.book import Book, charges_of
from billing.rating.doubles import AlreadyBilled, refuse_doubles
from billing.rating.inputs import AccountPlanTerm, MinimumSpend, UsageWindow
from billing.rating.lines import LineType, RatedBill
from billing.rating.pipeline import rate
from billing.rating.recompute import explain_record, recompute
from organizations.kernel.periods import Period, local_midnight
from tests.billing.rating.making import JULY_1, JUNE, make_bill, make_pricing, make_term

JUNE_1 = date(2024, 6, 1)
CENT = Decimal("0.01")

cents = st.decimals(min_value=Decimal("0.01"), max_value=1000, places=2)
usages = st.decimals(min_value=0, max_value=1500, places=2)
days_of_june = st.integers(min_value=2, max_value=29)
histories = st.sampled_from([(), (JUNE_1,), (JULY_1,), (JUNE_1, JULY_1), (JULY_1, JUNE_1)])
orders = st.lists(st.sampled_from([JUNE_1, JULY_1]), min_size=2, max_size=5).filter(
    lambda order: len(set(order)) == 2
)


@dataclasses.dataclass
class Books:
    """The two bills of an account, each made from what the other one carries."""

    bills: dict[date, RatedBill] = dataclasses.field(default_factory=dict)
    locked: set[date] = dataclasses.field(default_factory=set)

    def make(self, boundary: date, *plans: AccountPlanTerm) -> None:
        """Calculate one bill anew, as a run for its date does."""
        charges = [
            replace(charge, is_locked=other in self.locked)
            for other, bill in self.bills.items()
            if other != boundary
            for charge in charges_of(bill, bill_id=None, name="other")
        ]
        rated = rate(
            make_bill(
                *(on_bill_of(plan, boundary) for plan in plans),
                boundary=boundary,
            ),
            Book(tuple(charges)),
        )
        refuse_doubles(rated, charges, {plan.id: plan.period for plan in plans})
        self.bills[boundary] = rated

    def make_all(self, order: Sequence[date], *plans: AccountPlanTerm) -> None:
        """Make bills in order; one that was refused is made again after the others (retry)."""
        refused = []
        for boundary in order:
            try:
                self.make(boundary, *plans)
            except AlreadyBilled:
                refused.append(boundary)
        for boundary in refused:
            self.make(boundary, *plans)

    def billed(self, *plans: AccountPlanTerm) -> Decimal:
        """What the account plans cost on both bills together for June."""
        ids = {plan.id for plan in plans}
        return sum(
            (
                line.subtotal
                for bill in self.bills.values()
                for line in bill.lines
                if line.account_plan_id in ids and JUNE.contains(line.service_period.start)
            ),
            Decimal(0),
        )


def on_bill_of(plan: AccountPlanTerm, boundary: date) -> AccountPlanTerm:
    """The bill of 1 July rates June's usage; for that of 1 June it lies ahead."""
    if boundary == JULY_1:
        return plan
    ahead = tuple(
        replace(pricing, windows=(), coming=tuple(window.period for window in pricing.windows))
        for pricing in plan.pricings
        if plan.period.start <= JUNE.start
    )
    return replace(plan, pricings=ahead)


def plan_of_june(used: Decimal, outer: Decimal, inner: Decimal | None = None, **fields):
    """A plan with usage at 1.00 a unit, a minimum in advance and perhaps one on its price."""
    period = fields.pop("period", JUNE)
    minimum = None if inner is None else MinimumSpend(inner, in_advance=True)
    return make_term(
        period=period,
        minimum_spend=MinimumSpend(outer, in_advance=True),
        pricings=(make_pricing(used, period, minimum_spend=minimum),),
        **fields,
    )


def ended(plan: AccountPlanTerm, day: int, used: Decimal) -> AccountPlanTerm:
    """The same account plan, ended on a day of June, with the usage up to then."""
    period = Period(plan.period.start, local_midnight(date(2024, 6, day), UTC))
    [pricing] = plan.pricings
    cut = replace(pricing, windows=(UsageWindow(period, used, event_count=1),))
    return replace(plan, period=period, pricings=(cut,))


def by_days(amount: Decimal, days: int) -> Decimal:
    return (amount * days / 30).quantize(CENT, rounding="ROUND_HALF_UP")


@given(cents, st.none() | cents, usages, usages, days_of_june, histories, orders)
@example(
    Decimal("1.51"), Decimal("1.35"), Decimal(0), Decimal(0), 2, (), [JULY_1, JUNE_1]
)  # for a day 0.0503 and 0.045, which makes 0.05 each
def test_inv_j_holds_for_a_plan_ended_inside_june_in_whatever_order_bills_are_made(
    outer, inner, before, after, day, history, order
):
    whole = plan_of_june(before + after, outer, inner)
    books = Books()
    books.make_all(history, whole)

    plan = ended(whole, day, before)
    books.make_all(order, plan)

    active = day - 1
    charges = max(by_days(inner or Decimal(0), active), before)
    assert abs(books.billed(plan) - max(by_days(outer, active), charges)) <= CENT
    for bill in books.bills.values():
        for line in bill.lines:
            assert recompute(line.calculation) == (line.subtotal, line.converted_subtotal)
            assert explain_record(line.calculation).sentence


@given(cents, usages, usages, days_of_june, histories, orders, st.booleans())
def test_inv_j_holds_for_a_plan_replaced_inside_june_in_whatever_order_bills_are_made(
    minimum, before, after, day, history, order, by_itself
):
    whole = plan_of_june(before + after, minimum)
    books = Books()
    books.make_all(history, whole)

    old = ended(whole, day, before)
    since = Period(old.period.end, JUNE.end)
    same = {"plan_id": whole.plan_id, "product": whole.product} if by_itself else {}
    new = plan_of_june(after, minimum, period=since, **same)
    books.make_all(order, old, new)

    assert books.billed(old) == max(by_days(minimum, day - 1), before)
    assert books.billed(new) == max(by_days(minimum, 31 - day), after)


@given(cents, usages, days_of_june, orders)
def test_inv_j_holds_when_an_end_is_moved_twice(minimum, used, day, order):
    whole = plan_of_june(used, minimum)
    books = Books()
    books.make_all((JUNE_1, JULY_1), whole)
    books.make_all((JULY_1, JUNE_1), ended(whole, 29, used))

    books.make_all(order, ended(whole, day, used))

    assert books.billed(whole) == max(by_days(minimum, day - 1), used)


@pytest.mark.parametrize(
    ("locked", "remade", "total"),
    [
        # DAT-6: an advance on a locked bill is not given back beyond what was charged.
        (JUNE_1, JULY_1, Decimal(100)),
        # What a locked bill has given back of the advance stays billed: 80 were used.
        (JULY_1, JUNE_1, Decimal(80)),
    ],
)
def test_dat_6_beside_a_locked_bill_nothing_is_refunded_nor_lost(locked, remade, total):
    whole = plan_of_june(Decimal(80), Decimal(100))
    books = Books()
    books.make_all((JUNE_1, JULY_1), whole)
    books.locked.add(locked)

    books.make(remade, ended(whole, 16, Decimal(80)))

    assert books.billed(whole) == total


def test_an_advance_that_was_given_back_says_why_it_is_not_smaller():
    whole = plan_of_june(Decimal(80), Decimal(100))
    books = Books()
    books.make_all((JUNE_1, JULY_1), whole)
    books.make_all((JULY_1, JUNE_1), ended(whole, 16, Decimal(80)))

    [advance] = books.bills[JUNE_1].lines

    assert (advance.line_type, advance.subtotal) == (LineType.MINIMUM_SPEND, Decimal(80))
    assert advance.service_period.end == local_midnight(date(2024, 6, 16), UTC)
    [_, given_back, _] = explain_record(advance.calculation).steps
    assert given_back.reckoning == "at least what the bill of the period leaves to pay"
    assert given_back.result == "80"


def test_an_advance_above_the_minimum_is_given_back_with_what_was_charged():
    """MIN-6: the minimum of the price shrinks too, and counts for less toward that of the plan."""
    whole = plan_of_june(Decimal(20), Decimal(100), Decimal(60))
    books = Books()
    books.make_all((JUNE_1, JULY_1), whole)
    plan = ended(whole, 16, Decimal(20))

    books.make_all((JULY_1, JUNE_1, JULY_1), plan)

    assert books.billed(plan) == 50
    refund = next(
        line
        for line in books.bills[JULY_1].lines
        if line.line_type is LineType.MINIMUM_SPEND_REFUND and line.pricing_id is None
    )
    assert refund.subtotal == -60
    assert explain_record(refund.calculation).steps[0].reckoning == (
        "the smaller of 80 and 30, and 30 above the minimum"
    )
