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


def test_a_timezone_further_east_charges_the_hours_in_between_once():
    shop = shop_on_20_a_month(minimum_spend=Decimal(25))
    assert billed()[0][2] == 45  # 20, 100 x 0.10 and 15 up to the minimum
    account = Bill.objects.get().account
    OrganizationConfig.objects.update(timezone="Europe/Copenhagen")
    # The first hours of July in Copenhagen: one before, one after June ended in UTC.
    runners.use(account, shop.meter, "2024-06-30T22:30", 1000)
    runners.use(account, shop.meter, "2024-07-01T00:30", 40)

    for _ in range(2):
        assert runners.run(shop.organization, "2024-07-15").parked == 0

    # 20, (40 + 70 + 30) x 0.10 = 14 and 11 up to 25. The late 1,000 are of June.
    july = Bill.objects.get(boundary_date="2024-08-01")
    assert july.total == 45
    starts = set(july.line_items.values_list("service_period_start", flat=True))
    assert starts == {runners.instant("2024-07-01")}
    assert july.start_date == date(2024, 7, 1)


def shop_on_20_a_month(**template) -> making.Shop:
    """An account whose June is billed and locked."""
    shop = making.Shop(**template)
    account = factories.make_account(shop.organization)
    factories.make_account_plan(account, shop.plan, start_date=runners.instant("2024-06-01"))
    runners.use(account, shop.meter, "2024-06-20", 100)
    runners.run(shop.organization, "2024-06-15")
    Bill.objects.update(status="APPROVED", is_locked=True)
    runners.use(account, shop.meter, "2024-07-05", 70)
    runners.use(account, shop.meter, "2024-07-20", 30)
    return shop


def billed() -> list[tuple[str, str, Decimal]]:
    return [
        (str(bill.start_date), str(bill.boundary_date), bill.total)
        for bill in Bill.objects.order_by("boundary_date")
    ]


def test_days_between_a_locked_bill_and_a_moved_billing_day_are_a_partial_bill():
    shop = shop_on_20_a_month()
    AccountPlan.objects.update(bill_epoch=date(2024, 7, 15))

    runners.run(shop.organization, "2024-07-31")

    # June: 20 + 100 x 0.10. 1 to 14 July: 20 x 14/30 = 9.33, and 70 x 0.10. Then 20 + 30 x 0.10.
    assert billed() == [
        ("2024-06-01", "2024-07-01", 30),
        ("2024-07-01", "2024-07-15", Decimal("16.33")),
        ("2024-07-15", "2024-08-15", 23),
    ]
    days = Bill.objects.get(boundary_date="2024-07-15").line_items.get(
        line_item_type="STANDING_CHARGE"
    )
    assert days.service_period_start == runners.instant("2024-07-01")
    assert days.service_period_end == runners.instant("2024-07-15")


@pytest.mark.parametrize("order", [("2024-07-10", "2024-07-31"), ("2024-07-31", "2024-07-10")])
def test_the_partial_bill_is_the_same_in_whatever_order_and_however_often_bills_are_made(order):
    shop = shop_on_20_a_month()
    AccountPlan.objects.update(bill_epoch=date(2024, 7, 15))

    for day in (*order, *order):
        job = runners.run(shop.organization, day)
        assert (job.parked, BillJobAccount.objects.filter(status="PARKED").count()) == (0, 0)

    assert [total for *_, total in billed()] == [30, Decimal("16.33"), 23]
    Bill.objects.filter(boundary_date="2024-07-15").update(status="APPROVED", is_locked=True)
    runners.run(shop.organization, "2024-07-31")
    assert [total for *_, total in billed()] == [30, Decimal("16.33"), 23]


def test_a_billing_day_that_is_put_back_is_a_partial_bill_again():
    shop = shop_on_20_a_month()
    AccountPlan.objects.update(bill_epoch=date(2024, 7, 15))
    runners.run(shop.organization, "2024-07-10")
    Bill.objects.update(status="APPROVED", is_locked=True)
    AccountPlan.objects.update(bill_epoch=None)

    job = runners.run(shop.organization, "2024-07-31")

    # 15 to 31 July: 20 x 17/31 = 10.97, and 30 x 0.10.
    assert job.parked == 0
    assert billed()[2:] == [("2024-07-15", "2024-08-01", Decimal("13.97"))]


def test_a_first_period_that_was_billed_in_part_begins_behind_the_locked_bill():
    shop = making.Shop()
    account = factories.make_account(shop.organization)
    factories.make_account_plan(account, shop.plan, start_date=runners.instant("2024-06-21"))
    runners.run(shop.organization, "2024-06-30")
    Bill.objects.update(status="APPROVED", is_locked=True)
    AccountPlan.objects.update(bill_epoch=date(2024, 7, 15))

    runners.run(shop.organization, "2024-07-10")

    # 21 to 30 June: 20 x 10/30 = 6.67. 1 to 14 July: 20 x 14/30 = 9.33.
    assert [total for *_, total in billed()] == [Decimal("6.67"), Decimal("9.33")]


def test_another_plan_of_the_rhythm_keeps_its_whole_period():
    shop = shop_on_20_a_month()
    # On the 15th since May: its period from 15 June is on no bill yet.
    product = factories.make_product(shop.organization, name="Other", code="other")
    template = factories.make_plan_template(product, standing_charge=Decimal(30))
    factories.make_account_plan(
        Bill.objects.get().account,
        factories.make_plan(template),
        start_date=runners.instant("2024-05-15"),
        bill_epoch=date(2024, 6, 15),
    )
    AccountPlan.objects.filter(plan=shop.plan).update(bill_epoch=date(2024, 7, 15))

    runners.run(shop.organization, "2024-07-10")

    # The other: 30 for 15 June to 14 July. The moved one: 20 x 14/30 = 9.33, and 70 x 0.10.
    assert Bill.objects.get(boundary_date="2024-07-15").total == Decimal("46.33")


def test_a_rhythm_that_changed_begins_where_the_last_locked_bill_ends():
    shop = shop_on_20_a_month()
    OrganizationConfig.objects.update(month_epoch=date(2024, 1, 1))
    # Quarters from 1 May: the one that ends on 1 August is billed up to 1 July.
    AccountPlan.objects.update(bill_epoch=date(2024, 5, 1))
    shop.plan.plan_template.bill_frequency_interval = 3
    shop.plan.plan_template.save()

    job = runners.run(shop.organization, "2024-07-10")

    # 31 of the 92 days of the quarter: 20 x 31/92 = 6.74, and 100 x 0.10.
    assert job.parked == 0
    assert billed()[1:] == [("2024-07-01", "2024-08-01", Decimal("16.74"))]


def test_a_charge_in_advance_that_reaches_into_the_next_period_parks_the_account():
    shop = shop_on_20_a_month(standing_charge_bill_in_advance=True)
    AccountPlan.objects.update(bill_epoch=date(2024, 7, 15))

    job = runners.run(shop.organization, "2024-07-31")

    row = BillJobAccount.objects.get(bill_job=job)
    assert row.status == "PARKED"
    assert "is already billed" in row.reason
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
