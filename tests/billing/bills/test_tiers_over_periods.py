"""Tiers that span the plan beside locked bills and late usage (TSP-2)."""

from decimal import Decimal

import pytest

from billing.models import Bill
from tests import factories
from tests.billing.bills import making, runners

pytestmark = pytest.mark.django_db


def shop_of_april() -> making.Shop:
    """Up to 1,000 units at 1.00, from there on at 0.50; 600 in April, 700 in May."""
    shop = making.Shop(standing_charge=Decimal(0))
    shop.pricing.bands = factories.bands((0, 0, "1.00"), (1000, 0, "0.50"))
    shop.pricing.tiers_span_plan = True
    shop.pricing.save()
    account = factories.make_account(shop.organization)
    factories.make_account_plan(account, shop.plan, start_date=runners.instant("2024-04-01"))
    runners.use(account, shop.meter, "2024-04-10", 600)
    runners.use(account, shop.meter, "2024-05-10", 700)
    return shop


def lock_april() -> None:
    Bill.objects.filter(boundary_date="2024-05-01").update(status="APPROVED", is_locked=True)


def late(shop: making.Shop) -> None:
    account = Bill.objects.first().account
    runners.use(account, shop.meter, "2024-04-20", 400)


def may() -> Decimal:
    return Bill.objects.get(boundary_date="2024-06-01").total


def test_late_usage_that_no_bill_rated_counts_for_nothing():
    shop = shop_of_april()
    runners.run(shop.organization, "2024-04-30")
    lock_april()
    late(shop)

    runners.run(shop.organization, "2024-05-31")

    # 400 x 1.00 up to a thousand, 300 x 0.50 above it.
    assert may() == 550


def test_late_usage_of_a_bill_that_is_not_locked_counts_whatever_the_order_of_runs():
    shop = shop_of_april()
    runners.run(shop.organization, "2024-04-30")
    late(shop)

    runners.run(shop.organization, "2024-05-31")

    # April's 600 + 400 come first: 700 x 0.50.
    assert may() == 350


def test_two_locked_months_count_with_what_stands_on_them():
    shop = shop_of_april()
    runners.run(shop.organization, "2024-04-30")
    lock_april()
    late(shop)
    runners.run(shop.organization, "2024-05-31")
    Bill.objects.update(status="APPROVED", is_locked=True)
    account = Bill.objects.first().account
    runners.use(account, shop.meter, "2024-05-20", 5000)
    runners.use(account, shop.meter, "2024-06-20", 100)

    runners.run(shop.organization, "2024-06-30")

    # 1,300 were rated before: 100 x 0.50.
    assert Bill.objects.get(boundary_date="2024-07-01").total == 50


def test_a_locked_bill_without_usage_rated_nothing():
    shop = shop_of_april()
    account = factories.make_account(shop.organization)
    factories.make_account_plan(account, shop.plan, start_date=runners.instant("2024-04-01"))
    runners.run(shop.organization, "2024-04-30")
    lock_april()
    runners.use(account, shop.meter, "2024-04-20", 1000)
    runners.use(account, shop.meter, "2024-05-20", 10)

    runners.run(shop.organization, "2024-05-31")

    assert Bill.objects.get(boundary_date="2024-06-01", account=account).total == 10
