"""Commitments and balances pay for bills (DRW, OVG, FEE, BAL, ORD, INV-D, INV-E)."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing import ledger
from billing.bills import documents, explain, lifecycle, runs, snapshot
from billing.bills.selection import DueBills
from billing.models import Bill, Commitment, LineItem
from billing.rating.recompute import recompute
from catalog.models import Pricing
from organizations.kernel import changes, principals
from organizations.kernel.errors import InUse
from organizations.models import Event, OrganizationConfig
from tests import factories
from tests.billing.bills import charging, making, runners

pytestmark = pytest.mark.django_db


def shop_at(price, **pricing):
    """Sells at one price and nothing else."""
    shop = making.Shop(standing_charge=Decimal(0))
    bands = pricing.pop("bands", ((0, 0, price),))
    Pricing.objects.filter(pk=shop.pricing.pk).update(bands=factories.bands(*bands), **pricing)
    return shop


def month(shop, number):
    """Bill a month of 2024; returns the bill of its end."""
    runners.run(shop.organization, f"2024-{number:02}-15")
    boundary = date(2024 + number // 12, number % 12 + 1, 1)
    return Bill.objects.get(boundary_date=boundary, billing_frequency="MONTHLY")


def shown(bill):
    check(bill)
    return [(kind, float(amount)) for kind, amount in runners.shown(bill)]


def check(bill):
    """INV-A, INV-D, INV-E, and every line follows from its record."""
    bill.refresh_from_db()
    for line in bill.line_items.all():
        assert recompute(line.calculation) == (line.subtotal, line.converted_subtotal)
    assert bill.total == sum(line.converted_subtotal for line in bill.line_items.all())
    for row in Commitment.objects.all():
        lines = LineItem.objects.filter(commitment_id=row.pk, line_item_type="COMMITMENT_CONSUMED")
        assert row.amount_spent == -sum(line.subtotal for line in lines)
        assert 0 <= row.amount_spent <= row.amount
    assert ledger.wrong_amounts() == {}


def by(shop):
    return principals.system(shop.organization.pk)


def test_a_year_of_fees_draw_down_and_a_surcharge_on_what_is_beyond():
    """WX-21: 15,000 over 12 fees; 20,000, 20,000 and 10,000 transactions at 0.46; 1% surcharge."""
    shop = shop_at("0.46")
    account = shop.account()
    row = charging.commitment(account, 15000, overage_surcharge_percent=1, billing_plan=shop.plan)
    for number, quantity in enumerate((20000, 20000, 10000), start=1):
        runners.use(account, shop.meter, f"2024-{number:02}-10", quantity)

    first = month(shop, 1)
    assert shown(first) == [
        ("USAGE", 9200.0), ("COMMITMENT_FEE", 1250.0), ("COMMITMENT_CONSUMED", -9200.0)
    ]  # fmt: skip
    row.refresh_from_db()
    assert (first.total, row.amount_spent) == (1250, 9200)

    second = month(shop, 2)
    assert shown(second) == [
        ("USAGE", 9200.0), ("OVERAGE_SURCHARGE", 34.0),
        ("COMMITMENT_FEE", 1250.0), ("COMMITMENT_CONSUMED", -5800.0),
    ]  # fmt: skip
    row.refresh_from_db()
    assert (second.total, row.amount_spent) == (4684, 15000)

    third = month(shop, 3)
    assert shown(third) == [
        ("USAGE", 4600.0), ("OVERAGE_SURCHARGE", 46.0), ("COMMITMENT_FEE", 1250.0)
    ]  # fmt: skip
    assert third.total == 5896
    names = set(Event.objects.filter(resource_id=row.pk).values_list("name", flat=True))
    assert "configuration.commitment.updated" in names


def test_calculated_twice_is_the_same_and_a_deleted_bill_gives_its_share_back():
    shop = shop_at(1)
    account = shop.account()
    row = charging.commitment(account, 100)
    runners.use(account, shop.meter, "2024-01-10", 70)
    runners.use(account, shop.meter, "2024-02-10", 70)
    january, february = month(shop, 1), month(shop, 2)
    before = [shown(january), shown(february)]
    lines = set(LineItem.objects.values_list("pk", flat=True))

    assert [shown(month(shop, 1)), shown(month(shop, 2))] == before
    assert set(LineItem.objects.values_list("pk", flat=True)) == lines
    assert before[1] == [("USAGE", 70.0), ("COMMITMENT_CONSUMED", -30.0)]

    lifecycle.delete(january, by=by(shop))

    row.refresh_from_db()
    february.refresh_from_db()
    assert (row.amount_spent, february.needs_recalculation) == (30, True)
    assert shown(month(shop, 2)) == [("USAGE", 70.0), ("COMMITMENT_CONSUMED", -70.0)]
    february.refresh_from_db()
    assert february.needs_recalculation is False


def test_an_old_bill_calculated_again_takes_no_more_than_is_left_and_marks_later_ones():
    """DRW-11: together with the later ones the credit goes to the earlier bill."""
    shop = shop_at(1)
    account = shop.account()
    charging.commitment(account, 100)
    runners.use(account, shop.meter, "2024-01-10", 50)
    runners.use(account, shop.meter, "2024-02-10", 60)
    january, february = month(shop, 1), month(shop, 2)
    runners.use(account, shop.meter, "2024-01-20", 40)

    month(shop, 1)
    assert shown(january) == [("USAGE", 90.0), ("COMMITMENT_CONSUMED", -50.0)]

    job = runs.recalculate(
        shop.organization, [january.pk, february.pk], by=by(shop), at=runners.instant("2024-09-01")
    )
    runners.work_off(job)
    assert shown(january) == [("USAGE", 90.0), ("COMMITMENT_CONSUMED", -90.0)]
    assert shown(february) == [("USAGE", 60.0), ("COMMITMENT_CONSUMED", -10.0)]


def test_overage_bands_rate_by_tier_position_what_is_behind_the_credit():
    """WX-23: 100 x 10 + 30 x 8 = 1240 are paid; 70 units x 9 = 630 are overage."""
    shop = shop_at(
        0, bands=((0, 0, 10), (100, 0, 8)), is_cumulative=True,
        overage_bands=factories.bands((0, 0, 12), (100, 0, 9)),
    )  # fmt: skip
    account = shop.account()
    charging.commitment(account, 1240, separate_overage_usage=True)
    runners.use(account, shop.meter, "2024-01-10", 200)

    bill = month(shop, 1)

    assert shown(bill) == [
        ("USAGE", 1240.0), ("OVERAGE_USAGE", 630.0), ("COMMITMENT_CONSUMED", -1240.0)
    ]  # fmt: skip
    assert bill.total == 630
    units = dict(bill.line_items.values_list("line_item_type", "units"))
    assert (units["USAGE"], units["OVERAGE_USAGE"]) == (130, 70)
    usage = bill.line_items.get(line_item_type="USAGE")
    assert [Decimal(band["bandUnits"]) for band in usage.band_usage] == [100, 30]
    for told in explain.explain_bill(bill):
        assert (told.recomputed.matches, told.current.matches) == (True, True), told
    assert documents.pdf(bill).startswith(b"%PDF")


def test_separate_overage_at_normal_prices_and_a_later_bill_that_is_overage_in_full():
    shop = shop_at(2)
    account = shop.account()
    charging.commitment(account, 100, separate_overage_usage=True)
    runners.use(account, shop.meter, "2024-01-10", 80)
    runners.use(account, shop.meter, "2024-02-10", 10)

    assert shown(month(shop, 1)) == [
        ("USAGE", 100.0), ("OVERAGE_USAGE", 60.0), ("COMMITMENT_CONSUMED", -100.0)
    ]  # fmt: skip
    assert shown(month(shop, 2)) == [("OVERAGE_USAGE", 20.0)]


def test_a_period_that_a_commitment_covers_in_part_is_split_by_event_time():
    """10 units before the 16th are not its business; bands go on: 10 x 2, then 10 x 2 + 10 x 1."""
    shop = shop_at(0, bands=((0, 0, 2), (20, 0, 1)), is_cumulative=True)
    account = shop.account()
    charging.commitment(account, 1000, start_date=date(2024, 1, 16))
    runners.use(account, shop.meter, "2024-01-10", 10)
    runners.use(account, shop.meter, "2024-01-20", 20)

    assert shown(month(shop, 1)) == [("USAGE", 50.0), ("COMMITMENT_CONSUMED", -30.0)]


def test_days_before_a_commitment_are_not_paid_of_a_standing_charge():
    shop = making.Shop()  # 20 a month
    account = shop.account()
    charging.commitment(account, 1000, start_date=date(2024, 6, 16))

    # 15 of 30 days: 10.00
    assert shown(month(shop, 6)) == [("STANDING_CHARGE", 20.0), ("COMMITMENT_CONSUMED", -10.0)]


def test_several_commitments_pay_in_order_of_their_end_and_only_for_what_they_are_meant():
    shop = making.Shop()
    account = shop.account()
    runners.use(account, shop.meter, "2024-06-10", 1000)  # 100.00, and 20.00 standing charge
    late = charging.commitment(account, 1000, line_item_types=["USAGE"])
    early = charging.commitment(account, 30, end_date=date(2024, 12, 1))
    other = charging.commitment(
        account, 500, end_date=date(2024, 11, 1),
        product_ids=[factories.make_product(shop.organization).pk],
    )  # fmt: skip

    bill = month(shop, 6)

    drawn = dict(
        bill.line_items.filter(line_item_type="COMMITMENT_CONSUMED").values_list(
            "commitment_id", "subtotal"
        )
    )
    # The early one pays 20 of the standing charge and 10 of usage, the late one 90 of usage.
    assert drawn == {early.pk: -30, late.pk: -90}
    assert other.pk not in drawn
    check(bill)


def test_a_commitment_in_another_currency_is_drawn_in_its_own():
    shop = shop_at(1)
    factories.make_currency(shop.organization, code="GBP")
    OrganizationConfig.objects.filter(organization=shop.organization).update(
        currency_conversions=[
            {"from": "USD", "to": "GBP", "multiplier": "0.8"},
            {"from": "GBP", "to": "USD", "multiplier": "1.25"},
        ]
    )
    account = shop.account()
    charging.commitment(account, 40, currency="GBP")
    runners.use(account, shop.meter, "2024-01-10", 100)

    bill = month(shop, 1)

    # 100 USD are 80 GBP; 40 GBP are left: 50 USD.
    line = bill.line_items.get(line_item_type="COMMITMENT_CONSUMED")
    assert (line.subtotal, line.currency, line.converted_subtotal) == (-40, "GBP", -50)
    assert bill.total == 50
    check(bill)


def test_a_schedule_of_fees_needs_no_plan():
    """WX-22."""
    shop = shop_at(1)
    account = factories.make_account(shop.organization)
    fees = [
        {"date": "2024-03-15", "amount": Decimal(2500),
         "servicePeriodStartDate": "2024-01-01T00:00:00Z",
         "servicePeriodEndDate": "2024-07-01T00:00:00Z"},
        {"date": "2024-09-15", "amount": Decimal(3500),
         "servicePeriodStartDate": "2024-07-01T00:00:00Z",
         "servicePeriodEndDate": "2025-01-01T00:00:00Z"},
    ]  # fmt: skip
    charging.commitment(account, 10000, amount_pre_paid=4000, fee_dates=fees)

    for day in ("2024-04-01", "2024-10-01", "2024-11-01"):
        runners.run(shop.organization, day)

    bills = list(Bill.objects.order_by("bill_date"))
    assert [(bill.billing_frequency, bill.bill_date, bill.total) for bill in bills] == [
        ("AD_HOC", date(2024, 3, 15), 2500), ("AD_HOC", date(2024, 9, 15), 3500)
    ]  # fmt: skip
    line = bills[0].line_items.get()
    assert (line.line_item_type, line.service_period_end) == (
        "COMMITMENT_FEE", runners.instant("2024-07-01")
    )  # fmt: skip


def test_fees_by_plan_begin_with_the_first_bill_and_take_the_remainder_in_the_last():
    """100 - 40 first; 60 over three months: 20, 20, 20; a changed amount goes to what is open."""
    shop = shop_at(1)
    account = factories.make_account(shop.organization)
    row = charging.commitment(
        account, 100, amount_first_bill=40, billing_plan=shop.plan, end_date=date(2024, 5, 1)
    )

    january, february = month(shop, 1), month(shop, 2)
    assert [shown(january), shown(february)] == [
        [("COMMITMENT_FEE", 40.0)], [("COMMITMENT_FEE", 20.0)]
    ]  # fmt: skip
    at = runners.instant("2024-09-01")
    for bill in (january, february):
        lifecycle.lock(lifecycle.approve(bill, by=by(shop), at=at), by=by(shop), at=at)
    Commitment.objects.filter(pk=row.pk).update(amount=110)
    assert shown(month(shop, 3)) == [("COMMITMENT_FEE", 25.0)]
    assert shown(month(shop, 4)) == [("COMMITMENT_FEE", 25.0)]
    runners.run(shop.organization, "2024-05-15")
    assert Bill.objects.count() == 4


def test_a_balance_runs_out_and_the_rest_bears_a_surcharge():
    """WX-24."""
    shop = shop_at(1)
    account = shop.account()
    row = charging.balance(account, 500, overage_surcharge_percent=10)
    runners.use(account, shop.meter, "2024-01-10", 320)
    runners.use(account, shop.meter, "2024-02-10", 280)

    first = month(shop, 1)
    row.refresh_from_db()
    assert shown(first) == [("USAGE", 320.0), ("BALANCE_CONSUMED", -320.0)]
    assert (first.total, row.amount) == (0, 180)
    second = month(shop, 2)
    row.refresh_from_db()
    assert shown(second) == [
        ("USAGE", 280.0), ("OVERAGE_SURCHARGE", 10.0), ("BALANCE_CONSUMED", -180.0)
    ]  # fmt: skip
    assert (second.total, row.amount) == (110, 0)
    posted = list(
        row.transactions.filter(entity_type="BILL")
        .order_by("applied_date")
        .values_list("amount", "entity_id")
    )
    assert posted == [(-320, first.pk), (-180, second.pk)]

    rows = set(row.transactions.values_list("pk", flat=True))
    month(shop, 1)
    assert set(row.transactions.values_list("pk", flat=True)) == rows
    lifecycle.delete(first, by=by(shop))
    row.refresh_from_db()
    assert row.amount == 320
    check(second)


def test_what_rolls_over_pays_after_the_end_up_to_its_cap():
    """WX-25: 1000 are left, 800 may roll over, 300 are used there."""
    shop = shop_at(1)
    account = shop.account()
    row = charging.balance(
        account, 1000, end_date=charging.instant("2024-06-01"), rollover_amount=Decimal(800),
        rollover_end_date=charging.instant("2024-12-01"),
    )  # fmt: skip
    runners.use(account, shop.meter, "2024-06-10", 300)
    runners.use(account, shop.meter, "2024-07-10", 900)

    assert shown(month(shop, 6)) == [("USAGE", 300.0), ("BALANCE_CONSUMED", -300.0)]
    row.refresh_from_db()
    sums = ledger.sums(row)
    assert (sums.expired, sums.rollover_consumed, sums.consumed) == (200, 300, 0)
    # 800 - 300 = 500 are left of what rolls over.
    assert shown(month(shop, 7)) == [("USAGE", 900.0), ("BALANCE_CONSUMED", -500.0)]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (["BALANCE", "PREPAYMENT"], {"BALANCE_CONSUMED": -200, "COMMITMENT_CONSUMED": -50}),
        (["PREPAYMENT", "BALANCE"], {"BALANCE_CONSUMED": -150, "COMMITMENT_CONSUMED": -100}),
        ([], {"BALANCE_CONSUMED": -150, "COMMITMENT_CONSUMED": -100}),
        (["BALANCE"], {"BALANCE_CONSUMED": -200}),
        (["PREPAYMENT"], {"COMMITMENT_CONSUMED": -100}),
    ],
)
def test_the_order_of_credits_is_the_accounts(order, expected):
    """WX-26, ORD-1: 250 of usage, 200 in a balance, 100 in a commitment."""
    shop = shop_at(1)
    account = shop.account(credit_application_order=order)
    charging.balance(account, 200)
    charging.commitment(account, 100)
    runners.use(account, shop.meter, "2024-01-10", 250)

    found = dict(month(shop, 1).line_items.values_list("line_item_type", "subtotal"))

    assert found == {"USAGE": 250, **expected}


def test_an_overdraft_pays_everything_where_organization_and_balance_allow_it():
    shop = shop_at(1)
    account = shop.account()
    row = charging.balance(account, 100, allow_overdraft=True, overage_surcharge_percent=10)
    runners.use(account, shop.meter, "2024-01-10", 250)

    assert month(shop, 1).total == 165  # 150 beyond, and 10% of that
    OrganizationConfig.objects.filter(organization=shop.organization).update(
        allow_negative_balances=True
    )
    assert shown(month(shop, 1)) == [("USAGE", 250.0), ("BALANCE_CONSUMED", -250.0)]
    row.refresh_from_db()
    assert row.amount == -150


def test_credit_that_applies_later_is_not_there_yet_and_a_balance_pays_for_charges():
    shop = shop_at(1)
    account = shop.account()
    row = charging.balance(account, 50)
    charging.fill(row, 500, at="2024-02-10")
    runners.use(account, shop.meter, "2024-01-10", 80)
    charging.charge(
        account, 30, "2024-03-05", service_period_start_date=charging.instant("2024-02-01"),
        service_period_end_date=charging.instant("2024-03-01"),
    )  # fmt: skip

    assert shown(month(shop, 1)) == [("USAGE", 80.0), ("BALANCE_CONSUMED", -50.0)]
    runners.run(shop.organization, "2024-03-04", billing_frequency="AD_HOC")
    assert shown(Bill.objects.get(billing_frequency="AD_HOC")) == [
        ("BALANCE_CONSUMED", -30.0), ("AD_HOC", 30.0)
    ]  # fmt: skip


def test_what_gives_back_lessens_what_may_be_drawn():
    """DRW-6: a minimum in advance of 50 is paid; what is given back of it is not paid again."""
    shop = making.Shop(
        standing_charge=Decimal(0), minimum_spend=Decimal(50), minimum_spend_bill_in_advance=True
    )
    account = shop.account()
    charging.commitment(account, 1000)
    runners.use(account, shop.meter, "2024-01-10", 800)  # 80.00

    december = Bill.objects.filter(boundary_date="2024-01-01")
    runners.run(shop.organization, "2023-12-15")
    assert shown(december.get()) == [("MINIMUM_SPEND", 50.0), ("COMMITMENT_CONSUMED", -50.0)]
    # 80 - 50 given back = 30, and 50 for February.
    bill = month(shop, 1)
    assert bill.line_items.get(line_item_type="COMMITMENT_CONSUMED").subtotal == -80
    assert bill.total == 0
    check(bill)


@pytest.mark.parametrize("make", [charging.commitment, charging.balance])
def test_what_was_used_can_be_deleted_while_no_locked_bill_drew_from_it(make):
    """COS-2: its bills are marked, and calculated again they are paid by nothing."""
    shop = shop_at(1)
    account = shop.account()
    row = make(account, 100)
    runners.use(account, shop.meter, "2024-01-10", 30)
    bill = month(shop, 1)
    at = runners.instant("2024-09-01")
    other = shop.account()
    kept = make(other, 100)
    runners.use(other, shop.meter, "2024-01-10", 30)
    runners.run(shop.organization, "2024-01-15")
    locked = Bill.objects.get(account=other)
    lifecycle.lock(lifecycle.approve(locked, by=by(shop), at=at), by=by(shop), at=at)

    with pytest.raises(InUse):
        changes.delete(kept, by=by(shop))
    changes.delete(row, by=by(shop))

    bill.refresh_from_db()
    assert bill.needs_recalculation
    runners.run(shop.organization, "2024-01-15")
    assert runners.shown(bill) == [("USAGE", 30)]
    bill.refresh_from_db()
    assert (bill.total, bill.needs_recalculation) == (30, False)


def test_a_balance_in_units_makes_usage_free_before_it_is_rated():
    """BAL-15: of 1,250 GB 1,000 are free, the rest is 250 x 0.10 = 25.00; then nothing is left."""
    shop = shop_at("0.1")
    factories.make_currency(shop.organization, code="GB")
    type(shop.aggregation).objects.filter(pk=shop.aggregation.pk).update(unit="GB")
    account = shop.account()
    row = charging.balance(account, 1000, currency="GB")
    runners.use(account, shop.meter, "2024-01-10", 1250)
    runners.use(account, shop.meter, "2024-02-10", 10)

    bill = month(shop, 1)

    assert shown(bill) == [("USAGE", 25.0), ("BALANCE_CONSUMED", -1000.0)]
    usage, grant = bill.line_items.order_by("sequence_number")
    assert (usage.quantity, usage.units) == (1250, 250)
    assert (grant.currency, grant.converted_subtotal, bill.total) == ("GB", 0, 25)
    row.refresh_from_db()
    assert row.amount == 0
    for told in explain.explain_bill(bill):
        assert (told.recomputed.matches, told.current.matches) == (True, True), told
    assert documents.pdf(bill).startswith(b"%PDF")
    assert shown(month(shop, 2)) == [("USAGE", 1.0)]
    assert shown(month(shop, 1)) == [("USAGE", 25.0), ("BALANCE_CONSUMED", -1000.0)]


def test_the_number_of_queries_is_the_same_for_one_account_with_credits_and_for_many():
    shop = shop_at(1)
    accounts = shop.accounts(8)
    for account in accounts:
        charging.commitment(account, 100, start_date=date(2024, 1, 10), billing_plan=shop.plan)
        charging.balance(account, 100)
        charging.charge(account, 5, "2024-02-01")
        runners.use(account, shop.meter, "2024-01-20", 250)

    def queries(some):
        with CaptureQueriesContext(connection) as captured:
            snapshot.take(
                shop.organization.pk,
                [account.pk for account in some],
                DueBills(on=date(2024, 1, 15)),
            )
        return len(captured)

    fresh = [queries(accounts[:1]), queries(accounts)]
    runners.run(shop.organization, "2024-01-15")
    again = [queries(accounts[:1]), queries(accounts)]

    assert fresh == [fresh[0]] * 2
    assert again == [again[0]] * 2
