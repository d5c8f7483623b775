"""INV-I as a law: however a family is billed, it pays what one block costs, to the last cent."""

from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from billing.rating.families import pool
from billing.rating.inputs import ChildBilling, FamilyRole, UsageWindow
from billing.rating.pipeline import rate
from billing.rating.recompute import explain_record, recompute
from organizations.kernel.money import Currency
from tests.billing.rating.making import JUNE, make_bands, make_bill, make_pricing, make_term

PARENT, *CHILDREN = [UUID(int=number) for number in range(1, 8)]
used = st.lists(
    st.decimals(min_value=0, max_value=10_000, places=3, allow_nan=False), min_size=1, max_size=7
)
prices = st.lists(
    st.tuples(
        st.integers(0, 50),  # fixed
        st.decimals(min_value=0, max_value=3, places=4, allow_nan=False),
    ),
    min_size=1,
    max_size=4,
)
currencies = st.sampled_from([Currency("USD"), Currency("JPY", 0), Currency("KWD", 3)])


def bill_of(account_id, quantities, ladder, currency, *, mode, share_of=None, is_cumulative=True):
    """The bill of an account that carries a plan of the parent for the whole family."""
    members = zip([PARENT, *CHILDREN], quantities, strict=False)
    shared = pool((one, f"account-{one.int}", quantity) for one, quantity in members)
    window = UsageWindow(
        JUNE, sum(quantities, Decimal(0)), 1,
        pool=None if mode is ChildBilling.SUMMARY else shared,
    )  # fmt: skip
    bands = make_bands(*((at * 700, *price) for at, price in enumerate(ladder)))
    pricing = make_pricing(bands=bands, cumulative=is_cumulative, windows=(window,))
    term = make_term(
        account_id=PARENT, account_code="account-1", pricings=(pricing,), currency=currency.code,
        family=FamilyRole(mode, share_of=share_of),
    )  # fmt: skip
    return make_bill(
        term, account_id=account_id, bill_currency=currency, currencies={currency.code: currency}
    )


def rated(*arguments, **options):
    made = rate(bill_of(*arguments, **options))
    for line in made.lines:
        assert recompute(line.calculation) == (line.subtotal, line.converted_subtotal)
        assert explain_record(line.calculation).sentence
    return made


@given(used, prices, currencies, st.booleans())
def test_lines_of_accounts_add_up_to_the_block(quantities, ladder, currency, is_cumulative):
    given_to = (PARENT, quantities, ladder, currency)

    whole = rated(*given_to, mode=ChildBilling.SUMMARY, is_cumulative=is_cumulative)
    apart = rated(*given_to, mode=ChildBilling.BREAKDOWN, is_cumulative=is_cumulative)

    assert apart.total == whole.total
    for measure in ("units", "quantity"):
        assert sum(getattr(line, measure) for line in apart.lines) == sum(
            getattr(line, measure) for line in whole.lines
        )
    assert len({line.line_key for line in apart.lines}) == len(apart.lines)


@given(used, prices, currencies)
def test_bills_of_children_add_up_to_the_block(quantities, ladder, currency):
    whole = rated(PARENT, quantities, ladder, currency, mode=ChildBilling.SUMMARY)

    bills = [
        rated(
            account_id, quantities, ladder, currency, mode=ChildBilling.CHILD,
            share_of=None if account_id == PARENT else account_id,
        )
        for account_id in [PARENT, *CHILDREN]
    ]  # fmt: skip

    assert sum(bill.total for bill in bills) == whole.total
    assert all(len(bill.lines) <= 1 for bill in bills)


def test_where_somebody_took_usage_back_the_parent_has_the_whole():
    """Units of -5 cannot share 95.00; nothing is lost."""
    quantities = [Decimal(100), Decimal(-5)]
    ladder = [(0, Decimal(1))]

    apart = rated(PARENT, quantities, ladder, Currency("USD"), mode=ChildBilling.BREAKDOWN)

    [line] = apart.lines
    assert (line.subtotal, line.attribution.child_account_id) == (95, None)
    given = bill_of(PARENT, quantities, ladder, Currency("USD"), mode=ChildBilling.CHILD)
    assert rate(given).total == 95
