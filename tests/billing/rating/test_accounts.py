"""An account is rated: bills in order, each with the book as those before it left it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from unittest import mock
from uuid import uuid4

import pytest
from msgspec.structs import replace

from billing.rating import kinds
from billing.rating.accounts import AccountInput
from billing.rating.book import Book, charges_of
from billing.rating.doubles import AlreadyBilled, refuse_doubles
from billing.rating.drafts import Draft
from billing.rating.inputs import MinimumSpend, Product, StandingCharge
from billing.rating.kinds.kind import LineKind, RecordKind, Twice
from billing.rating.lines import LineType
from billing.rating.movements import Movement
from billing.rating.pipeline import rate, rate_account
from billing.rating.subjects import Attribution, Subject, SubjectKind
from organizations.kernel.money import ConversionRate, Currency
from tests.billing.rating.making import JUNE, between, make_bill, make_pricing, make_term

JUNE_1, AUGUST_1 = date(2024, 6, 1), date(2024, 8, 1)
PREPAYMENT = Subject(SubjectKind.COMMITMENT, uuid4())
FEES = RecordKind("fees", lambda facts: Decimal(0), lambda facts: ("", []), lambda told: "")


def make_draft(work, amount, subject, line_type=LineType.COMMITMENT_FEE, **fields) -> Draft:
    return Draft(
        **{
            "line_type": line_type,
            "subject": subject,
            "attribution": Attribution(work.bill.account_id),
            "currency": work.currency("USD"),
            "description": "Prepayment Fee",
            "subtotal": Decimal(amount),
            "service_period": JUNE,
            "facts": {"kind": "fees"},
        }
        | fields
    )


def with_step(step, *line_types, twice=Twice.AT_ONE_TIME):
    """Have one more kind of line, rated last."""
    kind = LineKind("fees", step, line_types, (FEES,), twice)
    return mock.patch.object(kinds, "KINDS", (*kinds.KINDS, kind))


def test_bills_are_rated_in_order_of_boundary_whatever_their_order_is():
    # The advance of the bill of 1 June is refunded on that of 1 July, if June's was first.
    term = make_term(
        period=JUNE, minimum_spend=MinimumSpend(Decimal(100), in_advance=True), pricings=()
    )
    used = replace(term, pricings=(make_pricing(40),))
    first, second = make_bill(term, boundary=JUNE_1), make_bill(used)

    result = rate_account(AccountInput((second, first)))

    assert [bill.key.boundary for bill in result.bills] == [JUNE_1, date(2024, 7, 1)]
    # 100 in advance; 40 used and given back.
    assert [[line.subtotal for line in bill.lines] for bill in result.bills] == [[100], [40, -40]]


def test_what_one_bill_draws_is_not_left_for_the_next():
    def draw(work):
        amount = min(Decimal(60), work.left(PREPAYMENT))
        if not amount:
            return work
        moved = (Movement("drawn", PREPAYMENT, amount),)
        line_type = LineType.COMMITMENT_CONSUMED
        return work.plus([make_draft(work, -amount, PREPAYMENT, line_type, movements=moved)])

    term = make_term(standing_charge=StandingCharge(Decimal(70)))
    bills = (make_bill(term), make_bill(term, boundary=AUGUST_1), make_bill(boundary=JUNE_1))
    with with_step(draw, LineType.COMMITMENT_CONSUMED, twice=Twice.NEVER):
        result = rate_account(AccountInput(bills, Book(credits={PREPAYMENT: Decimal(100)})))

    assert [movement.amount for movement in result.movements] == [60, 40]
    assert [bill.total for bill in result.bills] == [-60, 30, 70]


def test_a_step_may_change_the_lines_of_those_before_it():
    def halve(work):
        return work.with_drafts(
            replace(draft, subtotal=draft.subtotal / 2) for draft in work.drafts
        )

    term = make_term(standing_charge=StandingCharge(Decimal(70)))
    with with_step(halve):
        assert rate(make_bill(term)).total == 35


def test_every_step_can_convert():
    seen = []

    def convert(work):
        seen.append(work.converted(Decimal(10), Currency("GBP"), Currency("USD")))
        return work

    with with_step(convert):
        rate(make_bill(conversion_rates=(ConversionRate("GBP", "USD", Decimal("1.255")),)))

    assert seen == [Decimal("12.55")]


def test_the_fees_of_two_prepayments_are_two_charges_and_one_fee_twice_is_refused():
    other = Subject(SubjectKind.COMMITMENT, uuid4())
    bill = make_bill()

    def rated(*subjects):
        with with_step(lambda work: work.plus(make_draft(work, 5, one) for one in subjects)):
            return rate(bill)

    both = rated(PREPAYMENT, other)

    assert [line.subtotal for line in both.lines] == [5, 5]
    refuse_doubles(rated(other), charges_of(rated(PREPAYMENT)), {})
    with pytest.raises(AlreadyBilled):
        refuse_doubles(both, charges_of(rated(other)), {})


def test_a_charge_is_refused_on_a_second_bill_whatever_its_service_period():
    charge = Subject(SubjectKind.CHARGE, uuid4())
    bill = make_bill()

    def rated(period):
        def step(work):
            return work.plus([make_draft(work, 5, charge, LineType.AD_HOC, service_period=period)])

        with with_step(step, LineType.AD_HOC, twice=Twice.EVER):
            return rate(bill)

    def again(rule):
        with with_step(lambda work: work, LineType.AD_HOC, twice=rule):
            refuse_doubles(rated(JUNE), charges_of(rated(between("2024-01-01", "2024-02-01"))), {})

    again(Twice.AT_ONE_TIME)
    with pytest.raises(AlreadyBilled):
        again(Twice.EVER)


def test_fees_and_memos_stand_below_the_products():
    def fee(work):
        last = Attribution(work.bill.account_id, product=Product(uuid4(), "Almonds", "almonds"))
        return work.plus([make_draft(work, 5, PREPAYMENT, attribution=last)])

    with with_step(fee):
        lines = rate(make_bill(make_term(standing_charge=StandingCharge(Decimal(70))))).lines

    assert [line.line_type for line in lines] == [
        LineType.STANDING_CHARGE, LineType.COMMITMENT_FEE
    ]  # fmt: skip
