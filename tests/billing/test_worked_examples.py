"""The worked examples of billing: those of transactions, and that each one is held by a test."""

import re
from pathlib import Path

import pytest

from billing import balance_schedules, ledger
from billing.models import Balance, BalanceTransaction
from organizations.kernel import principals
from tests.billing.bills import charging, runners
from tests.billing.test_balance_schedules import transaction_schedule
from tests.factories import make_account, make_organization

TESTS = Path(__file__).parents[1]


def test_each_worked_example_is_named_by_a_test():
    named: set[str] = set()
    for path in (*TESTS.rglob("test_*.py"), *TESTS.rglob("golden/**/*.json")):
        named.update(re.findall(r"WX-\d\d", path.read_text(encoding="utf-8")))

    assert named >= {f"WX-{number:02}" for number in range(1, 33)}


@pytest.mark.django_db
def test_a_transaction_paid_in_another_currency_moves_the_balance_by_its_amount():
    """WX-27, the first case: 200 of the balance's dollars were paid with 50 of something else."""
    balance = charging.balance(make_account(make_organization()))
    row = BalanceTransaction(
        organization_id=balance.organization_id,
        balance=balance,
        amount=200,
        paid=50,
        currency_paid="X",
        applied_date=runners.instant("2024-02-01"),
        transaction_date=runners.instant("2024-02-01"),
    )

    ledger.post(row, by=principals.system(balance.organization_id))

    assert Balance.objects.get(pk=balance.pk).amount == 200
    assert (row.paid, row.currency_paid) == (50, "X")


@pytest.mark.django_db
def test_a_monthly_schedule_posts_once_a_month_before_its_end():
    """WX-27, the second case: 100 on 1 January, February and March are 300; none on 1 April."""
    balance = charging.balance(make_account(make_organization()))
    transaction_schedule(
        balance,
        amount=100,
        start_date=runners.instant("2024-01-01"),
        end_date=runners.instant("2024-04-01"),
        frequency="MONTHLY",
        frequency_interval=1,
    )

    balance_schedules.run_due(runners.instant("2024-12-01"))

    posted = BalanceTransaction.objects.order_by("applied_date").values_list("applied_date")
    assert [f"{at:%Y-%m-%d}" for (at,) in posted] == ["2024-01-01", "2024-02-01", "2024-03-01"]
    assert Balance.objects.get(pk=balance.pk).amount == 300
