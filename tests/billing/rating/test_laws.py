"""The invariants of billing.md 18.1 that the pure engine must keep, as Hypothesis properties."""

from __future__ import annotations

import copy
import itertools
import json
from collections import defaultdict
from datetime import UTC, date, timedelta
from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.rating import bands
from billing.rating.cycles import CYCLIC, BillFrequency, BillKey, Cycle
from billing.rating.inputs import (
    MinimumSpend,
    PricingTerm,
    RatingInput,
    StandingCharge,
    UsageWindow,
)
from billing.rating.lines import LINE_KEY_MAX_LENGTH, LineType, RatedBill, RatedLine
from billing.rating.pipeline import rate
from billing.rating.recompute import explain_record, recompute
from billing.rating.schedule import PlanSchedule, PricingCandidate, coming_windows, usage_windows
from organizations.kernel.money import ConversionRate, Currency, working_precision
from organizations.kernel.periods import DayRange, Period, local_midnight
from tests.billing.rating.making import (
    JULY_1,
    JUNE,
    book_of,
    make_bands,
    make_bill,
    make_pricing,
    make_term,
)

CENT = Decimal("0.01")

quantities = st.decimals(min_value=0, max_value=100_000, places=3)
signed_quantities = st.decimals(min_value=-1000, max_value=100_000, places=3)
prices = st.decimals(min_value=0, max_value=50, places=4)
cents = st.decimals(min_value=Decimal("0.01"), max_value=10_000, places=2)


@st.composite
def ladders(draw):
    """One to five bands, the lowest at 0, in ascending order."""
    limits = draw(st.sets(st.integers(min_value=1, max_value=1000), max_size=4))
    return bands.ladder(
        make_bands(*((limit, draw(prices), draw(prices)) for limit in [0, *sorted(limits)]))
    )


# Bands ------------------------------------------------------------------------------------------


def charge(units, steps, **how):
    with working_precision():
        return bands.charge(bands.split(units, steps, **how))


@given(quantities, ladders(), st.booleans())
def test_splitting_over_bands_neither_loses_nor_invents_units(units, steps, cumulative):
    portions = bands.split(units, steps, cumulative=cumulative)

    assert sum(portion[1] for portion in portions) == units


@given(quantities, ladders(), st.booleans(), st.randoms())
def test_the_order_in_which_bands_are_stored_is_irrelevant(units, steps, cumulative, random):
    shuffled = list(steps)
    random.shuffle(shuffled)

    assert charge(units, bands.ladder(tuple(shuffled)), cumulative=cumulative) == charge(
        units, steps, cumulative=cumulative
    )


@given(quantities, quantities, ladders())
def test_more_units_never_cost_less_in_tiers(first, second, steps):
    fewer, more = sorted((first, second))

    assert charge(fewer, steps, cumulative=True) <= charge(more, steps, cumulative=True)


@given(quantities, prices, prices)
def test_with_one_band_tiers_and_volume_agree(units, fixed_price, unit_price):
    steps = bands.ladder(make_bands((0, fixed_price, unit_price)))

    assert charge(units, steps, cumulative=True) == charge(units, steps, cumulative=False)


@given(quantities, quantities, ladders())
def test_inv_g_units_charged_in_two_steps_cost_what_they_cost_at_once(first, second, steps):
    assume(first > 0)
    at_once = charge(first + second, steps, cumulative=True)

    in_steps = charge(first, steps, cumulative=True) + charge(
        second, steps, cumulative=True, spans_plan=True, before=first
    )

    assert in_steps == at_once


@given(st.lists(signed_quantities, min_size=1, max_size=6), ladders())
def test_tiers_that_span_the_plan_add_up_to_the_charge_of_all_periods(periods, steps):
    before = Decimal(0)
    paid = Decimal(0)
    for units in periods:
        paid += charge(units, steps, cumulative=True, spans_plan=True, before=before)
        before += units

    total = charge(before, steps, cumulative=True) if before else Decimal(0)
    assert paid == total


