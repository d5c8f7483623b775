"""Prepayments and balances in the console: forms with tables, the ledger of a balance."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billing import ledger
from billing.admin.balance_ledger import burn_down
from billing.models import Balance, BalanceTransaction, Commitment
from billing.rating.ledger_sums import LedgerEntry
from tests import factories

pytestmark = pytest.mark.django_db
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 25, tzinfo=UTC)


@pytest.fixture
def account(founded):
    return factories.make_account(founded.organization)


@pytest.fixture
def balance(account):
    return Balance.objects.create(
        organization_id=account.organization_id, account=account, name="Credit", code="credit",
        currency="USD", start_date=START, end_date=END,
    )  # fmt: skip


def sent(console, model, fields):
    return console.post(model, "add", **fields)


def test_a_prepayment_is_made_with_its_fees_by_date(console, account):
    product = factories.make_product(account.organization)

    sent(console, Commitment, {
        "account": account.pk, "amount": "1200.50", "currency": "USD",
        "start_date": "2026-01-01", "end_date": "2027-01-01", "amount_pre_paid": "0",
        "billing_interval": "1", "billing_offset": "0", "product_ids": [str(product.pk)],
        "line_item_types": ["USAGE"],
        "fee_dates": '[{"date": "2026-01-01", "amount": "600.25",'
        ' "servicePeriodStartDate": "2026-01-01", "servicePeriodEndDate": "2026-07-01"}]',
    })  # fmt: skip

    made = Commitment.objects.get()
    assert (made.amount, made.product_ids, made.line_item_types) == (
        Decimal("1200.50"), [product.pk], ["USAGE"],
    )  # fmt: skip
    assert [fee["amount"] for fee in made.fee_dates] == [Decimal("600.25")]
    page = console.get(Commitment, "change", made)
    assert page.status_code == 200


def test_a_fee_that_is_no_date_is_told_with_its_row(console, account):
    answer = sent(console, Commitment, {
        "account": account.pk, "amount": "100", "currency": "USD", "start_date": "2026-01-01",
        "end_date": "2027-01-01", "amount_pre_paid": "0", "billing_interval": "1",
        "billing_offset": "0",
        "fee_dates": '[{"date": "soon", "amount": "6",'
        ' "servicePeriodStartDate": "2026-01-01", "servicePeriodEndDate": "2026-07-01"}]',
    })  # fmt: skip

    assert "Row 1: Bill date: must be a date" in console.text(answer)
    assert not Commitment.objects.exists()


def test_a_transaction_is_posted_by_the_person_and_shown_with_the_balance_after_it(
    console, balance
):
    for amount in ("100", "-30"):
        sent(console, BalanceTransaction, {
            "balance": balance.pk, "amount": amount, "description": f"Posted {amount}",
            "applied_date_0": "2026-01-02", "applied_date_1": "00:00:00",
            "transaction_date_0": "2026-01-02", "transaction_date_1": "00:00:00",
        })  # fmt: skip

    assert set(BalanceTransaction.objects.values_list("entity_type", flat=True)) == {"USER"}
    text = console.text(console.get(Balance, "change", balance))
    assert "Posted 100" in text and "Posted -30" in text
    assert "70.00 USD" in text and "100.00" in text
    assert ledger.wrong_amounts() == {}


def test_the_burn_down_ends_today_and_the_even_line_at_the_end(balance):
    entries = [
        LedgerEntry(Decimal(240), START),
        LedgerEntry(Decimal(-40), datetime(2026, 1, 3, tzinfo=UTC), True),
    ]

    chart = burn_down(balance, entries, now=datetime(2026, 1, 4, 12, tzinfo=UTC))

    held, even = (one["data"] for one in chart["datasets"])
    assert held == ["240", "240", "200", "200"]
    assert (len(even), even[0], even[12], even[24]) == (25, "240.00", "120.00", "0.00")
