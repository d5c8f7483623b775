"""Families under several workers: one bill each, credit drawn once, nothing in halves."""

from datetime import date
from decimal import Decimal

import pytest

from billing.bills import chunks, runs, slices
from billing.models import Bill, BillJob, Commitment
from tests.billing.bills import charging, runners
from tests.billing.bills.test_concurrency import at_once
from tests.billing.bills.test_families import USED, Household, lines_of

pytestmark = pytest.mark.django_db(transaction=True)
MONTH = "2024-06-15"


def prepared(household):
    job = runners.start(household.shop.organization, MONTH)
    runs.prepare(job.pk)
    return BillJob.objects.get(pk=job.pk)


def drawn():
    return sorted(
        amount
        for bill in Bill.objects.all()
        for kind, _, amount in lines_of(bill)
        if kind == "COMMITMENT_CONSUMED"
    )


def test_two_jobs_for_one_family_make_one_bill_each_and_draw_once():
    household = Household("CHILD")
    household.use(USED)
    charging.commitment(household.accounts["parent"], 800, child_billing_mode="CHILD")
    jobs = [prepared(household), prepared(household)]

    at_once(*[lambda job=job: chunks.bill_chunk(job.chunks.get().pk) for job in jobs])

    for job in jobs:
        job.refresh_from_db()
        assert (job.status, job.billed, job.parked) == ("COMPLETE", 3, 0)
    assert Bill.objects.count() == 3
    assert drawn() == [Decimal("-416.67"), Decimal("-333.33"), Decimal(-50)]
    assert Commitment.objects.get().amount_spent == 800


def test_a_prepayment_that_came_after_reading_is_seen_by_the_whole_family():
    household = Household("CHILD")
    household.use(USED)
    job = prepared(household)
    account_ids = [account.pk for account in household.accounts.values()]
    taken = chunks.snapshot.take(household.shop.organization.pk, account_ids, chunks.wanted(job))

    charging.commitment(household.accounts["parent"], 800, child_billing_mode="CHILD")
    slices.bill(job, taken, account_ids)

    assert drawn() == [Decimal("-416.67"), Decimal("-333.33"), Decimal(-50)]


def test_a_child_that_came_after_reading_is_pooled_when_the_family_is_written():
    household = Household("PARENT_SUMMARY", children=("a",))
    job = prepared(household)
    account_ids = [account.pk for account in household.accounts.values()]
    taken = chunks.snapshot.take(household.shop.organization.pk, account_ids, chunks.wanted(job))

    late = household.shop.account(code="late")
    late.account_plans.all().delete()
    late.parent_account = household.accounts["parent"]
    late.save()
    household.accounts["late"] = late
    household.use({"parent": 100, "late": 50})
    slices.bill(job, taken, account_ids)

    bill = Bill.objects.get(account=household.accounts["parent"], boundary_date=date(2024, 7, 1))
    assert bill.total == 150


def test_families_are_never_cut_between_chunks(monkeypatch):
    monkeypatch.setattr("billing.bills.job_rows.CHUNK_AT_LEAST", 2)
    household = Household("CHILD", children=("a", "b", "c", "d"))
    for _ in range(5):
        household.shop.account()

    job = prepared(household)

    homes = {job.accounts.get(account=account).chunk_id for account in household.accounts.values()}
    assert len(homes) == 1
    assert job.chunks.count() > 1
