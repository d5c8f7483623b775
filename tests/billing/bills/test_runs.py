"""Bill runs end to end: from usage and prices to bills with lines, and again."""

from datetime import date
from decimal import Decimal

import pytest

from billing.bills import lifecycle, parking, runs, writer
from billing.models import Bill, BillJobAccount, BillJobStatus, LineItem
from organizations.kernel import principals
from organizations.kernel.money import Currency
from organizations.models import Alert, Event, OrganizationConfig
from tests import factories
from tests.billing.bills import making, runners

pytestmark = pytest.mark.django_db


def test_a_run_bills_what_was_used_inside_the_period():
    shop = making.Shop()
    account = shop.account()
    runners.use(account, shop.meter, "2024-06-05", 400)
    runners.use(account, shop.meter, "2024-06-30T23:59:59", 50)
    runners.use(account, shop.meter, "2024-07-01", 1000)

    job = runners.run(shop.organization, "2024-06-15")

    # 450 x 0.10 = 45; July's 1,000 belong to the next bill.
    bill = Bill.objects.get(account=account)
    assert runners.shown(bill) == [("STANDING_CHARGE", Decimal(20)), ("USAGE", Decimal(45))]
    assert bill.total == Decimal(65)
    assert (job.status, job.total, job.pending, job.billed) == (BillJobStatus.COMPLETE, 1, 0, 1)


def test_a_bill_is_dated_and_due_as_the_organization_says():
    # WX-15: September 2023, 30 days to pay.
    shop = making.Shop(config={"bill_prefix": "INVOICE-", "sequence_start_number": 100})
    account = factories.make_account(shop.organization)
    factories.make_account_plan(account, shop.plan, start_date=runners.instant("2023-09-01"))

    runners.run(shop.organization, "2023-09-30")

    bill = Bill.objects.get()
    assert (bill.start_date, bill.end_date) == (date(2023, 9, 1), date(2023, 10, 1))
    assert (bill.bill_date, bill.due_date) == (date(2023, 10, 1), date(2023, 10, 31))
    assert bill.external_invoice_date == date(2023, 10, 1)
    assert bill.invoice_reference == "INVOICE-101"


def test_the_invoice_date_may_be_the_last_day_of_the_period_and_the_account_may_pay_sooner():
    shop = making.Shop(config={"external_invoice_date": "LAST_DAY_OF_ARREARS"})
    account = factories.make_account(shop.organization, days_before_bill_due=0)
    factories.make_account_plan(account, shop.plan, start_date=runners.instant("2023-09-01"))

    runners.run(shop.organization, "2023-09-30")

    bill = Bill.objects.get()
    assert (bill.external_invoice_date, bill.due_date) == (date(2023, 9, 30), date(2023, 10, 1))


def test_a_job_may_print_other_dates_but_the_bill_stays_the_same_bill():
    shop = making.Shop()
    shop.account()
    runners.run(shop.organization, "2024-06-15")
    first = Bill.objects.get()

    runners.run(
        shop.organization,
        "2024-06-15",
        bill_date=date(2024, 7, 4),
        due_date=date(2024, 7, 5),
        external_invoice_date=date(2024, 7, 6),
    )

    bill = Bill.objects.get()
    assert bill.pk == first.pk
    assert bill.boundary_date == date(2024, 7, 1)
    assert (bill.bill_date, bill.due_date) == (date(2024, 7, 4), date(2024, 7, 5))
    assert bill.external_invoice_date == date(2024, 7, 6)


def test_names_and_addresses_stand_on_bill_and_lines():
    shop = making.Shop()
    account = shop.account(
        name="Acme", code="acme", address={"addressLine1": "1 Road"}, purchase_order_number="PO 7"
    )
    runners.use(account, shop.meter, "2024-06-05", 1)

    runners.run(shop.organization, "2024-06-15")

    bill = Bill.objects.get()
    line = bill.line_items.get(line_item_type="USAGE")
    assert (bill.account_name, bill.account_code) == ("Acme", "acme")
    assert bill.account_address == {"addressLine1": "1 Road"}
    assert bill.purchase_order_number == "PO 7"
    assert (line.product_name, line.product_code) == ("Storage", "storage")
    assert (line.accounting_product_name, line.plan_name) == ("Storage", "Standard")
    assert line.band_usage[0]["bandUnits"] == 1
    assert line.calculation["pricing"] == {
        "id": str(shop.pricing.pk),
        "version": 1,
        "type": "DEBIT",
        "cumulative": True,
        "tiersSpanPlan": False,
        "segment": {},
    }