# Bills ------------------------------------------------------------------------------------------

days = st.integers(min_value=0, max_value=120).map(lambda n: date(2024, 4, 1) + timedelta(days=n))
cycles = st.one_of(
    st.builds(
        Cycle,
        st.sampled_from(CYCLIC),
        st.integers(min_value=1, max_value=3),
        st.sampled_from([date(2022, 1, 1), date(2022, 1, 31), date(2024, 5, 15)]),
    )
)
flags = st.booleans()


@st.composite
def pricings(draw, inside: DayRange, schedule: PlanSchedule, boundary: date):
    """A price that may change once inside the range, with usage in each of its windows."""
    change = local_midnight(draw(st.dates(inside.start, inside.end)), UTC)
    first = make_pricing()
    second = make_pricing(aggregation=first.aggregation)
    candidates = [
        PricingCandidate(
            first.id, first.aggregation.id, (), True, Period(change - timedelta(days=400), change)
        ),
        PricingCandidate(second.id, first.aggregation.id, (), draw(flags), Period(change)),
    ]
    minimum = draw(st.none() | st.builds(MinimumSpend, cents, flags))
    rated = usage_windows(candidates, schedule, boundary)
    coming = coming_windows(candidates, schedule, boundary)
    return [
        replace(
            pricing,
            bands=draw(ladders()),
            cumulative=draw(flags),
            minimum_spend=minimum,
            windows=tuple(
                UsageWindow(window.period, draw(st.none() | quantities))
                for window in rated
                if window.pricing_id == pricing.id
            ),
            coming=tuple(window.period for window in coming if window.pricing_id == pricing.id),
        )
        for pricing in (first, second)
    ]


@st.composite
def bills(draw) -> RatingInput:
    cycle = draw(cycles)
    number = max(0, cycle.number_after(date(2024, 6, 10)))
    boundary = cycle.boundary(number)
    nominal = DayRange(cycle.boundary(number - 1), boundary)
    terms = []
    for _ in range(draw(st.integers(min_value=1, max_value=2))):
        start, end = sorted((draw(days), draw(days)))
        period = Period(
            local_midnight(start, UTC),
            draw(st.sampled_from([None, local_midnight(end + timedelta(days=1), UTC)])),
        )
        schedule = PlanSchedule(cycle, period, UTC)
        terms.append(
            make_term(
                cycle=cycle,
                period=period,
                currency=draw(st.sampled_from(["USD", "EUR", "JPY"])),
                standing_charge=draw(
                    st.none()
                    | st.builds(
                        StandingCharge,
                        cents,
                        flags,
                        st.integers(min_value=1, max_value=3),
                        st.integers(min_value=0, max_value=2),
                    )
                ),
                minimum_spend=draw(st.none() | st.builds(MinimumSpend, cents, flags)),
                pricings=tuple(draw(pricings(nominal, schedule, boundary))),
            )
        )
    return make_bill(
        *terms,
        boundary=boundary,
        currencies={"JPY": Currency("JPY", 0), "EUR": Currency("EUR", 3)},
        conversion_rates=(
            ConversionRate("EUR", "USD", Decimal("1.085")),
            ConversionRate("JPY", "USD", Decimal("0.00651")),
        ),
    )


@given(bills())
def test_inv_a_the_total_is_the_plain_sum_of_the_lines(bill):
    rated = rate(bill)

    assert rated.total == sum(line.converted_subtotal for line in rated.lines)


@given(bills())
def test_inv_b_the_same_inputs_give_the_same_bill(bill):
    assert rate(copy.deepcopy(bill)) == rate(bill)


@given(bills())
def test_inv_b_the_order_in_which_plans_and_prices_are_read_is_irrelevant(bill):
    reversed_terms = tuple(
        replace(term, pricings=term.pricings[::-1]) for term in bill.account_plans[::-1]
    )

    assert rate(replace(bill, account_plans=reversed_terms)) == rate(bill)


