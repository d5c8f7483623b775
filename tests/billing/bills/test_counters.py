"""Counters on real bills: read, stored with their fields, explained, printed, corrected."""

import io
from datetime import date
from decimal import Decimal

import pypdf
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing import representations
from billing.bills import documents, explain, snapshot
from billing.bills.selection import DueBills
from billing.models import Bill, BillJobAccount
from tests import factories
from tests.billing.bills import making, runners
from tests.catalog import rows

pytestmark = pytest.mark.django_db


class Seats(making.Shop):
    """A shop that sells seats at 12.50, the running total in advance and all prorated."""

    def __init__(self) -> None:
        super().__init__(standing_charge=Decimal(0))
        self.counter = rows.make_counter(self.organization, name="Seats")
        self.price = rows.make_counter_pricing(self.plan, self.counter)

    def holder(self, *values: tuple[str, int]):
        """Make an account that holds so many seats from the days on."""
        account = self.account()
        for day, value in values:
            rows.make_counter_adjustment(account, self.counter, date.fromisoformat(day), value)
        return account


def bill_of_june(shop, account) -> Bill:
    runners.run(shop.organization, "2024-06-15")
    return Bill.objects.get(account=account, boundary_date="2024-07-01")


def test_lines_of_counters_are_stored_with_what_they_charge():
    shop = Seats()
    accounting = factories.make_product(shop.organization, name="Seat sales")
    shop.price.accounting_product = accounting
    shop.price.save()
    account = shop.holder(("2024-05-01", 10), ("2024-06-16", 12))

    bill = bill_of_june(shop, account)

    # July in advance 12 x 12.50 = 150.00; 2 x 12.50 x 15/30 = 12.50.
    assert runners.shown(bill) == [
        ("COUNTER_RUNNING_TOTAL_CHARGE", Decimal(150)),
        ("COUNTER_ADJUSTMENT_DEBIT", Decimal("12.5")),
    ]
    for line in bill.line_items.all():
        assert (line.counter_id, line.pricing_id) == (shop.counter.pk, shop.price.pk)
        assert (line.plan_id, line.product_code, line.unit) == (shop.plan.pk, "storage", "seats")
        assert line.accounting_product_id == accounting.pk
    total = bill.line_items.get(line_item_type="COUNTER_RUNNING_TOTAL_CHARGE")
    assert (total.quantity, total.units, total.average_unit_price) == (12, 12, Decimal("12.5"))


def test_lines_of_counters_are_told_recomputed_and_printed():
    shop = Seats()
    account = shop.holder(("2024-05-01", 10), ("2024-06-16", 12), ("2024-06-21", 9))
    bill = bill_of_june(shop, account)

    told = {line.line.line_item_type: line for line in explain.explain_bill(bill)}

    assert told["COUNTER_RUNNING_TOTAL_CHARGE"].sentence == ("9 seats x 12.50 = 112.50 USD.")
    assert told["COUNTER_ADJUSTMENT_DEBIT"].sentence == (
        "2 seats x 12.50 x 15/30 days = 12.50 USD."
    )
    assert told["COUNTER_ADJUSTMENT_CREDIT"].sentence == (
        "-3 seats x 12.50 x 10/30 days = -12.50 USD."
    )
    steps = told["COUNTER_ADJUSTMENT_CREDIT"].steps
    assert [(step.label, step.reckoning, step.result) for step in steps] == [
        ("Price", "each band's units at that band's price", "1 band"),
        ("Change", "12 to 9, on 2024-06-21", "-3 seats"),
        ("Band above 0", "-3 x 12.5", "-37.5"),
        ("By days", "-37.5 x 10/30 days", "-12.5"),
        ("Subtotal", "rounded to 2 decimal places (HALF_UP)", "-12.50 USD"),
    ]
    assert all(one.recomputed.matches and one.current.matches for one in told.values())
    page = pypdf.PdfReader(io.BytesIO(documents.pdf(bill))).pages[0].extract_text()
    assert "Counter Adjustment Credit" in page


def test_the_wire_names_the_counter_and_its_price_on_the_line():
    shop = Seats()
    line = bill_of_june(shop, shop.holder(("2024-05-01", 10))).line_items.get()

    shown = representations.line_item(line)

    assert (shown["counterId"], shown["pricingId"]) == (str(shop.counter.pk), str(shop.price.pk))
    assert (shown["planId"], shown["unit"], shown["units"]) == (str(shop.plan.pk), "seats", 10)
    [band] = shown["bandUsage"]
    assert (band["bandUnits"], band["bandSubtotal"]) == (10, 125)


def test_a_price_and_a_name_that_changed_since_are_told_in_words():
    shop = Seats()
    line = bill_of_june(shop, shop.holder(("2024-05-01", 10))).line_items.get()
    shop.counter.name = "Desks"
    shop.counter.save()
    shop.price.pro_rate_running_total = False
    shop.price.bands = factories.bands((0, 0, 20))
    shop.price.save()

    check = explain.explain(line).current

    assert not check.matches
    found = {one.field: (one.stored, one.now) for one in check.differences}
    assert found["subtotal"] == (125, 200)
    assert found["counter"] == ("Seats, in seats", "Desks, in seats")
    assert found["days"] == ("31/31 days", "in full")
    assert found["bands"] == ("above 0: 12.5", "above 0: 20")


def test_an_adjustment_posted_late_is_taken_up_when_the_bill_is_calculated_again():
    # CTR-11
    shop = Seats()
    account = shop.holder(("2024-05-01", 10))
    before = bill_of_june(shop, account)
    rows.make_counter_adjustment(account, shop.counter, date(2024, 6, 16), 12)

    bill = bill_of_june(shop, account)

    assert before.total == 125
    assert bill.total == Decimal("162.5")


def test_an_account_without_units_has_no_bill_on_the_day_its_plan_begins():
    shop = Seats()
    none, some = (
        factories.make_account(shop.organization),
        factories.make_account(shop.organization),
    )
    for account in (none, some):
        factories.make_account_plan(
            account, shop.plan, start_date=runners.instant("2024-06-01T00:00")
        )
    rows.make_counter_adjustment(some, shop.counter, date(2024, 5, 1), 2)

    runners.run(shop.organization, "2024-05-31")

    bill = Bill.objects.get()
    assert (bill.account_id, bill.boundary_date, bill.total) == (some.pk, date(2024, 6, 1), 25)


def test_a_running_total_is_not_charged_twice_when_it_moves_from_advance_to_arrears():
    shop = Seats()
    account = shop.holder(("2024-04-01", 10))
    runners.run(shop.organization, "2024-05-15")  # June in advance
    shop.price.running_total_bill_in_advance = False
    shop.price.save()

    job = runners.run(shop.organization, "2024-06-15")

    reason = BillJobAccount.objects.get(bill_job=job, account=account).reason
    assert reason.startswith("Counter Running Total Charge for 2024-06-01 to 2024-07-01 is already")


def test_the_number_of_queries_is_the_same_for_one_holder_and_for_twenty():
    shop = Seats()
    accounts = [shop.holder(("2024-05-01", number + 1)).pk for number in range(20)]

    def queries(ids):
        with CaptureQueriesContext(connection) as captured:
            snapshot.take(shop.organization.pk, ids, DueBills(on=date(2024, 6, 15)))
        return len(captured)

    assert queries(accounts) == queries(accounts[:1]) <= 20