def test_a_second_run_finds_the_bill_and_changes_only_what_is_different():
    shop = making.Shop()
    account = shop.account()
    runners.use(account, shop.meter, "2024-06-05", 100)
    runners.run(shop.organization, "2024-06-15")
    before = Bill.objects.get()
    standing, usage = before.line_items.order_by("sequence_number")

    runners.use(account, shop.meter, "2024-06-06", 50)
    job = runners.run(shop.organization, "2024-06-15")

    bill = Bill.objects.get()
    standing_now, usage_now = bill.line_items.order_by("sequence_number")
    assert (bill.pk, bill.version, bill.bill_job_id) == (before.pk, 2, job.pk)
    assert bill.latest_calculated_at > before.latest_calculated_at
    assert bill.total == Decimal(35)
    assert (standing_now.pk, standing_now.version) == (standing.pk, 1)
    assert (usage_now.pk, usage_now.version, usage_now.subtotal) == (usage.pk, 2, Decimal(15))
    assert usage_now.created_at == usage.created_at


def test_calculating_twice_gives_the_same_lines():
    # INV-B: nothing changed in between.
    shop = making.Shop()
    account = shop.account()
    runners.use(account, shop.meter, "2024-06-05", 100)
    runners.run(shop.organization, "2024-06-15")
    before = list(LineItem.objects.order_by("sequence_number").values())

    runners.run(shop.organization, "2024-06-15")

    assert list(LineItem.objects.order_by("sequence_number").values()) == before
    assert Bill.objects.get().version == 2


def test_a_line_that_is_charged_no_more_goes_and_a_memo_stays():
    shop = making.Shop()
    account = shop.account()
    runners.use(account, shop.meter, "2024-06-05", 100)
    runners.run(shop.organization, "2024-06-15")
    bill = Bill.objects.get()
    usage = bill.line_items.get(line_item_type="USAGE")
    LineItem.objects.create(
        organization=shop.organization, bill=bill, line_key="memo", sequence_number=9,
        line_item_type="CREDIT_MEMO", description="Sorry", quantity=1, units=1, subtotal=-3,
        currency="USD", converted_subtotal=-3,
        service_period_start=bill.start_at, service_period_end=bill.end_at,
    )  # fmt: skip
    shop.pricing.delete()

    runners.run(shop.organization, "2024-06-15")

    bill.refresh_from_db()
    assert not LineItem.objects.filter(pk=usage.pk).exists()
    assert runners.shown(bill) == [("STANDING_CHARGE", Decimal(20)), ("CREDIT_MEMO", Decimal(-3))]
    # INV-A: 20 - 3.
    assert bill.total == Decimal(17)


def test_an_approved_bill_is_pending_again_and_a_locked_one_never_changes():
    # WX-32, INV-C.
    shop = making.Shop()
    pending, approved, locked = accounts = shop.accounts(3)
    for account in accounts:
        runners.use(account, shop.meter, "2024-06-05", 100)
    runners.run(shop.organization, "2024-06-15")
    by = principals.system(shop.organization.pk)
    at = runners.instant("2024-07-02")
    lifecycle.approve(Bill.objects.get(account=approved), by=by, at=at)
    lifecycle.lock(lifecycle.approve(Bill.objects.get(account=locked), by=by, at=at), by=by, at=at)
    frozen = Bill.objects.filter(account=locked).values().get()
    frozen_lines = list(LineItem.objects.filter(bill_id=frozen["id"]).order_by("id").values())

    for account in accounts:
        account.name = "Renamed"
        account.save()
        runners.use(account, shop.meter, "2024-06-07", 900)
    shop.pricing.bands = factories.bands((0, 0, "9.99"))
    shop.pricing.save()
    job = runners.run(shop.organization, "2024-06-15")
    again = runs.recalculate(shop.organization, [frozen["id"]], by=by, at=at)
    runners.work_off(again)

    assert Bill.objects.filter(account=locked).values().get() == frozen
    lines = LineItem.objects.filter(bill_id=frozen["id"]).order_by("id")
    assert list(lines.values()) == frozen_lines
    assert Bill.objects.get(account=pending).total == Decimal("10010.00")  # 20 + 1000 x 9.99
    assert Bill.objects.get(account=approved).status == "PENDING"
    assert Bill.objects.get(account=approved).approved_at is None
    assert (job.billed, job.skipped, job.parked) == (2, 1, 0)