@given(bills())
def test_line_keys_are_unique_and_fit_their_column(bill):
    keys = [line.line_key for line in rate(bill).lines]

    assert len(set(keys)) == len(keys)
    assert all(len(key) <= LINE_KEY_MAX_LENGTH for key in keys)


@given(bills(), signed_quantities)
def test_inv_c_a_bill_is_a_value_that_nothing_later_can_change(bill, quantity):
    rated = rate(bill)
    before = copy.deepcopy(rated)

    other = make_bill(make_term(pricings=(make_pricing(quantity),)))
    rate(other)
    rate(bill)

    assert rated == before


@given(bills())
def test_inv_c_every_line_can_be_recomputed_from_its_stored_record_alone(bill):
    for line in rate(bill).lines:
        stored = json.loads(json.dumps(line.calculation))

        assert recompute(stored) == (line.subtotal, line.converted_subtotal)
        assert explain_record(stored).sentence


@given(bills())
def test_inv_l_service_periods_of_one_charge_never_overlap(bill):
    by_charge = defaultdict(list)
    for line in rate(bill).lines:
        refund = line.line_type is LineType.MINIMUM_SPEND_REFUND
        charged = LineType.MINIMUM_SPEND if refund else line.line_type
        by_charge[charged, line.account_plan_id, line.pricing_id, line.segment].append(
            line.service_period
        )

    for periods in by_charge.values():
        ordered = sorted(periods, key=lambda period: period.start)
        for first, second in itertools.pairwise(ordered):
            assert first.end <= second.start


@given(bills())
def test_inv_l_one_quantity_is_never_rated_by_two_prices_at_once(bill):
    for term in bill.account_plans:
        by_aggregation = defaultdict(list)
        for pricing in term.pricings:
            by_aggregation[pricing.aggregation.id, pricing.segment] += [
                window.period for window in pricing.windows
            ]
        for periods in by_aggregation.values():
            for position, period in enumerate(periods):
                assert not any(period.overlaps(other) for other in periods[position + 1 :])


@given(bills())
def test_inv_n_without_credits_and_corrections_no_line_is_negative(bill):
    for line in rate(bill).lines:
        assert line.subtotal >= 0
        assert line.converted_subtotal >= 0
        assert all(band.band_subtotal >= 0 for band in line.band_usage)


@given(cents, st.integers(min_value=1, max_value=29))
def test_inv_h_replacing_a_plan_by_its_like_leaves_the_standing_charge(amount, day):
    charge_terms = StandingCharge(amount)
    swap = local_midnight(date(2024, 6, 1 + day), UTC)
    whole = make_term(standing_charge=charge_terms)
    old = replace(whole, period=Period(whole.period.start, swap))
    new = make_term(standing_charge=charge_terms, period=Period(swap))

    unchanged = rate(make_bill(whole)).total
    replaced = rate(make_bill(old, new)).total

    assert abs(replaced - unchanged) <= CENT


@given(cents, quantities, prices)
def test_inv_j_advance_minimum_usage_and_refund_make_the_larger_of_both(minimum, units, price):
    """One full June: the advance stands on the bill of 1 June, the rest on that of 1 July."""
    term = make_term(
        period=JUNE,
        minimum_spend=MinimumSpend(minimum, in_advance=True),
        pricings=(make_pricing(units, bands=make_bands((0, 0, price))),),
    )
    before = replace(term, pricings=())

    advance = rate(make_bill(before, boundary=date(2024, 6, 1)))
    settled = rate(make_bill(term), book_of(advance))

    assert advance.total == minimum
    assert advance.total + settled.total == max(minimum, usage_on(settled))


