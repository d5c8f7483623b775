"""The invariants of billing.md 18.1 with plan groups, as Hypothesis properties."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.rating.accounts import AccountInput
from billing.rating.inputs import (
    GroupMember,
    MinimumSpend,
    PlanGroup,
    PricingType,
    Product,
    StandingCharge,
)
from billing.rating.pipeline import rate_account
from billing.rating.recompute import explain_record, recompute
from tests.billing.rating.making import JULY_1, JUNE, make_bands, make_bill, make_pricing, make_term

cents = st.decimals(min_value=Decimal("0.01"), max_value=500, places=2)
quantities = st.decimals(min_value=0, max_value=500, places=2)
minimums = st.none() | st.builds(MinimumSpend, cents, st.booleans())


@st.composite
def groups(draw):
    """Two or three plans of one group, for June only, and the group's own term."""
    attached, group_id = uuid4(), uuid4()
    plans = [
        make_term(
            id=attached,
            plan_group_id=group_id,
            period=JUNE,
            product=Product(uuid4(), name, name),
            minimum_spend=draw(minimums),
            standing_charge=draw(st.none() | st.builds(StandingCharge, cents, st.booleans())),
            pricings=(
                make_pricing(draw(quantities)),
                make_pricing(
                    draw(st.none() | quantities),
                    type=draw(st.sampled_from(PricingType)),
                    bands=make_bands((0, 0, draw(cents))),
                ),
            ),
        )
        for name in ("a", "b", "c")[: draw(st.integers(2, 3))]
    ]
    members = tuple(GroupMember(plan.plan_id, "USD") for plan in plans)
    own = make_term(
        id=attached,
        plan_id=None,
        plan_template_id=None,
        product=None,
        period=JUNE,
        plan_group_id=group_id,
        minimum_spend=draw(minimums),
        standing_charge=draw(st.none() | st.builds(StandingCharge, cents, st.booleans())),
        group=PlanGroup(group_id, "Suite", members),
    )
    return [*plans, own]


def bills_of(terms):
    """The bill of 1 June, with what is in advance, and that of 1 July."""
    ahead = [replace(term, pricings=()) for term in terms]
    return AccountInput(
        (make_bill(*ahead, boundary=date(2024, 6, 1)), make_bill(*terms, boundary=JULY_1))
    )


def is_minimum(line):
    return line.line_type.startswith("MINIMUM_SPEND")


@given(groups())
def test_inv_j_the_levels_make_the_larger_of_each_minimum_and_what_is_inside(terms):
    lines = [line for bill in rate_account(bills_of(terms)).bills for line in bill.lines]

    inside = Decimal(0)
    for term in terms[:-1]:
        of_plan = [line for line in lines if line.plan_id == term.plan_id]
        used = sum(line.subtotal for line in of_plan if line.line_type.startswith("USAGE"))
        asked = term.minimum_spend.amount if term.minimum_spend else used
        with_minimum = sum(line.subtotal for line in of_plan if is_minimum(line)) + used
        assert with_minimum == max(asked, used)
        inside += with_minimum
    of_group = [line for line in lines if line.plan_id is None and is_minimum(line)]
    asked = terms[-1].minimum_spend.amount if terms[-1].minimum_spend else inside
    assert inside + sum(line.subtotal for line in of_group) == max(asked, inside)


@given(groups())
def test_inv_a_b_and_c_hold_for_every_line_of_a_group(terms):
    bills = rate_account(bills_of(terms)).bills

    for bill in bills:
        assert bill.total == sum(line.converted_subtotal for line in bill.lines)
        assert len({line.line_key for line in bill.lines}) == len(bill.lines)
        for line in bill.lines:
            stored = json.loads(json.dumps(line.calculation))
            assert recompute(stored) == (line.subtotal, line.converted_subtotal)
            assert explain_record(stored).sentence
            assert line.plan_group_id == terms[-1].plan_group_id
