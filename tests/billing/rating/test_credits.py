"""Credits by pricing type as properties (INV-F): a scope is never pushed below zero."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.rating.inputs import MinimumSpend, PricingType, StandingCharge, UsageWindow
from billing.rating.lines import LineType
from billing.rating.pipeline import rate
from billing.rating.recompute import explain_record, recompute
from tests.billing.rating.making import (
    between,
    book_of,
    make_aggregation,
    make_bands,
    make_bill,
    make_pricing,
)
from tests.billing.rating.making import make_term as make_plan

cents = st.decimals(min_value=Decimal("0.01"), max_value=1000, places=2)
types = st.sampled_from([PricingType.DEBIT, PricingType.PRODUCT_CREDIT, PricingType.GLOBAL_CREDIT])


@st.composite
def pricings(draw):
    return make_pricing(
        draw(st.none() | st.decimals(min_value=0, max_value=1000, places=1)),
        type=draw(types),
        aggregation=make_aggregation(),
        bands=make_bands((0, draw(cents), draw(cents)), (100, 0, draw(cents))),
        cumulative=draw(st.booleans()),
        minimum_spend=draw(st.none() | st.builds(MinimumSpend, cents)),
    )


@st.composite
def plans(draw):
    return make_plan(
        standing_charge=draw(st.none() | st.builds(StandingCharge, cents)),
        minimum_spend=draw(st.none() | st.builds(MinimumSpend, cents)),
        pricings=tuple(draw(st.lists(pricings(), max_size=4))),
    )


@given(st.lists(plans(), min_size=1, max_size=3))
def test_inv_f_credits_never_push_their_product_or_the_bill_below_zero(terms):
    bill = rate(make_bill(*terms))

    assert bill.total >= 0
    for term in terms:
        lines = [line for line in bill.lines if line.product_id == term.product.id]
        own = sum(line.subtotal for line in lines if line.line_type is not LineType.USAGE_CREDIT)
        credits = [line for line in lines if line.line_type is LineType.USAGE_CREDIT]
        of_product = {one.id for one in term.pricings if one.type is PricingType.PRODUCT_CREDIT}
        given_back = sum(line.subtotal for line in credits if line.pricing_id in of_product)
        assert own + given_back >= 0
        assert all(line.subtotal <= 0 for line in credits)


@given(st.lists(plans(), min_size=1, max_size=2))
def test_every_credit_can_be_recomputed_from_its_stored_record_alone(terms):
    for line in rate(make_bill(*terms)).lines:
        stored = json.loads(json.dumps(line.calculation))

        assert recompute(stored) == (line.subtotal, line.converted_subtotal)
        assert explain_record(stored).sentence


@given(st.lists(plans(), min_size=1, max_size=2))
def test_a_credit_gives_back_all_that_was_asked_unless_its_cap_is_reached(terms):
    for line in rate(make_bill(*terms)).lines:
        if line.line_type is LineType.USAGE_CREDIT and "given" in line.calculation:
            assert Decimal(line.calculation["given"]) == Decimal(line.calculation["cap"])


# A price that gives credit, with a minimum spend of 50: in total max(50, charges), and what is
# given back is a charge below zero, so it is 50 with usage and without (MIN-2, MIN-10).
@pytest.mark.parametrize("kind", [PricingType.PRODUCT_CREDIT, PricingType.GLOBAL_CREDIT])
@pytest.mark.parametrize(
    ("quantity", "lines"),
    [
        (None, [("MINIMUM_SPEND", 50)]),
        (0, [("MINIMUM_SPEND", 50)]),
        (30, [("USAGE_CREDIT", -30), ("MINIMUM_SPEND", 80)]),
        # No more is given back than is charged besides: the 50 of the minimum itself.
        (90, [("USAGE_CREDIT", -50), ("MINIMUM_SPEND", 100)]),
    ],
)
def test_a_minimum_spend_of_a_credit_is_owed_once_with_usage_and_without(kind, quantity, lines):
    term = make_plan(
        pricings=(make_pricing(quantity, type=kind, minimum_spend=MinimumSpend(Decimal(50))),)
    )

    bill = rate(make_bill(term))

    found = {(line.line_type.value, line.subtotal) for line in bill.lines}
    assert found == {(line_type, Decimal(amount)) for line_type, amount in lines}
    assert bill.total == 50


@pytest.mark.parametrize("quantity", [None, 0, 30])
def test_an_advance_minimum_of_a_credit_comes_to_the_minimum_with_usage_and_without(quantity):
    minimum = MinimumSpend(Decimal(50), in_advance=True)
    june, july = between("2024-06-01", "2024-07-01"), between("2024-07-01", "2024-08-01")
    pricing = make_pricing(
        type=PricingType.PRODUCT_CREDIT, minimum_spend=minimum, windows=(), coming=(june,)
    )
    term = make_plan(pricings=(pricing,))
    before = rate(make_bill(term, boundary=date(2024, 6, 1)))
    number = None if quantity is None else Decimal(quantity)
    used = replace(pricing, windows=(UsageWindow(june, number),), coming=(july,))

    bill = rate(make_bill(replace(term, pricings=(used,))), book_of(before))

    assert before.total == 50
    # What concerns June: nothing given back of its advance; a credit is made up for in full.
    of_june = [line.subtotal for line in bill.lines if line.service_period == june]
    assert sum(of_june) == 0
    # July's advance.
    assert bill.total == 50
