"""A balance is the sum of its ledger, whoever writes to it, how and how many at once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from billing import ledger
from billing.models import Balance, BalanceTransaction
from billing.rating.ledger_sums import BalanceTerms, LedgerEntry, summary, usable, usable_after_end
from organizations.kernel import changes, principals
from organizations.kernel.errors import DomainError
from tests.billing.bills.test_concurrency import at_once
from tests.factories import make_account, make_organization, number

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


def make_balance(account, **overrides):
    fields = {
        "name": "Credit", "code": f"credit-{number()}", "currency": "USD",
        "start_date": START, "end_date": END,
    }  # fmt: skip
    return Balance.objects.create(
        organization_id=account.organization_id, account=account, **{**fields, **overrides}
    )


def post(balance, amount, **more):
    row = BalanceTransaction(
        organization_id=balance.organization_id,
        balance=balance,
        amount=Decimal(str(amount)),
        **more,
    )
    return ledger.post(row, by=principals.system(balance.organization_id))


def amount_of(balance):
    return Balance.objects.get(pk=balance.pk).amount


@pytest.mark.django_db
def test_credits_and_debits_add_up():
    balance = make_balance(make_account(make_organization()))

    for amount in ("100", "-30.25", "0.000000000000000001"):
        post(balance, amount)

    assert amount_of(balance) == Decimal("69.750000000000000001")
    assert ledger.wrong_amounts() == {}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "break_it",
    [
        "UPDATE billing_balance SET amount = amount + 1",
        "UPDATE billing_balancetransaction SET amount = 1",
        "DELETE FROM billing_balancetransaction",
    ],
)
def test_the_database_refuses_to_part_the_amount_from_the_sum(break_it):
    balance = make_balance(make_account(make_organization()))
    post(balance, 100)

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(break_it)

    assert amount_of(balance) == 100 and ledger.wrong_amounts() == {}


@pytest.mark.django_db
def test_a_balance_begins_with_nothing():
    with pytest.raises(IntegrityError), transaction.atomic():
        make_balance(make_account(make_organization()), amount=5)


@pytest.mark.django_db
def test_a_debit_below_zero_needs_an_overdraft_of_both():
    organization = make_organization(allow_negative_balances=True)
    plain = make_balance(make_account(organization))
    overdraft = make_balance(make_account(organization), allow_overdraft=True)

    with pytest.raises(DomainError, match="below zero"):
        post(plain, -1)
    post(overdraft, -1)

    assert (amount_of(plain), amount_of(overdraft)) == (0, -1)
    assert BalanceTransaction.objects.filter(balance=plain).count() == 0


@pytest.mark.django_db
def test_a_balance_without_draws_goes_with_its_ledger():
    balance = make_balance(make_account(make_organization()))
    other = make_balance(balance.account)
    for one in (balance, other):
        post(one, 10)

    changes.delete(balance, by=principals.system(balance.organization_id))

    assert list(Balance.objects.values_list("pk", "amount")) == [(other.pk, 10)]
    assert BalanceTransaction.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_at_once_neither_lose_nor_invent_money():
    balance = make_balance(make_account(make_organization()))
    post(balance, 100)

    def raise_the_version():
        by = principals.system(balance.organization_id)
        for n in range(5):
            with changes.editing(balance, by=by) as row:
                row.name = f"Credit {n}"

    def post_some(amount):
        def work():
            done = 0
            for _ in range(5):
                try:
                    post(balance, amount)
                    done += 1
                except DomainError:
                    pass  # it would have gone below zero
            return done

        return work

    credits, debits, more_debits, edits = at_once(
        post_some("7.5"), post_some("-40"), post_some("-25"), raise_the_version
    )

    assert (credits, edits) == (5, None)
    expected = 100 + Decimal("37.5") - 40 * debits - 25 * more_debits
    assert amount_of(balance) == expected >= 0
    assert ledger.wrong_amounts() == {}


def entry(amount, days=0, *, draw=False):
    return LedgerEntry(Decimal(amount), START + timedelta(days=days), draw)


TERMS = BalanceTerms(START, END, END + timedelta(days=90), Decimal(800))


def test_what_is_left_above_the_rollover_expires():
    # BAL-13: 1000 left at the end, 800 roll over, 200 expire.
    entries = [entry(1500), entry(-500, 10, draw=True), entry(-300, 370, draw=True)]

    before = summary(TERMS, entries[:2], now=END - timedelta(days=1))
    after = summary(TERMS, entries, now=END)

    assert before.expired == 0
    assert (after.expired, after.consumed, after.rollover_consumed) == (200, 500, 300)
    assert (after.total_credit, after.total_debit, after.initial_credit) == (1500, 800, 1500)
    assert usable_after_end(TERMS, entries) == 500


def test_credit_of_the_future_is_not_usable_yet():
    entries = [entry(100), entry(50, 40)]

    assert usable(TERMS, entries, until=START + timedelta(days=31)) == 100
    assert usable(TERMS, entries, until=START + timedelta(days=59)) == 150
