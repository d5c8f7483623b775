"""The invariants of billing.md 18.1 with counters, INV-K first, as Hypothesis properties."""

from __future__ import annotations

import copy
import itertools
import json
from collections import defaultdict
from datetime import UTC, date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.rating import bands
from billing.rating.accounts import AccountInput
from billing.rating.cycles import CYCLIC, Cycle
from billing.rating.inputs import MinimumSpend
from billing.rating.lines import LINE_KEY_MAX_LENGTH, LineType
from billing.rating.pipeline import rate, rate_account
from billing.rating.recompute import explain_record, recompute
from billing.rating.schedule import PlanSchedule, PricingCandidate, coming_windows, usage_windows
from organizations.kernel.money import Currency, round_money, working_precision
from organizations.kernel.periods import DayRange, Period, local_midnight
from tests.billing.rating.making import (
    JULY_1,
    JUNE,
    between,
    make_bands,
    make_bill,
    make_counter_pricing,
    make_term,
)

CENT = Decimal("0.01")
JULY = between("2024-07-01", "2024-08-01")
# Seven and more places are cut from what is compared "before rounding".
FINE = {"USD": Currency("USD", 5)}

cents = st.decimals(min_value=Decimal("0.01"), max_value=500, places=2)
days_of_june = st.integers(min_value=1, max_value=30).map(lambda day: date(2024, 6, day))
numbers = st.integers(min_value=0, max_value=60)
flags = st.booleans()
days = st.integers(min_value=0, max_value=120).map(lambda n: date(2024, 4, 1) + timedelta(days=n))


@st.composite
def ladders(draw):
    limits = draw(st.sets(st.integers(min_value=1, max_value=50), max_size=3))
    return make_bands(*((limit, draw(cents), draw(cents)) for limit in [0, *sorted(limits)]))


def cost(units, price) -> Decimal:
    """R(V), and nothing for nothing."""
    if not units:
        return Decimal(0)
    steps = bands.ladder(price.bands)
    with working_precision():
        portions = bands.split(Decimal(units), steps, cumulative=price.cumulative)
        return bands.charge(portions)


def account_of(*made, held):
    values = {}
    for bill in made:
        for term in bill.account_plans:
            for price in term.counter_pricings:
                values[term.account_id, price.counter.id] = held
    return AccountInput(made, held=values)


def june_bill(price, held, **fields):
    term = make_term(counter_pricings=(price,))
    bill = make_bill(term, **fields)
    return rate(bill, account=account_of(bill, held=held))


@given(ladders(), flags, st.integers(1, 60), flags)
def test_inv_k_a_counter_that_never_changes_costs_its_price_for_each_full_period(
    steps, cumulative, units, in_advance
):
    price = make_counter_pricing(
        bands=steps, cumulative=cumulative, running_total_in_advance=in_advance,
        windows=(JUNE,), coming=(JULY,),
    )  # fmt: skip

    [line] = june_bill(price, [(date(2024, 1, 1), units)]).lines

    assert line.subtotal == round_money(cost(units, price), Currency("USD"))
    assert line.service_period == (JULY if in_advance else JUNE)


@given(ladders(), flags, st.integers(1, 60), st.integers(1, 60), days_of_june, days_of_june)
def test_inv_k_a_rise_and_a_return_leave_the_difference_for_the_days_between(
    steps, cumulative, before, more, first, second
):
    rise, back = sorted((first, second))
    if rise == back:
        return
    price = make_counter_pricing(bands=steps, cumulative=cumulative, windows=(JUNE,))
    held = [(date(2024, 1, 1), before), (rise, before + more), (back, before)]

    bill = june_bill(price, held, currencies=FINE, bill_currency=FINE["USD"])

    changed = [line for line in bill.lines if "ADJUSTMENT" in line.line_type]
    difference = cost(before + more, price) - cost(before, price)
    exact = difference * (back - rise).days / 30
    assert abs(sum(line.subtotal for line in changed) - exact) <= 2 * Decimal("0.00001")


# Any bill ---------------------------------------------------------------------------------------


@st.composite
def counter_pricings(draw, schedule, boundary, inside):
    """A price that may change once inside the range."""
    change = local_midnight(draw(st.dates(inside.start, inside.end)), UTC)
    first = make_counter_pricing()
    second = make_counter_pricing(counter=first.counter)
    candidates = [
        PricingCandidate(
            first.id, first.counter.id, (), True, Period(change - timedelta(days=400), change)
        ),
        PricingCandidate(second.id, first.counter.id, (), draw(flags), Period(change)),
    ]
    rated = usage_windows(candidates, schedule, boundary)
    coming = coming_windows(candidates, schedule, boundary)
    return [
        replace(
            price,
            bands=draw(ladders()),
            cumulative=draw(flags),
            running_total_in_advance=draw(flags),
            prorate_running_total=draw(flags),
            prorate_debit=draw(flags),
            prorate_credit=draw(flags),
            windows=tuple(one.period for one in rated if one.pricing_id == price.id),
            coming=tuple(one.period for one in coming if one.pricing_id == price.id),
        )
        for price in (first, second)
    ]