@given(cents, cents, quantities, quantities, flags, flags)
def test_inv_j_holds_for_nested_minimums_in_any_mixture_of_advance_and_arrears(
    inner, outer, first, second, inner_in_advance, outer_in_advance
):
    reads = make_pricing(first, minimum_spend=MinimumSpend(inner, inner_in_advance))
    writes = make_pricing(second)
    term = make_term(
        period=JUNE, minimum_spend=MinimumSpend(outer, outer_in_advance), pricings=(reads, writes)
    )
    ahead = replace(term, pricings=(replace(reads, windows=(), coming=(JUNE,)),))

    advance = rate(make_bill(ahead, boundary=date(2024, 6, 1)))
    settled = rate(make_bill(term), book_of(advance))

    reads_used, writes_used = (
        next((line.subtotal for line in settled.lines if is_usage_of(line, pricing)), Decimal(0))
        for pricing in (reads, writes)
    )
    assert advance.total + settled.total == max(outer, max(inner, reads_used) + writes_used)


@given(cents, quantities, prices)
def test_inv_j_holds_whichever_of_the_two_bills_is_made_first(minimum, units, price):
    """The bill of 1 July is made first, without an advance; then that of 1 June, twice."""
    term = make_term(
        period=JUNE,
        minimum_spend=MinimumSpend(minimum, in_advance=True),
        pricings=(make_pricing(units, bands=make_bands((0, 0, price))),),
    )
    before = replace(term, pricings=())

    settled = rate(make_bill(term))
    late = make_bill(before, boundary=date(2024, 6, 1))

    assert rate(late, book_of(settled)).total + settled.total == max(minimum, usage_on(settled))
    # The other way round nothing is taken back: what was billed in advance stays on its bill.
    advance = rate(make_bill(before, boundary=date(2024, 6, 1)))
    refunded = rate(make_bill(term), book_of(advance))
    assert rate(late, book_of(refunded)).total == advance.total == minimum


def is_usage_of(line: RatedLine, pricing: PricingTerm) -> bool:
    return line.line_type is LineType.USAGE and line.pricing_id == pricing.id


def usage_on(bill: RatedBill) -> Decimal:
    return sum(
        (line.subtotal for line in bill.lines if line.line_type is LineType.USAGE), Decimal(0)
    )


# Cycles -----------------------------------------------------------------------------------------

wide_cycles = st.builds(
    Cycle,
    st.sampled_from(CYCLIC),
    st.integers(min_value=1, max_value=365),
    st.dates(date(2000, 1, 1), date(2060, 1, 1)),
)


@given(wide_cycles, st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_the_boundary_after_a_day_is_the_first_one_after_it(cycle, day):
    number = cycle.number_after(day)
    assume(cycle.frequency is not BillFrequency.ANNUALLY or cycle.interval < 100)

    assert cycle.boundary(number - 1) <= day < cycle.boundary(number)


@given(cycles, days, days)
def test_every_day_of_a_plan_is_in_exactly_one_of_its_billing_periods(cycle, first, second):
    start, end = sorted((first, second))
    assume(start < end)
    schedule = PlanSchedule(
        cycle, Period(local_midnight(start, UTC), local_midnight(end, UTC)), UTC
    )
    number = max(0, cycle.number_after(start))
    boundaries = [cycle.boundary(number)]
    while boundaries[-1] < end:
        number += 1
        boundaries.append(cycle.boundary(number))

    periods = [schedule.ending(boundary) for boundary in boundaries]

    assert [period.number for period in periods] == list(range(len(periods)))
    assert periods[0].active.start == start
    assert periods[-1].active.end == end
    for one, other in itertools.pairwise(periods):
        assert one.active.end == other.active.start
        assert schedule.starting(one.closes) == other


@given(cycles, days, days)
def test_the_shares_of_a_charge_cover_its_days_once(cycle, first, second):
    start, end = sorted((first, second))
    assume(start < end)
    schedule = PlanSchedule(cycle, Period(local_midnight(start, UTC)), UTC)

    shares = schedule.shares(DayRange(start, end))

    assert sum(share.active_days for share in shares) == (end - start).days
    assert all(0 < share.active_days <= share.nominal_days for share in shares)


def test_the_key_of_the_bill_is_the_one_asked_for():
    assert rate(make_bill(make_term())).key == BillKey(BillFrequency.MONTHLY, 1, JULY_1)
