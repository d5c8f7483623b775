"""Accounts that cannot be billed are parked, wait for a retry, and hold up no other (JOB-10)."""

from decimal import Decimal

import pytest

from billing.bills import planning, runs, slices, snapshot
from billing.models import (
    Bill,
    BillJobAccount,
    BillJobStatus,
)
from organizations.kernel import principals
from organizations.kernel.errors import DomainError
from organizations.models import Alert, OrganizationConfig
from tests import factories
from tests.billing.bills import making, runners

pytestmark = pytest.mark.django_db

MONTH = "2024-06-15"


def system(shop: making.Shop) -> principals.Principal:
    return principals.system(shop.organization.pk)


def test_an_account_without_a_conversion_rate_is_parked_and_the_rest_are_billed():
    shop = making.Shop()
    good, bad = shop.accounts(2)
    factories.make_currency(shop.organization, code="EUR")
    bad.currency = "EUR"
    bad.save()

    job = runners.run(shop.organization, MONTH)

    assert [bill.account_id for bill in Bill.objects.all()] == [good.pk]
    row = BillJobAccount.objects.get(account=bad)
    assert row.status == "PARKED"
    assert row.reason == (
        f"There is no conversion rate from USD to EUR, which the bill of account {bad.code} "
        "needs. Currency codes are compared exactly."
    )
    assert (job.status, job.billed, job.parked, job.pending) == ("COMPLETE", 1, 1, 0)
    alert = Alert.objects.get(severity="ERROR")
    assert (alert.account_id, alert.resource_id) == (bad.pk, job.pk)
    assert row.reason in alert.description


def test_a_parked_account_is_billed_by_a_retry_once_the_reason_is_gone():
    shop = making.Shop()
    account = shop.account(currency="EUR")
    shop.account()
    job = runners.run(shop.organization, MONTH)
    untouched = Bill.objects.values().get()
    OrganizationConfig.objects.filter(organization=shop.organization).update(
        currency_conversions=[{"from": "USD", "to": "EUR", "multiplier": Decimal("0.5")}]
    )

    retried = runs.retry(job, by=system(shop))
    assert (retried.status, retried.pending, retried.parked) == ("RUNNING", 1, 0)
    runners.work_off(retried)

    assert Bill.objects.get(account=account).total == Decimal(10)
    assert Bill.objects.values().get(pk=untouched["id"]) == untouched
    assert (retried.status, retried.billed, retried.parked) == ("COMPLETE", 2, 0)


def test_a_job_without_parked_accounts_or_at_work_cannot_be_retried():
    shop = making.Shop()
    shop.account()
    job = runners.run(shop.organization, MONTH)
    running = runners.start(shop.organization, MONTH)

    with pytest.raises(runs.NothingParked):
        runs.retry(job, by=system(shop))
    with pytest.raises(runs.JobNotRunning):
        runs.retry(running, by=system(shop))

    job.refresh_from_db()
    assert job.status == BillJobStatus.COMPLETE


def test_what_nobody_expected_parks_only_the_account_at_fault(monkeypatch, caplog):
    shop = making.Shop()
    good, bad = shop.accounts(2)
    calculate = slices.calculation.calculate

    def fail_for_bad(account, drawn=None):
        if account.facts.id == bad.pk:
            raise ZeroDivisionError("secret detail")
        return calculate(account, drawn)

    monkeypatch.setattr(slices.calculation, "calculate", fail_for_bad)

    runners.run(shop.organization, MONTH)

    reason = BillJobAccount.objects.get(account=bad).reason
    assert reason.startswith("An unexpected error")
    assert "secret detail" not in reason
    assert "secret detail" in caplog.text
    assert [bill.account_id for bill in Bill.objects.all()] == [good.pk]


@pytest.mark.parametrize("trouble", [DomainError("no"), ValueError("x")])
def test_bills_that_cannot_be_counted_do_not_hold_up_the_job(monkeypatch, caplog, trouble):
    shop = making.Shop()
    shop.accounts(2)
    due, calls = planning.due, []

    def fail_at_first(*args):
        calls.append(args)
        if len(calls) == 1:
            raise trouble
        return due(*args)

    monkeypatch.setattr(planning, "due", fail_at_first)

    job = runners.run(shop.organization, MONTH)

    assert (job.status, job.billed, job.parked) == ("COMPLETE", 2, 0)
    assert job.pending_bills == 0
    assert ("could not be counted" in caplog.text) == isinstance(trouble, ValueError)


def test_an_account_that_cannot_be_read_does_not_hold_up_those_read_with_it(monkeypatch):
    shop = making.Shop()
    accounts = shop.accounts(5)
    bad = accounts[2]
    take = snapshot.take

    def fail_for_bad(organization_id, account_ids, *args, **kwargs):
        if bad.pk in account_ids:
            raise ValueError
        return take(organization_id, account_ids, *args, **kwargs)

    monkeypatch.setattr(snapshot, "take", fail_for_bad)

    job = runners.run(shop.organization, MONTH)

    assert (job.status, job.billed, job.parked) == ("COMPLETE", 4, 1)
    assert BillJobAccount.objects.get(status="PARKED").account_id == bad.pk


def test_an_account_that_cannot_be_written_does_not_hold_up_those_written_with_it(monkeypatch):
    shop = making.Shop()
    accounts = shop.accounts(5)
    bad = accounts[2]
    write = slices.writer.write

    def fail_for_bad(taken, calculated, **kwargs):
        if any(facts.id == bad.pk for facts, _ in calculated):
            raise ValueError
        return write(taken, calculated, **kwargs)

    monkeypatch.setattr(slices.writer, "write", fail_for_bad)

    job = runners.run(shop.organization, MONTH)

    assert (job.status, job.billed, job.parked) == ("COMPLETE", 4, 1)
    assert Bill.objects.count() == 4
