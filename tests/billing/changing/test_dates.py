"""What a change of timezone, billing day or rhythm makes of the next bills, before it is saved."""

from datetime import date
from decimal import Decimal

import pytest

from billing.changing import dates
from billing.models import Account, AccountPlan, Bill, LineItem
from catalog.models import PlanTemplate
from organizations.models import OrganizationConfig
from tests import factories
from tests.billing.bills import making, runners

pytestmark = pytest.mark.django_db


def shop_of_june(count: int = 1, *, is_locked: bool = True, **config) -> making.Shop:
    """Accounts on 20 a month whose June is billed."""
    shop = making.Shop(config=config)
    for number in range(count):
        account = factories.make_account(shop.organization, code=f"a{number}", name=f"A{number}")
        factories.make_account_plan(account, shop.plan, start_date=runners.instant("2024-06-01"))
    runners.run(shop.organization, "2024-06-15")
    if is_locked:
        Bill.objects.update(status="APPROVED", is_locked=True)
    return shop


def days(bills) -> list[tuple[date | None, date | None]]:
    return [(one.first_day, one.end_day) for one in bills]


def tried(row, **values) -> dates.Consequences:
    change = dates.changed(row, values)
    assert change is not None
    stored = (Bill.objects.count(), LineItem.objects.count(), type(row).objects.get(pk=row.pk))
    found = dates.consequences(change)
    again = type(row).objects.get(pk=row.pk)
    assert (Bill.objects.count(), LineItem.objects.count()) == stored[:2]
    assert all(getattr(again, name) == getattr(stored[2], name) for name in values)
    return found


def test_a_timezone_further_west_shows_the_usage_that_the_next_bill_takes_over():
    shop = shop_of_june(timezone="Europe/Copenhagen")
    config = OrganizationConfig.objects.get(organization=shop.organization)

    (one,) = tried(config, timezone="UTC").moved

    # June ended at midnight in Copenhagen, two hours before July begins in UTC.
    assert days(one.before) == days(one.after) == [
        (date(2024, 7, 1), date(2024, 8, 1)), (date(2024, 8, 1), date(2024, 9, 1)),
    ]  # fmt: skip
    assert one.after[0].usage_from == runners.instant("2024-06-30T22:00")
    assert (one.before[0].usage_from, one.after[0].total) == (None, 20)
    assert one.refusals == ()


def test_accounts_with_the_same_dates_are_one_example_and_counted():
    shop = shop_of_june(3, timezone="Europe/Copenhagen")
    factories.make_account(shop.organization)
    config = OrganizationConfig.objects.get(organization=shop.organization)

    found = tried(config, timezone="UTC")

    assert [(one.accounts, one.start.code) for one in found.moved] == [(3, "a0")]
    assert (found.accounts, found.unbilled, found.not_shown) == (3, 0, 0)


def test_another_billing_day_shows_the_partial_bill_up_to_it():
    shop_of_june()
    plan = AccountPlan.objects.get()

    (one,) = tried(plan, bill_epoch=date(2024, 7, 15)).moved

    assert days(one.before) == [
        (date(2024, 7, 1), date(2024, 8, 1)), (date(2024, 8, 1), date(2024, 9, 1)),
    ]  # fmt: skip
    assert days(one.after) == [
        (date(2024, 7, 1), date(2024, 7, 15)), (date(2024, 7, 15), date(2024, 8, 15)),
    ]  # fmt: skip
    assert (one.after[0].days, one.after[0].total) == (14, Decimal("9.33"))  # 20 x 14/30
    assert one.refusals == ()


def test_another_billing_day_under_a_pending_bill_says_which_bill_stands_in_the_way():
    shop_of_june(is_locked=False)
    plan = AccountPlan.objects.get()

    (one,) = tried(plan, bill_epoch=date(2024, 7, 15)).moved

    assert "already billed on bill" in one.refusals[0]


def test_another_rhythm_shows_the_bill_that_follows():
    shop = shop_of_june()
    template = PlanTemplate.objects.get(organization=shop.organization)

    (one,) = tried(template, bill_frequency="MONTHLY", bill_frequency_interval=3).moved

    assert days(one.before)[0] == (date(2024, 7, 1), date(2024, 8, 1))
    assert days(one.after)[0] != days(one.before)[0]


def test_an_account_that_follows_no_changed_epoch_does_not_move():
    shop = shop_of_june()
    Account.objects.update(bill_epoch=date(2024, 1, 1))
    config = OrganizationConfig.objects.get(organization=shop.organization)

    assert tried(config, month_epoch=date(2024, 1, 15)).moved == ()


def test_an_account_without_a_bill_is_counted_and_nothing_moves():
    shop = making.Shop()
    account = shop.account()

    found = tried(account, bill_epoch=date(2024, 7, 15))

    assert (found.accounts, found.unbilled, found.alike) == (1, 1, ())


def test_what_is_no_change_of_dates_is_none():
    shop = shop_of_june()
    plan = AccountPlan.objects.get()

    assert dates.changed(plan, {"bill_epoch": None, "code": "x"}) is None
    assert dates.changed(shop.plan, {"name": "Other"}) is None
    assert Decimal(20) == Bill.objects.get().total
