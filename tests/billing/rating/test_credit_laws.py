"""Laws of draw-downs over random commitments, balances and usage (INV-A, INV-D to INV-G)."""

from __future__ import annotations

from datetime import UTC, date
from decimal import Decimal
from uuid import UUID

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.rating import coverage
from billing.rating.account_terms import Credit, CreditWindow
from billing.rating.accounts import AccountInput, Work
from billing.rating.book import Book
from billing.rating.drafts import plans_on_bill
from billing.rating.inputs import UsageWindow
from billing.rating.kinds import usage
from billing.rating.lines import LineType
from billing.rating.pipeline import rate_account
from billing.rating.recompute import recompute
from billing.rating.subjects import Subject, SubjectKind
from organizations.kernel.money import ZERO, working_precision
from organizations.kernel.periods import DayRange
from tests.billing.rating import making

MONTHS = [DayRange(date(2024, month, 1), date(2024, month + 1, 1)) for month in (1, 2, 3)]
TYPES = frozenset({"USAGE", "STANDING_CHARGE", "MINIMUM_SPEND"})
cents = st.integers(0, 40_000).map(lambda number: Decimal(number) / 100)


@st.composite
def credits(draw):
    kind = draw(st.sampled_from([SubjectKind.COMMITMENT, SubjectKind.BALANCE]))
    start = draw(st.integers(1, 80))
    end = draw(st.integers(start + 1, 92))
    first = date(2024, 1, 1).toordinal()
    period = DayRange(date.fromordinal(first + start - 1), date.fromordinal(first + end - 1))
    surcharge = draw(st.sampled_from([0, 0, 10, -5]))
    return Credit(
        subject=Subject(kind, UUID(int=draw(st.integers(1, 2**60)))),
        currency="USD",
        windows=(CreditWindow(period.to_period(UTC)),),
        line_types=TYPES,
        description="Drawn",
        surcharge_percent=Decimal(surcharge),
        surcharge_description="Surcharge",
        separates_overage=not surcharge and draw(st.booleans()),
    )


@st.composite
def situations(draw):
    """An account with three months of usage at tiered prices, and up to three credits."""
    given_credits = draw(st.lists(credits(), max_size=3, unique_by=lambda one: one.subject.id))
    bands = making.make_bands((0, draw(st.integers(0, 3)), 2), (50, 0, 1), (120, 5, "0.333"))
    over = making.make_bands((0, 0, 3), (60, 0, "1.5")) if draw(st.booleans()) else ()
    cuts = {
        instant
        for credit in given_credits
        for window in credit.windows
        for instant in (window.period.start, window.period.end)
    }
    pricing = making.make_pricing(bands=bands, cumulative=True, overage_bands=over)
    bills = []
    for month in MONTHS:
        period = month.to_period(UTC)
        inside = [piece.start for piece in period.split(cuts)[1:]]
        amounts = draw(
            st.lists(st.integers(0, 90), min_size=len(inside) + 1, max_size=len(inside) + 1)
        )
        known = tuple((cut, Decimal(sum(amounts[: place + 1]))) for place, cut in enumerate(inside))
        window = UsageWindow(period, Decimal(sum(amounts)), 1, cuts=known)
        bills.append((month, window))
    term = making.make_term()
    inputs = tuple(
        making.make_bill(
            msgspec.structs.replace(
                term, pricings=(msgspec.structs.replace(pricing, windows=(window,)),)
            ),
            boundary=month.end,
            account_id=UUID(int=1),
        )
        for month, window in bills
    )
    left = {credit.subject: draw(cents) for credit in given_credits}
    return AccountInput(inputs, Book((), left), credits=tuple(given_credits))


def drawn(bill, subject=None):
    return sum(
        (
            -line.subtotal
            for line in bill.lines
            if line.line_type in (LineType.COMMITMENT_CONSUMED, LineType.BALANCE_CONSUMED)
            and subject in (None, line.subject)
        ),
        ZERO,
    )


@settings(max_examples=150, deadline=None)
@given(situations())
def test_credits_pay_no_more_than_they_hold_and_no_more_than_is_charged(account):
    result = rate_account(account)

    for credit in account.credits:
        used = sum((drawn(bill, credit.subject) for bill in result.bills), ZERO)
        assert 0 <= used <= account.book.left(credit.subject)
        assert result.book.left(credit.subject) >= 0
    for bill in result.bills:
        charged = sum(
            (line.subtotal for line in bill.lines if line.line_type is LineType.USAGE), ZERO
        )
        assert drawn(bill) <= charged
        assert bill.total == sum((line.converted_subtotal for line in bill.lines), ZERO)
        for line in bill.lines:
            assert recompute(line.calculation) == (line.subtotal, line.converted_subtotal)


@settings(max_examples=75, deadline=None)
@given(situations())
def test_bills_made_one_by_one_or_twice_are_the_same_as_all_at_once(account):
    together = rate_account(account)

    assert rate_account(account).bills == together.bills
    book, alone = account.book, []
    for bill in account.bills:
        result = rate_account(msgspec.structs.replace(account, bills=(bill,), book=book))
        alone += result.bills
        book = book.after(bill, result.bills[0])
    assert tuple(alone) == together.bills


@settings(max_examples=150, deadline=None)
@given(situations())
def test_the_pieces_of_a_line_add_up_to_it_wherever_it_is_cut(account):
    """INV-G."""
    for bill in account.bills:
        with working_precision():
            work = usage.step(Work(bill, account, account.book, plans_on_bill(bill)))
            for claim in coverage.claims(work, account.credits):
                assert sum((piece.amount for piece in claim.pieces), ZERO) == claim.draft.subtotal


@settings(max_examples=75, deadline=None)
@given(situations())
def test_without_surcharge_and_overage_prices_a_credit_changes_no_price(account):
    """What is charged before credits stays the same, whatever is paid and set apart."""
    plain = tuple(
        msgspec.structs.replace(credit, surcharge_percent=ZERO) for credit in account.credits
    )
    bills = tuple(
        msgspec.structs.replace(
            bill,
            account_plans=tuple(
                msgspec.structs.replace(
                    term,
                    pricings=tuple(
                        msgspec.structs.replace(one, overage_bands=()) for one in term.pricings
                    ),
                )
                for term in bill.account_plans
            ),
        )
        for bill in account.bills
    )
    paid = rate_account(msgspec.structs.replace(account, bills=bills, credits=plain))
    unpaid = rate_account(msgspec.structs.replace(account, bills=bills, credits=()))

    for one, other in zip(paid.bills, unpaid.bills, strict=True):
        assert one.total + drawn(one) == other.total