def test_a_plan_in_pounds_is_billed_in_dollars_and_the_bill_keeps_the_rates():
    # WX-28.
    shop = making.Shop(currency="GBP", standing_charge=Decimal(80))
    OrganizationConfig.objects.filter(organization=shop.organization).update(
        currency_conversions=[{"from": "GBP", "to": "USD", "multiplier": Decimal("1.25")}]
    )
    shop.account()

    runners.run(shop.organization, "2024-06-15")

    bill = Bill.objects.get()
    line = bill.line_items.get()
    assert (line.subtotal, line.currency) == (Decimal(80), "GBP")
    assert (line.conversion_rate, line.converted_subtotal) == (Decimal("1.25"), Decimal(100))
    assert (bill.total, bill.currency) == (Decimal(100), "USD")
    assert bill.currency_conversions == [
        {"from": "GBP", "to": "USD", "multiplier": Decimal("1.25")}
    ]


def test_a_job_may_bill_in_another_currency_at_its_own_rate():
    shop = making.Shop()
    factories.make_currency(shop.organization, code="EUR")
    shop.account()

    runners.run(
        shop.organization,
        "2024-06-15",
        target_currency="EUR",
        currency_conversions=[{"from": "USD", "to": "EUR", "multiplier": Decimal("0.5")}],
    )
    bill = Bill.objects.get()
    by = principals.system(shop.organization.pk)
    again = runs.recalculate(shop.organization, [bill.pk], by=by, at=runners.instant("2024-07-02"))
    runners.work_off(again)

    # The recalculation repeats what the first job had set (JOB-14).
    bill.refresh_from_db()
    assert (bill.version, bill.total, bill.currency) == (2, Decimal(10), "EUR")


def test_an_account_with_nothing_due_has_no_bill():
    shop = making.Shop()
    account = factories.make_account(shop.organization)
    factories.make_account_plan(account, shop.plan, start_date=runners.instant("2025-01-01"))

    job = runners.run(shop.organization, "2024-06-15")

    assert not Bill.objects.exists()
    assert (job.billed, job.skipped) == (0, 1)
    assert BillJobAccount.objects.get().status == "NOTHING"


@pytest.mark.parametrize(("suppressed", "bills"), [(True, 0), (False, 1)])
def test_an_empty_bill_exists_only_while_it_is_not_suppressed(suppressed, bills):
    shop = making.Shop(config={"suppressed_empty_bills": suppressed}, standing_charge=Decimal(0))
    shop.account()

    runners.run(shop.organization, "2024-06-15")

    assert [bill.total for bill in Bill.objects.all()] == [Decimal(0)] * bills


def test_a_pending_bill_that_became_empty_is_deleted_while_empty_bills_are_suppressed():
    shop = making.Shop(config={"suppressed_empty_bills": True})
    shop.account()
    runners.run(shop.organization, "2024-06-15")
    bill = Bill.objects.get()
    shop.plan.standing_charge = Decimal(0)
    shop.plan.save()

    runners.run(shop.organization, "2024-06-15")

    assert not Bill.objects.exists()
    assert Event.objects.get(name="billing.bill.deleted").resource_id == bill.pk


def test_a_run_for_one_frequency_leaves_the_others_alone():
    shop = making.Shop()
    weekly = factories.make_plan_template(
        factories.make_product(shop.organization),
        bill_frequency="WEEKLY",
        standing_charge=Decimal(3),
    )
    account = shop.account()
    factories.make_account_plan(account, factories.make_plan(weekly))

    runners.run(shop.organization, "2024-06-15", billing_frequency="WEEKLY")
    only_weekly = list(Bill.objects.values_list("billing_frequency", flat=True))
    runners.run(shop.organization, "2024-06-15")

    assert only_weekly == ["WEEKLY"]
    assert sorted(Bill.objects.values_list("billing_frequency", "total")) == [
        ("MONTHLY", Decimal(20)),
        ("WEEKLY", Decimal(3)),
    ]


