"""Charges on bills: each once, on the bill of its date (CHG, JOB-13, JOB-16, JOB-17, INV-M)."""

from datetime import date
from decimal import Decimal

import pytest

from billing.bills import documents, explain, lifecycle, previewing
from billing.bills.job_requests import JobRequest
from billing.models import Bill, Charge, LineItem
from organizations.kernel import principals
from organizations.models import OrganizationConfig
from tests import factories
from tests.billing.bills import charging, making, runners

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return making.Shop()


def by(shop):
    return principals.system(shop.organization.pk)


def lock(bill, shop):
    at = runners.instant("2024-09-01")
    lifecycle.lock(lifecycle.approve(bill, by=by(shop), at=at), by=by(shop), at=at)


def consolidate(shop):
    OrganizationConfig.objects.filter(organization=shop.organization).update(consolidate_bills=True)


def test_charges_by_amount_by_units_and_a_credit_stand_on_one_bill_of_their_date(shop):
    """WX-31: 500 + 3 x 40 - 25 = 595."""
    account = factories.make_account(shop.organization)
    charges = [
        charging.charge(account, 500, "2024-05-10", name="Setup"),
        charging.charge(
            account, on="2024-05-10", name="Training", units=Decimal(3), unit_price=Decimal(40)
        ),
        charging.charge(account, -25, "2024-05-10", name="Voucher", notes="secret"),
    ]

    runners.run(shop.organization, "2024-05-09")

    bill = Bill.objects.get()
    assert (bill.billing_frequency, bill.bill_date, bill.total) == (
        "AD_HOC",
        date(2024, 5, 10),
        595,
    )
    assert runners.shown(bill) == [("AD_HOC", 500), ("AD_HOC", 120), ("AD_HOC", -25)]
    assert (bill.start_date, bill.end_date) == (date(2024, 5, 9), date(2024, 5, 10))
    training = bill.line_items.get(charge_id=charges[1].pk)
    assert (training.quantity, training.units, training.average_unit_price) == (3, 3, 40)
    assert training.service_period_end == charging.instant("2024-06-01")
    assert set(Charge.objects.values_list("bill_id", flat=True)) == {bill.pk}
    assert "secret" not in str([vars(line) for line in bill.line_items.all()])


def test_a_charge_is_billed_once_however_often_and_in_whatever_frequency_bills_are_made(shop):
    account = shop.account()
    charging.charge(account, 30, "2024-06-10")
    charging.charge(account, 7)  # no date: never billed until it has one

    for on, frequency in (("2024-06-15", None), ("2024-06-15", "AD_HOC"), ("2024-08-01", None)):
        runners.run(shop.organization, on, billing_frequency=frequency)

    assert list(LineItem.objects.filter(line_item_type="AD_HOC").values_list("subtotal")) == [(30,)]
    assert Charge.objects.filter(bill__isnull=True).get().amount == 7


def test_a_run_of_another_frequency_or_of_an_earlier_day_leaves_charges_alone(shop):
    account = shop.account()
    charging.charge(account, 30, "2024-06-17")

    runners.run(shop.organization, "2024-06-15")
    runners.run(shop.organization, "2024-06-20", billing_frequency="MONTHLY")

    assert not Bill.objects.filter(billing_frequency="AD_HOC").exists()
    runners.run(shop.organization, "2024-06-16", billing_frequency="AD_HOC")
    assert Bill.objects.get(billing_frequency="AD_HOC").bill_date == date(2024, 6, 17)


def test_a_deleted_bill_frees_its_charges_for_the_next_run(shop):
    account = factories.make_account(shop.organization)
    charge = charging.charge(account, 30, "2024-06-10")
    runners.run(shop.organization, "2024-06-15")

    lifecycle.delete(Bill.objects.get(), by=by(shop))

    charge.refresh_from_db()
    assert (charge.bill_id, LineItem.objects.count()) == (None, 0)
    runners.run(shop.organization, "2024-07-15")
    assert Bill.objects.get().bill_date == date(2024, 6, 10)


def test_a_changed_charge_is_taken_over_when_its_bill_is_calculated_again(shop):
    account = factories.make_account(shop.organization)
    charge = charging.charge(account, 30, "2024-06-10")
    runners.run(shop.organization, "2024-06-15")
    bill = Bill.objects.get()
    line = bill.line_items.get()

    Charge.objects.filter(pk=charge.pk).update(amount=40)
    runners.run(shop.organization, "2024-06-09")
    bill.refresh_from_db()
    assert (bill.total, bill.line_items.get().pk, bill.version) == (40, line.pk, 2)

    Charge.objects.filter(pk=charge.pk).update(bill_date=date(2024, 6, 20))
    runners.run(shop.organization, "2024-06-09")
    charge.refresh_from_db()
    assert (runners.shown(bill), charge.bill_id) == ([], None)


