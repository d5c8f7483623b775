"""Two at once: workers on one chunk, jobs on one account, people on one bill, ingest beside all."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from billing.bills import chunks, leases, lifecycle, numbering, runs, slices
from billing.models import Bill, BillJob, BillJobChunk, LineItem
from organizations.kernel import isolation, principals
from organizations.kernel.errors import DomainError
from tests.billing.bills import making, runners

pytestmark = pytest.mark.django_db(transaction=True)

MONTH = "2024-06-15"


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run the calls in threads that begin together; returns results, or what was raised."""
    barrier = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    @isolation.everywhere()
    def work(position: int) -> None:
        try:
            barrier.wait(timeout=10)
            results[position] = calls[position]()
        except Exception as error:
            results[position] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive()
    return results


def prepared(shop: making.Shop) -> BillJob:
    job = runners.start(shop.organization, MONTH)
    runs.prepare(job.pk)
    job.refresh_from_db()
    return job


def test_two_workers_on_one_chunk_bill_each_account_once():
    shop = making.Shop()
    shop.accounts(10)
    job = prepared(shop)
    chunk = job.chunks.get()

    at_once(*[lambda: chunks.bill_chunk(chunk.pk)] * 4)

    job.refresh_from_db()
    assert (job.status, job.billed, job.pending) == ("COMPLETE", 10, 0)
    assert Bill.objects.count() == LineItem.objects.count() == 10
    assert set(Bill.objects.values_list("version", flat=True)) == {1}


def test_two_workers_that_both_hold_the_lease_bill_each_account_once(monkeypatch):
    # A lease may end while its worker is only slow.
    shop = making.Shop()
    shop.accounts(10)
    monkeypatch.setattr(chunks, "SLICE", 3)
    job = prepared(shop)
    chunk = BillJobChunk.objects.select_related("bill_job").get()
    account_ids = sorted(job.accounts.values_list("account_id", flat=True))

    results = at_once(*[lambda: chunks._bill(chunk, account_ids)] * 2)

    job.refresh_from_db()
    assert results == [None, None]
    assert (job.billed, job.pending) == (10, 0)
    assert Bill.objects.count() == LineItem.objects.count() == 10
    assert set(Bill.objects.values_list("version", flat=True)) == {1}


def test_a_lease_is_kept_while_a_worker_reads_for_long_and_ends_with_its_work(monkeypatch):
    shop = making.Shop()
    shop.account()
    chunk = prepared(shop).chunks.get()
    monkeypatch.setattr(leases, "LEASE", timedelta(seconds=0.6))
    held = leases.take(chunk.pk)

    with leases.keeping(held):
        time.sleep(1.2)
        assert leases.take(chunk.pk) is None

    chunk.refresh_from_db()
    assert (chunk.lease_ends_at > held.lease_ends_at, chunk.attempts) == (True, 1)
    time.sleep(0.7)
    assert leases.take(chunk.pk).attempts == 2


def test_two_jobs_for_the_same_accounts_make_one_bill_each():
    shop = making.Shop()
    shop.accounts(10)
    jobs = [prepared(shop), prepared(shop)]

    at_once(*[lambda job=job: chunks.bill_chunk(job.chunks.get().pk) for job in jobs])

    for job in jobs:
        job.refresh_from_db()
        assert (job.status, job.billed, job.parked) == ("COMPLETE", 10, 0)
    assert Bill.objects.count() == LineItem.objects.count() == 10
    # Whichever came second recalculated in place.
    assert set(Bill.objects.values_list("version", flat=True)) == {2}