def test_each_bill_has_its_event_and_the_job_one_alert():
    shop = making.Shop()
    shop.accounts(3)

    job = runners.run(shop.organization, "2024-06-15")
    runners.run(shop.organization, "2024-06-15")

    created = Event.objects.filter(name="billing.bill.created")
    assert {event.resource_id for event in created} == set(
        Bill.objects.values_list("pk", flat=True)
    )
    assert all("lineItems" not in event.payload["eventData"]["newDto"] for event in created)
    updated = Event.objects.filter(name="billing.bill.updated").first()
    assert updated.payload["eventData"]["oldDto"]["version"] == 1
    assert updated.payload["eventData"]["newDto"]["version"] == 2
    alert = Alert.objects.get(resource_id=job.pk)
    assert alert.severity == "INFO"
    assert alert.description.startswith("Bill job complete: 3 of 3 accounts billed")


def test_no_line_is_negative_with_debit_prices_only():
    # INV-N and INV-A over accounts of different size.
    shop = making.Shop(minimum_spend=Decimal(50))
    for quantity in (0, 1, 299, 300, 301, 10_000):
        runners.use(shop.account(), shop.meter, "2024-06-05", quantity)

    runners.run(shop.organization, "2024-06-15")

    totals = []
    for bill in Bill.objects.order_by("total"):
        lines = [line.converted_subtotal for line in bill.line_items.all()]
        assert min(lines) >= 0
        assert bill.total == sum(lines)
        totals.append(bill.total)
    # 20 + max(50, usage): 0, 0.10, 29.90, 30 and 30.10 are below the minimum; 1000 is above.
    assert totals == [Decimal(70)] * 5 + [Decimal(1020)]


def test_the_alert_of_one_accounts_job_names_it_and_what_its_bill_comes_to():
    shop = making.Shop()
    account = shop.account(code="acme")
    shop.account()

    runners.run(shop.organization, "2024-06-15", account_ids=[account.pk])

    alert = Alert.objects.get(severity="INFO")
    assert alert.account_id == account.pk
    assert "1 of 1 accounts billed (acme)" in alert.description
    assert alert.description.endswith("Their bills come to 20.00 USD.")


def test_no_bill_is_made_for_a_period_before_the_plan_began():
    # The plan charges in advance, but nothing at its first boundary (STC-2): JOB-8.
    shop = making.Shop(standing_charge_bill_in_advance=True, standing_charge_offset=1)
    account = factories.make_account(shop.organization)
    factories.make_account_plan(account, shop.plan, start_date=runners.instant("2024-07-01"))

    runners.run(shop.organization, "2024-06-15")
    none = Bill.objects.count()
    runners.run(shop.organization, "2024-07-15")

    assert (none, Bill.objects.get().total) == (0, Decimal(20))


@pytest.mark.parametrize(
    ("total", "places", "shown"),
    [
        ("163712.3", 2, "163,712.30 X"), ("1234567", 0, "1,234,567 X"), ("0", 2, "0.00 X"),
        ("-5.125", 2, "-5.125 X"), ("1E+3", 3, "1,000.000 X"),
    ],
)  # fmt: skip
def test_the_alerts_amounts_have_all_their_decimals_and_the_usual_ones(total, places, shown):
    assert parking._money(Decimal(total), Currency("X", places)) == shown


def test_a_bill_that_is_locked_between_reading_and_writing_stays_as_it_was_locked(monkeypatch):
    # Later than the look at what changed meanwhile: only the writer itself can see it.
    shop = making.Shop()
    account, other = shop.accounts(2)
    runners.run(shop.organization, "2024-06-15")
    runners.use(account, shop.meter, "2024-06-05", 100)
    runners.use(other, shop.meter, "2024-06-05", 100)
    write = writer.write

    def lock_and_write(*args, **options):
        Bill.objects.filter(account=account).update(status="APPROVED", is_locked=True)
        return write(*args, **options)

    monkeypatch.setattr(writer, "write", lock_and_write)
    job = runners.run(shop.organization, "2024-06-15")

    locked, written = Bill.objects.get(account=account), Bill.objects.get(account=other)
    assert (locked.total, locked.status, locked.version) == (20, "APPROVED", 1)
    assert (written.total, written.version) == (30, 2)
    assert BillJobAccount.objects.get(bill_job=job, account=account).status == "LOCKED"
    assert (job.billed, job.skipped) == (1, 1)