@st.composite
def accounts(draw) -> AccountInput:
    cycle = Cycle(
        draw(st.sampled_from(CYCLIC)),
        draw(st.integers(min_value=1, max_value=3)),
        draw(st.sampled_from([date(2022, 1, 1), date(2022, 1, 31), date(2024, 5, 15)])),
    )
    number = max(0, cycle.number_after(date(2024, 6, 10)))
    boundary = cycle.boundary(number)
    nominal = DayRange(cycle.boundary(number - 1), boundary)
    start, end = sorted((draw(days), draw(days)))
    period = Period(
        local_midnight(start, UTC),
        draw(st.sampled_from([None, local_midnight(end + timedelta(days=1), UTC)])),
    )
    schedule = PlanSchedule(cycle, period, UTC)
    term = make_term(
        cycle=cycle,
        period=period,
        minimum_spend=draw(st.none() | st.builds(MinimumSpend, cents)),
        counter_pricings=tuple(draw(counter_pricings(schedule, boundary, nominal))),
    )
    adjusted = draw(st.dictionaries(days, numbers, max_size=5))
    return account_of(make_bill(term, boundary=boundary), held=sorted(adjusted.items()))


@given(accounts())
def test_inv_a_and_b_the_total_is_the_sum_and_comes_out_the_same_again(account):
    [bill] = rate_account(account).bills

    assert bill.total == sum(line.converted_subtotal for line in bill.lines)
    assert rate_account(copy.deepcopy(account)).bills == (bill,)


@given(accounts())
def test_inv_c_every_line_can_be_recomputed_and_told_from_its_stored_record_alone(account):
    for line in rate_account(account).bills[0].lines:
        stored = json.loads(json.dumps(line.calculation))

        assert recompute(stored) == (line.subtotal, line.converted_subtotal)
        assert explain_record(stored).sentence
        assert len(line.line_key) <= LINE_KEY_MAX_LENGTH


@given(accounts())
def test_inv_l_running_totals_never_overlap_and_no_day_is_adjusted_twice(account):
    by_charge = defaultdict(list)
    keys = set()
    for line in rate_account(account).bills[0].lines:
        by_charge[line.line_type, line.subject].append(line.service_period)
        assert line.line_key not in keys
        keys.add(line.line_key)

    for periods in by_charge.values():
        for first, second in itertools.pairwise(sorted(periods, key=lambda one: one.start)):
            assert first.end <= second.start


@given(accounts())
def test_debits_are_above_zero_credits_below_and_bands_add_up_to_the_line(account):
    for line in rate_account(account).bills[0].lines:
        if line.line_type is LineType.COUNTER_ADJUSTMENT_DEBIT:
            assert line.subtotal >= 0
        if line.line_type is LineType.COUNTER_ADJUSTMENT_CREDIT:
            assert line.subtotal <= 0
        if line.band_usage:
            assert abs(sum(band.band_subtotal for band in line.band_usage) - line.subtotal) <= CENT


@given(ladders(), numbers, st.dictionaries(days_of_june, numbers, max_size=4), cents, flags)
def test_inv_j_advance_minimum_units_and_refund_make_the_larger_of_both(
    steps, before, changes, minimum, minimum_in_advance
):
    """One June with the running total in advance, on the bill of 1 June, and the rest on 1 July."""
    price = make_counter_pricing(bands=steps, cumulative=True)
    term = make_term(
        period=JUNE,
        minimum_spend=MinimumSpend(minimum, minimum_in_advance),
        counter_pricings=(replace(price, windows=(JUNE,)),),
    )
    ahead = replace(term, counter_pricings=(replace(price, coming=(JUNE,)),))
    account = account_of(
        make_bill(ahead, boundary=date(2024, 6, 1)),
        make_bill(term, boundary=JULY_1),
        held=[(date(2024, 5, 1), before), *sorted(changes.items())],
    )

    bills = rate_account(account).bills

    lines = [line for bill in bills for line in bill.lines]
    counted = sum(line.subtotal for line in lines if line.line_type.startswith("COUNTER"))
    assert sum(bill.total for bill in bills) == max(minimum, counted)