def test_a_run_that_read_before_another_wrote_calculates_again_under_the_lock(monkeypatch):
    shop = making.Shop(minimum_spend=Decimal(100), minimum_spend_bill_in_advance=True)
    account = shop.account()
    runners.use(account, shop.meter, "2024-06-05", 300)
    later = runners.start(shop.organization, MONTH)
    runs.prepare(later.pk)
    bill = slices.bill
    monkeypatch.setattr(slices, "bill", lambda *args: None)
    taken = chunks.snapshot.take(
        shop.organization.pk, [account.pk], chunks.wanted(BillJob.objects.get(pk=later.pk))
    )
    monkeypatch.setattr(slices, "bill", bill)

    # Meanwhile May is billed: it carries June's minimum spend in advance.
    runners.run(shop.organization, "2024-05-15")
    slices.bill(BillJob.objects.get(pk=later.pk), taken, [account.pk])

    # By hand: 300 x 0.10 = 30 used, so 30 of the 100 paid in advance come back.
    june = Bill.objects.get(boundary_date="2024-07-01")
    assert runners.shown(june) == [
        ("STANDING_CHARGE", Decimal(20)),
        ("USAGE", Decimal(30)),
        ("MINIMUM_SPEND", Decimal(100)),
        ("MINIMUM_SPEND_REFUND", Decimal(-30)),
    ]


def test_numbers_are_given_once_and_without_a_gap_under_many_workers():
    shop = making.Shop(config={"bill_prefix": "B-", "sequence_start_number": 0})
    shop.accounts(12)
    job = prepared(shop)
    account_ids = sorted(job.accounts.values_list("account_id", flat=True))
    for start in range(0, 12, 3):
        taken = chunks.snapshot.take(
            shop.organization.pk, account_ids[start : start + 3], chunks.wanted(job)
        )
        slices.bill(job, taken, account_ids[start : start + 3])

    at_once(*[lambda: numbering.number(shop.organization.pk)] * 4)

    references = Bill.objects.order_by("created_at", "id").values_list(
        "invoice_reference", flat=True
    )
    assert list(references) == [f"B-{number}" for number in range(1, 13)]


def test_a_bill_locked_while_it_is_calculated_stays_as_it_was_locked():
    shop = making.Shop()
    account = shop.account()
    runners.run(shop.organization, MONTH)
    by, at = principals.system(shop.organization.pk), runners.instant("2024-07-02")
    job = prepared(shop)
    taken = chunks.snapshot.take(shop.organization.pk, [account.pk], chunks.wanted(job))
    runners.use(account, shop.meter, "2024-06-05", 300)

    bill = Bill.objects.get()
    lifecycle.lock(lifecycle.approve(bill, by=by, at=at), by=by, at=at)
    frozen = Bill.objects.values().get()
    slices.bill(job, taken, [account.pk])

    assert Bill.objects.values().get() == frozen
    assert job.accounts.get().status == "LOCKED"


def test_approving_deleting_and_recalculating_one_bill_at_once_ends_well():
    shop = making.Shop()
    shop.accounts(4)
    runners.run(shop.organization, MONTH)
    by, at = principals.system(shop.organization.pk), runners.instant("2024-07-02")
    bills = list(Bill.objects.order_by("id"))
    job = prepared(shop)

    results = at_once(
        lambda: [lifecycle.approve(bill, by=by, at=at) for bill in bills],
        lambda: [lifecycle.approve(bill, by=by, at=at) for bill in reversed(bills)],
        lambda: lifecycle.delete(bills[0], by=by),
        lambda: lifecycle.approve_many(
            shop.organization, by=by, at=at, bill_ids=[bill.pk for bill in bills[1:]]
        ),
        lambda: chunks.bill_chunk(job.chunks.get().pk),
    )

    unexpected = [
        result
        for result in results
        if isinstance(result, Exception) and not isinstance(result, DomainError)
    ]
    assert unexpected == []
    assert Bill.objects.count() == LineItem.objects.count() == BillCount(4, 3)


class BillCount:
    """Three or four bills: the delete may come before or after the recalculation."""

    def __init__(self, *counts: int) -> None:
        self.counts = counts

    def __eq__(self, other: object) -> bool:
        return other in self.counts

    def __hash__(self) -> int:
        return hash(self.counts)


def test_measurements_are_taken_in_while_a_run_holds_its_locks():
    shop = making.Shop()
    account = shop.account()

    def ingest() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
        runners.use(account, shop.meter, "2024-06-05", 1)

    with transaction.atomic():
        slices.lock_accounts([account.pk])
        runners.run(shop.organization, MONTH)
        results = at_once(ingest)

    assert results == [None]
