"""What the snapshot reads, with how many queries, and what other bills carry already."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.bills import calculation, explain, snapshot
from billing.bills.selection import DueBills, TheseBills
from billing.models import AccountPlan, Bill, BillJobAccount, LineItem
from tests import factories
from tests.billing.bills import making, runners

pytestmark = pytest.mark.django_db

JUNE = DueBills(on=date(2024, 6, 15))


def queries(shop: making.Shop, account_ids: list, wanted: DueBills | TheseBills) -> int:
    with CaptureQueriesContext(connection) as captured:
        snapshot.take(shop.organization.pk, account_ids, wanted)
    return len(captured)


def test_the_number_of_queries_is_the_same_for_one_account_and_for_fifty():
    shop = making.Shop(minimum_spend=Decimal(5), minimum_spend_bill_in_advance=True)
    accounts = [account.pk for account in shop.accounts(25)]
    for _ in range(25):
        template = factories.make_plan_template(factories.make_product(shop.organization))
        plan = factories.make_plan(template)
        factories.make_pricing(plan, factories.make_aggregation(shop.meter))
        account = factories.make_account(shop.organization)
        factories.make_account_plan(account, plan)
        accounts.append(account.pk)

    fresh = [queries(shop, accounts[:1], JUNE), queries(shop, accounts, JUNE)]
    runners.run(shop.organization, "2024-06-15")
    bills = frozenset(Bill.objects.filter(account_id__in=accounts).values_list("pk", flat=True))
    again = [queries(shop, accounts[:1], JUNE), queries(shop, accounts, JUNE)]
    named = queries(shop, accounts, TheseBills(bills))

    assert fresh == [fresh[0]] * 2
    # Where no account has a bill, nothing is asked about what other bills charge.
    assert again == [fresh[0] + 1] * 2
    assert named == again[0] + 1  # the bills around those that are named
    assert again[0] <= 20


def test_a_set_of_accounts_is_read_as_each_would_be_alone():
    shop = making.Shop(minimum_spend=Decimal(50))
    accounts = shop.accounts(4)
    for position, account in enumerate(accounts):
        runners.use(account, shop.meter, "2024-06-05", 1000 * position)

    together = snapshot.take(shop.organization.pk, [a.pk for a in accounts], JUNE)
    alone = [snapshot.take(shop.organization.pk, [a.pk], JUNE) for a in accounts]

    for account, taken in zip(accounts, alone, strict=True):
        calculated = calculation.calculate(taken.accounts[account.pk])
        assert calculation.calculate(together.accounts[account.pk]) == calculated
        assert len(calculated) == 1


def test_accounts_of_another_organization_are_not_read():
    shop, other = making.Shop(), making.Shop()
    stranger = other.account()

    taken = snapshot.take(shop.organization.pk, [stranger.pk], JUNE)

    assert taken.accounts == {}


def test_a_charge_that_another_bill_carries_already_parks_the_account():
    # JOB-6: the epoch moved after June was billed on the first.
    shop = making.Shop()
    account = shop.account()
    runners.run(shop.organization, "2024-06-15")
    june = Bill.objects.get()
    before = Bill.objects.values().get()
    account.bill_epoch = date(2022, 1, 15)
    account.save()

    job = runners.run(shop.organization, "2024-06-20")

    row = BillJobAccount.objects.get(bill_job=job)
    assert row.status == "PARKED"
    assert row.reason.startswith(
        "Standing Charge for 2024-06-15 to 2024-07-15 is already billed on "
        f"bill {june.pk} dated 2024-07-01."
    )
    assert Bill.objects.values().get() == before


def test_usage_is_not_billed_twice_because_its_pricing_was_replaced():
    shop = making.Shop(standing_charge=Decimal(0))
    account = shop.account()
    runners.use(account, shop.meter, "2024-06-20", 100)
    runners.run(shop.organization, "2024-06-15")
    shop.pricing.delete()
    factories.make_pricing(shop.plan, shop.aggregation)
    account.bill_epoch = date(2022, 1, 15)
    account.save()

    job = runners.run(shop.organization, "2024-06-20")

    assert "Tokens for 2024-06-15 to 2024-07-15" in BillJobAccount.objects.get(bill_job=job).reason
    assert Bill.objects.count() == 1


def test_a_flag_switched_to_arrears_does_not_charge_a_month_twice():
    shop = making.Shop(standing_charge_bill_in_advance=True)
    shop.account()
    runners.run(shop.organization, "2024-05-15")  # May's bill charges June in advance
    template = shop.plan.plan_template
    template.standing_charge_bill_in_advance = False
    template.save()

    job = runners.run(shop.organization, "2024-06-15")

    reason = BillJobAccount.objects.get(bill_job=job).reason
    assert reason.startswith("Standing Charge for 2024-06-01 to 2024-07-01 is already billed")


def test_bills_of_one_run_know_what_each_other_charges_in_advance():
    # A scheduled run on the first makes the bill that just ended and the one that began.
    shop = making.Shop(
        minimum_spend=Decimal(100), minimum_spend_bill_in_advance=True, standing_charge=Decimal(0)
    )
    account = shop.account()
    runners.use(account, shop.meter, "2024-07-01", 300)
    wanted = DueBills(on=date(2024, 7, 1), late_data_at=runners.instant("2024-07-01T12:00"))

    taken = snapshot.take(shop.organization.pk, [account.pk], wanted)
    june, july = calculation.calculate(taken.accounts[account.pk])

    assert [(line.line_type.value, line.subtotal) for line in june.rated.lines] == [
        ("MINIMUM_SPEND", Decimal(100)),  # June itself, whose May bill was never made
        ("MINIMUM_SPEND", Decimal(100)),  # July, in advance
    ]
    # 30 used of the 100 paid in advance.
    assert [(line.line_type.value, line.subtotal) for line in july.rated.lines] == [
        ("USAGE", Decimal(30)),
        ("MINIMUM_SPEND", Decimal(100)),
        ("MINIMUM_SPEND_REFUND", Decimal(-30)),
    ]


def test_a_bad_timezone_of_one_bill_does_not_stop_the_others():
    shop = making.Shop()
    accounts = shop.accounts(2)
    runners.run(shop.organization, "2024-06-15")
    broken = Bill.objects.get(account=accounts[0])
    Bill.objects.filter(pk=broken.pk).update(timezone="Nowhere/Land")

    ids = frozenset(Bill.objects.values_list("pk", flat=True))
    taken = snapshot.take(shop.organization.pk, [a.pk for a in accounts], TheseBills(ids))

    assert "Nowhere/Land" in taken.accounts[accounts[0].pk].refusal.message
    assert len(calculation.calculate(taken.accounts[accounts[1].pk])) == 1


def test_the_timezone_of_the_organization_cuts_days():
    shop = making.Shop(config={"timezone": "Asia/Tokyo"}, standing_charge=Decimal(0))
    account = shop.account()
    runners.use(account, shop.meter, "2024-06-30T14:59:59", 10)
    runners.use(account, shop.meter, "2024-06-30T15:00:00", 1000)  # already 1 July in Tokyo

    runners.run(shop.organization, "2024-06-15")

    bill = Bill.objects.get()
    assert (bill.total, bill.timezone) == (Decimal(1), "Asia/Tokyo")
    assert bill.start_at == runners.instant("2024-05-31T15:00:00")


def replace_plan(account, plan, start, **fields):
    """End what the account is on at an instant, and begin with a plan there."""
    when = runners.instant(start)
    AccountPlan.objects.filter(account=account, end_date=None).update(end_date=when)
    return factories.make_account_plan(account, plan, start_date=when, **fields)


def test_usage_is_not_billed_twice_because_its_account_plan_was_replaced_by_the_same_plan():
    # INV-L: the same plan, pricing and account, with another epoch.
    shop = making.Shop(standing_charge=Decimal(0))
    account = shop.account()
    runners.use(account, shop.meter, "2024-06-20", 100)
    runners.run(shop.organization, "2024-06-15")
    replace_plan(account, shop.plan, "2024-06-15", bill_epoch=date(2024, 6, 15))

    job = runners.run(shop.organization, "2024-07-10")

    assert "Tokens for 2024-06-15 to 2024-07-15" in BillJobAccount.objects.get(bill_job=job).reason
    assert Bill.objects.count() == 1


def test_a_standing_charge_in_advance_is_not_billed_twice_when_its_plan_is_replaced_by_itself():
    shop = making.Shop(standing_charge_bill_in_advance=True)
    account = shop.account()
    runners.run(shop.organization, "2024-05-31")  # charges June in advance
    Bill.objects.update(status="APPROVED", is_locked=True)
    replace_plan(account, shop.plan, "2024-06-11")

    job = runners.run(shop.organization, "2024-06-30")

    reason = BillJobAccount.objects.get(bill_job=job).reason
    assert reason.startswith("Standing Charge for 2024-06-11 to 2024-07-01 is already billed")


def test_another_plan_in_its_place_and_one_meant_to_overlap_are_billed():
    shop = making.Shop(
        config={"allow_overlapping_plans": True}, standing_charge_bill_in_advance=True
    )
    account, both = shop.account(), shop.account()
    other = factories.make_plan(shop.plan.plan_template, name="Other", code="other")
    runners.run(shop.organization, "2024-05-31")
    Bill.objects.update(status="APPROVED", is_locked=True)
    replace_plan(account, other, "2024-06-11")
    factories.make_account_plan(
        both, shop.plan, start_date=runners.instant("2024-06-11"), may_overlap=True
    )

    job = runners.run(shop.organization, "2024-06-30")

    assert set(BillJobAccount.objects.filter(bill_job=job).values_list("status", flat=True)) == {
        "BILLED"
    }
    # 20 of 30 days, beside the locked 20.00 of the other.
    [june] = Bill.objects.filter(account=both, boundary_date="2024-07-01")
    assert ("STANDING_CHARGE", Decimal("13.33")) in runners.shown(june)


def test_a_minimum_in_advance_is_left_out_when_the_bill_of_its_period_was_made_first():
    shop = making.Shop(
        minimum_spend=Decimal(100), minimum_spend_bill_in_advance=True, standing_charge=Decimal(0)
    )
    poor, rich = shop.accounts(2)
    runners.use(rich, shop.meter, "2024-06-10", 1200)
    runners.use(poor, shop.meter, "2024-06-10", 300)
    for account in (poor, rich):  # June only
        AccountPlan.objects.filter(account=account).update(
            start_date=runners.instant("2024-06-01"), end_date=runners.instant("2024-07-01")
        )

    for day in ("2024-06-30", "2024-05-31", "2024-06-30", "2024-05-31"):
        runners.run(shop.organization, day)

        for account, due in ((poor, 100), (rich, 120)):
            bills = Bill.objects.filter(account=account)
            assert sum(bill.total for bill in bills) == due, (day, bills)


def test_a_plan_ended_inside_a_period_in_advance_owes_the_same_whichever_bill_is_made_again_first():
    """INV-J, DAT-6: 80 were used of a minimum that is 50 for the fifteen days."""
    shop = making.Shop(
        minimum_spend=Decimal(100), minimum_spend_bill_in_advance=True, standing_charge=Decimal(0)
    )
    accounts = [shop.account() for _ in range(2)]
    for account in accounts:
        runners.use(account, shop.meter, "2024-06-10", 800)
    AccountPlan.objects.update(
        start_date=runners.instant("2024-06-01"), end_date=runners.instant("2024-07-01")
    )
    for day in ("2024-05-31", "2024-06-30"):
        runners.run(shop.organization, day)
    AccountPlan.objects.update(end_date=runners.instant("2024-06-16"))

    for account, days in zip(
        accounts, [("2024-05-31", "2024-06-30"), ("2024-06-30", "2024-05-31")], strict=True
    ):
        for day in days:
            runners.run(shop.organization, day, account_ids=[str(account.pk)])

        assert sum(bill.total for bill in Bill.objects.filter(account=account)) == 80

    [kept] = LineItem.objects.filter(bill__account=accounts[1], bill__boundary_date="2024-06-01")
    assert explain.explain(kept).sentence == (
        "100.00 x 15/30 days, but at least 80.00, because the bill of the period has given it "
        "back = 80.00 USD."
    )


def test_dat_6_an_advance_on_a_locked_bill_is_not_given_back_by_itself():
    shop = making.Shop(
        minimum_spend=Decimal(100), minimum_spend_bill_in_advance=True, standing_charge=Decimal(0)
    )
    account = shop.account()
    runners.use(account, shop.meter, "2024-06-10", 300)
    AccountPlan.objects.update(
        start_date=runners.instant("2024-06-01"), end_date=runners.instant("2024-06-20")
    )
    runners.run(shop.organization, "2024-05-31")  # 63.33 in advance
    Bill.objects.update(status="APPROVED", is_locked=True)
    shop.plan.plan_template.minimum_spend = Decimal(60)
    shop.plan.plan_template.save()

    runners.run(shop.organization, "2024-06-30")

    assert sum(bill.total for bill in Bill.objects.all()) == Decimal("63.33")
