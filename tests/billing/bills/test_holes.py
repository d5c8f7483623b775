"""Time in force is billed or spoken of, never left out in silence (JOB-18)."""

from datetime import date
from decimal import Decimal

import pytest

from billing.models import AccountPlan, Bill, BillJobAccount
from organizations.models import OrganizationConfig
from tests import factories
from tests.billing.bills import making, runners

pytestmark = pytest.mark.django_db


def shop_of_june(**config) -> making.Shop:
    shop = making.Shop(config=config, standing_charge=Decimal(0))
    account = factories.make_account(shop.organization)
    factories.make_account_plan(account, shop.plan, start_date=runners.instant("2024-05-31T22:00"))
    runners.run(shop.organization, "2024-06-15")
    Bill.objects.update(status="APPROVED", is_locked=True)
    return shop


def test_usage_between_a_locked_bill_and_another_timezones_month_is_on_the_next_bill():
    shop = shop_of_june(timezone="Europe/Copenhagen")
    OrganizationConfig.objects.update(timezone="UTC")
    account = Bill.objects.get().account
    runners.use(account, shop.meter, "2024-06-30T22:30", 100)
    runners.use(account, shop.meter, "2024-07-10", 50)

    runners.run(shop.organization, "2024-07-15")
    july = Bill.objects.get(boundary_date="2024-08-01")
    assert july.total == 15
    assert july.line_items.get().service_period_start == runners.instant("2024-06-30T22:00")

    job = runners.run(shop.organization, "2024-07-15")
    assert (job.billed, Bill.objects.get(pk=july.pk).total) == (1, 15)


def test_days_that_no_bill_can_take_since_an_epoch_moved_park_the_account():
    shop = shop_of_june()
    AccountPlan.objects.update(bill_epoch=date(2024, 7, 15))

    job = runners.run(shop.organization, "2024-07-31")

    row = BillJobAccount.objects.get(bill_job=job)
    assert row.status == "PARKED"
    assert "from 2024-07-01 until 2024-07-15 would be on no bill" in row.reason
    assert Bill.objects.count() == 1


def test_a_plan_whose_month_begins_on_another_day_is_no_hole():
    shop = shop_of_june()
    other = factories.make_plan(shop.plan.plan_template, name="Other", code="other")
    factories.make_account_plan(
        Bill.objects.get().account,
        other,
        start_date=runners.instant("2024-06-10"),
        bill_epoch=date(2024, 6, 15),
        may_overlap=True,
    )

    job = runners.run(shop.organization, "2024-07-31")

    assert job.billed == 1
