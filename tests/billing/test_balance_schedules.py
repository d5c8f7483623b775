"""Schedules of balances: what they plan, and that each run happens once."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from billing import balance_schedules
from billing.models import (
    Balance,
    BalanceChargeSchedule,
    BalanceTransaction,
    BalanceTransactionSchedule,
    Charge,
)
from billing.rating.cycles import BillFrequency, Cycle
from billing.rating.occurrences import bill_date, instants, slices
from organizations.kernel import changes, principals
from organizations.models import TransactionType
from tests.billing.bills import runners
from tests.billing.bills.test_concurrency import at_once
from tests.billing.test_ledger import make_balance
from tests.factories import make_account, make_organization, number


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_transactions_stand_at_the_start_and_after_each_interval_before_the_end():
    found = instants(at("2026-01-31"), at("2026-05-01"), frequency="MONTHLY", interval=1, zone=UTC)

    assert [one.date().isoformat() for one in found] == [
        "2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30",
    ]  # fmt: skip


def test_a_schedule_keeps_the_local_time_when_clocks_change():
    found = instants(
        at("2026-03-28T08:00"),
        at("2026-03-31"),
        frequency="DAILY",
        interval=1,
        zone=ZoneInfo("Europe/Berlin"),
    )

    assert [one.hour for one in found] == [8, 7, 7]


def test_charges_cover_the_service_period_slice_by_slice():
    # SCH-3: the first and the last slice are cut.
    cycle = Cycle(BillFrequency.MONTHLY, 1, date(2026, 1, 1))

    found = list(slices(at("2026-01-15"), at("2026-03-10"), cycle=cycle, zone=UTC))

    days = [(one.start.date().isoformat(), one.end.date().isoformat()) for one in found]
    assert days == [
        ("2026-01-15", "2026-02-01"), ("2026-02-01", "2026-03-01"), ("2026-03-01", "2026-03-10"),
    ]  # fmt: skip
    advance = [bill_date(one, in_advance=True, zone=UTC).isoformat() for one in found]
    arrears = [bill_date(one, in_advance=False, zone=UTC).isoformat() for one in found]
    assert advance == ["2026-01-15", "2026-02-01", "2026-03-01"]
    assert arrears == ["2026-02-01", "2026-03-01", "2026-03-10"]


def system(row):
    return principals.system(row.organization_id)


def transaction_schedule(balance, **overrides):
    kind = TransactionType.objects.create(
        organization_id=balance.organization_id, name="Top-up", code=f"t{number()}"
    )
    fields = {
        "name": "Monthly", "code": f"monthly-{number()}", "amount": Decimal(10),
        "transaction_description": "Credit", "transaction_type": kind,
        "start_date": at("2026-01-01"), "end_date": at("2026-07-01"),
        "frequency": "MONTHLY", "frequency_interval": 1,
    }  # fmt: skip
    row = BalanceTransactionSchedule(
        organization_id=balance.organization_id, balance=balance, **{**fields, **overrides}
    )
    return changes.create(row, by=system(balance))


def charge_schedule(balance, **overrides):
    fields = {
        "name": "Fee", "code": f"fee-{number()}", "amount": Decimal(25), "currency": "USD",
        "service_period_start_date": at("2026-01-01"), "service_period_end_date": at("2026-07-01"),
        "bill_frequency": "MONTHLY", "bill_frequency_interval": 1, "bill_in_advance": True,
        "charge_description": "Credit fee",
    }  # fmt: skip
    row = BalanceChargeSchedule(
        organization_id=balance.organization_id, balance=balance, **{**fields, **overrides}
    )
    return changes.create(row, by=system(balance))


@pytest.fixture
def balance(db):
    return make_balance(make_account(make_organization()))


def test_a_schedule_catches_up_after_the_sweeper_was_down(balance):
    schedule = transaction_schedule(balance)
    assert schedule.next_run == at("2026-01-01")

    balance_schedules.run_due(at("2026-04-15"))
    balance_schedules.run_due(at("2026-04-15"))

    schedule.refresh_from_db()
    assert (schedule.previous_run, schedule.next_run) == (at("2026-04-01"), at("2026-05-01"))
    assert Balance.objects.get(pk=balance.pk).amount == 40
    rows = BalanceTransaction.objects.order_by("applied_date")
    assert [row.applied_date.month for row in rows] == [1, 2, 3, 4]
    assert {(row.entity_type, row.entity_id) for row in rows} == {("SCHEDULER", schedule.pk)}


def test_a_schedule_ends(balance):
    schedule = transaction_schedule(balance)

    balance_schedules.run_due(at("2030-01-01"))

    schedule.refresh_from_db()
    assert (schedule.previous_run, schedule.next_run) == (at("2026-06-01"), None)
    assert Balance.objects.get(pk=balance.pk).amount == 60


def test_each_slice_is_charged_once_on_its_bill_date(balance):
    schedule = charge_schedule(balance)

    balance_schedules.run_due(at("2026-02-01"))
    balance_schedules.run_due(at("2026-02-01"))

    charges = Charge.objects.order_by("bill_date")
    assert [charge.bill_date for charge in charges] == [date(2026, 1, 1), date(2026, 2, 1)]
    assert {charge.amount for charge in charges} == {25}
    assert {charge.schedule_id for charge in charges} == {schedule.pk}
    assert {(one.entity_type, one.line_item_type) for one in charges} == {
        ("BALANCE", "BALANCE_FEE")
    }


def test_a_changed_schedule_replaces_what_is_not_billed_and_lies_ahead(balance):
    # Bill dates of 2099: all of them lie ahead.
    schedule = charge_schedule(
        balance,
        service_period_start_date=at("2099-01-01"),
        service_period_end_date=at("2099-07-01"),
    )
    balance_schedules.run_due(at("2099-03-01"))
    assert Charge.objects.count() == 3

    with changes.editing(schedule, by=system(balance)) as changed:
        changed.amount = Decimal(30)
    assert Charge.objects.count() == 0
    balance_schedules.run_due(at("2099-02-01"))

    assert list(Charge.objects.order_by("bill_date").values_list("amount", flat=True)) == [30, 30]


def test_a_changed_schedule_leaves_what_is_past(balance):
    schedule = charge_schedule(balance)
    balance_schedules.run_due(at("2026-02-01"))

    with changes.editing(schedule, by=system(balance)) as changed:
        changed.amount = Decimal(30)
    balance_schedules.run_due(at("2026-03-01"))

    found = Charge.objects.order_by("bill_date").values_list("bill_date__month", "amount")
    assert list(found) == [(1, 25), (2, 25), (3, 30)]


def test_a_bill_run_first_makes_the_charges_that_are_due(balance):
    charge_schedule(balance)

    runners.run(balance.organization, "2026-01-15")

    # It is at least the third month: those of January and February are there.
    assert Charge.objects.filter(bill_date__lte=date(2026, 2, 1)).count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_sweepers_at_once_post_each_run_once():
    balance = make_balance(make_account(make_organization()))
    transaction_schedule(balance, frequency="DAILY", end_date=at("2026-02-01"))
    charge_schedule(balance)

    at_once(*[lambda: balance_schedules.run_due(at("2026-03-01"))] * 3)

    assert Balance.objects.get(pk=balance.pk).amount == 310
    assert BalanceTransaction.objects.count() == 31
    assert Charge.objects.count() == 3