def test_a_charge_whose_bill_is_locked_goes_on_the_next_bill_and_keeps_its_service_period(shop):
    account = shop.account()
    charging.charge(account, 30, "2024-06-10")
    runners.run(shop.organization, "2024-06-09", billing_frequency="AD_HOC")
    lock(Bill.objects.get(), shop)
    late = charging.charge(account, 5, "2024-06-10")

    runners.run(shop.organization, "2024-06-15")

    late.refresh_from_db()
    june = Bill.objects.get(billing_frequency="MONTHLY")
    assert late.bill_id == june.pk
    assert runners.shown(june) == [("STANDING_CHARGE", 20), ("AD_HOC", 5)]
    assert (
        june.line_items.get(charge_id=late.pk).service_period_start
        == late.service_period_start_date
    )
    runners.run(shop.organization, "2024-06-15")
    assert runners.shown(june) == [("STANDING_CHARGE", 20), ("AD_HOC", 5)]


def test_consolidation_puts_cycles_and_charges_of_one_date_on_one_mixed_bill(shop):
    consolidate(shop)
    account = shop.account()
    template = factories.make_plan_template(
        factories.make_product(shop.organization), bill_frequency="DAILY", standing_charge=1
    )
    factories.make_account_plan(account, factories.make_plan(template))
    charging.charge(account, 30, "2024-07-01")

    runners.run(shop.organization, "2024-06-30")

    bill = Bill.objects.get()
    assert (bill.billing_frequency, bill.bill_date) == ("MIXED", date(2024, 7, 1))
    assert runners.shown(bill) == [("STANDING_CHARGE", 1), ("STANDING_CHARGE", 20), ("AD_HOC", 30)]
    before = (bill.pk, bill.version)
    runners.run(shop.organization, "2024-06-30", billing_frequency="MONTHLY")
    bill = Bill.objects.get()
    assert (bill.pk, bill.version) == (before[0], before[1] + 1)
    assert bill.total == 51


def test_a_consolidated_bill_that_is_calculated_again_takes_the_charge_that_has_come(shop):
    consolidate(shop)
    account = shop.account()
    runners.run(shop.organization, "2024-06-30")
    bill = Bill.objects.get()
    assert bill.billing_frequency == "MONTHLY"
    charging.charge(account, 30, "2024-07-01")

    runners.run(shop.organization, "2024-06-30")

    assert Bill.objects.get().pk == bill.pk
    assert runners.shown(bill) == [("STANDING_CHARGE", 20), ("AD_HOC", 30)]


def test_a_fee_of_a_balance_names_charge_balance_and_accounting_product(shop):
    account = factories.make_account(shop.organization)
    product = factories.make_product(shop.organization)
    balance = charging.balance(
        account, fees_accounting_product=product, end_date=charging.instant("2024-02-01")
    )
    charge = charging.charge(
        account, 12, "2024-06-10", entity_type="BALANCE", line_item_type="BALANCE_FEE",
        balance=balance, description="for June",
    )  # fmt: skip

    runners.run(shop.organization, "2024-06-15", billing_frequency="AD_HOC")

    line = LineItem.objects.get()
    assert (line.line_item_type, line.charge_id, line.balance_id) == (
        "BALANCE_FEE", charge.pk, balance.pk
    )  # fmt: skip
    assert (line.accounting_product_id, line.product_id) == (product.pk, None)
    assert line.description == f"{charge.name}: for June"


def test_a_charge_in_another_currency_is_converted_like_any_line(shop):
    factories.make_currency(shop.organization, code="GBP")
    OrganizationConfig.objects.filter(organization=shop.organization).update(
        currency_conversions=[{"from": "GBP", "to": "USD", "multiplier": "1.25"}]
    )
    account = factories.make_account(shop.organization)
    charging.charge(account, 80, "2024-06-10", currency="GBP")

    runners.run(shop.organization, "2024-06-15")

    line = LineItem.objects.get()
    assert (line.subtotal, line.conversion_rate, line.converted_subtotal) == (
        80, Decimal("1.25"), 100
    )  # fmt: skip


def test_a_charge_is_previewed_explained_and_printed(shop):
    account = factories.make_account(shop.organization)
    charging.charge(
        account, on="2024-06-10", name="Training", units=Decimal(3), unit_price=Decimal("0.333")
    )
    request = JobRequest(
        latest_date_in_billing_period=date(2024, 6, 9), account_ids=[account.pk],
        billing_frequency="AD_HOC",
    )  # fmt: skip
    shown = previewing.preview(
        shop.organization, request, by=by(shop), at=runners.instant("2024-06-15")
    )
    assert [line.subtotal for line in shown.lines] == [1]
    runners.run(shop.organization, "2024-06-09")

    told = explain.explain(LineItem.objects.get())

    # 3 x 0.333 = 0.999, rounded to 1.00.
    assert told.sentence == "3 x 0.333 = 0.999, rounded to 1.00 USD."
    assert (told.recomputed.matches, told.current.matches) == (True, True)
    assert documents.pdf(Bill.objects.get()).startswith(b"%PDF")
