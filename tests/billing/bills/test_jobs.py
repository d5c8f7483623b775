"""Bill jobs as data: limits, progress, parked accounts, cancel, retry, dead workers."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing import representations
from billing.bills import chunks, job_rows, runs, slices
from billing.bills.job_requests import JobRequest
from billing.models import (
    Bill,
    BillJob,
    BillJobAccount,
    BillJobChunk,
    BillJobStatus,
    ChunkStatus,
    LineItem,
)
from organizations.kernel import clock, ids, principals
from organizations.kernel.errors import DomainError
from organizations.models import Event
from tests import factories
from tests.billing.bills import making, runners

pytestmark = pytest.mark.django_db

MONTH = "2024-06-15"


def system(shop: making.Shop) -> principals.Principal:
    return principals.system(shop.organization.pk)


@pytest.mark.parametrize(
    ("request_fields", "field"),
    [
        ({"account_ids": [str(ids.new_id())]}, "accountIds"),
        ({"account_ids": ["not an id"]}, "accountIds"),
        ({"account_ids": [str(ids.new_id()) for _ in range(101)]}, "accountIds"),
        ({"billing_frequency": "MIXED"}, "billingFrequency"),
        ({"billing_frequency": "HOURLY"}, "billingFrequency"),
        ({"bill_frequency_interval": 366}, "billFrequencyInterval"),
        ({"target_currency": "EUR"}, "targetCurrency"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"currency_conversions": [{"from": "USD", "to": "EUR", "multiplier": 0}]},
         "currencyConversions"),
        ({"currency_conversions": [{"from": "A", "to": "B", "multiplier": 1}] * 251},
         "currencyConversions"),
    ],
)  # fmt: skip
def test_a_job_that_asks_for_the_impossible_is_refused_and_nothing_begins(request_fields, field):
    shop = making.Shop()
    shop.account()

    with pytest.raises(DomainError) as refusal:
        runners.start(shop.organization, MONTH, **request_fields)

    assert refusal.value.status_code == 400
    assert [error.field for error in refusal.value.errors] == [field]
    assert not BillJob.objects.exists()
    assert not Event.objects.filter(name__startswith="billing.").exists()


def test_an_account_of_another_organization_is_unknown():
    shop, other = making.Shop(), making.Shop()
    stranger = other.account()

    with pytest.raises(DomainError, match=str(stranger.pk)):
        runners.start(shop.organization, MONTH, account_ids=[stranger.pk])

    assert not BillJob.objects.exists()


def test_the_eleventh_running_job_is_refused_with_429():
    shop = making.Shop()
    shop.account()
    jobs = [runners.start(shop.organization, MONTH) for _ in range(10)]

    with pytest.raises(runs.TooManyJobs) as refusal:
        runners.start(shop.organization, MONTH)
    runners.work_off(jobs[0])
    runners.start(shop.organization, MONTH)

    assert (refusal.value.status_code, refusal.value.code) == (429, "TOO_MANY_REQUESTS")
    assert BillJob.objects.count() == 11


def test_a_retry_beside_ten_running_jobs_is_refused_and_changes_nothing():
    shop = making.Shop()
    shop.account(currency="EUR")
    job = runners.run(shop.organization, MONTH)
    for _ in range(10):
        runners.start(shop.organization, MONTH)

    with pytest.raises(runs.TooManyJobs):
        runs.retry(job, by=system(shop))

    job.refresh_from_db()
    assert (job.status, job.parked) == (BillJobStatus.COMPLETE, 1)


def test_a_job_goes_from_pending_to_complete_and_counts():
    shop = making.Shop()
    shop.accounts(3)

    job = runners.start(shop.organization, MONTH)
    assert (job.status, job.version, job.total) == (BillJobStatus.PENDING, 1, 3)
    runs.prepare(job.pk)
    job.refresh_from_db()
    assert (job.status, job.total, job.pending) == (BillJobStatus.RUNNING, 3, 3)
    runs.prepare(job.pk)
    runners.work_off(job)

    assert (job.status, job.total, job.pending, job.billed) == (BillJobStatus.COMPLETE, 3, 0, 3)
    assert BillJobAccount.objects.filter(bill_job=job).count() == 3
    names = Event.objects.filter(resource_id=job.pk).order_by("created_at", "id")
    states = [event.payload["eventData"]["newDto"]["status"] for event in names]
    assert states == ["PENDING", "INITIALIZING", "RUNNING", "COMPLETE"]


def test_jobs_count_bills_where_the_console_counts_accounts_too():
    """JOB-2: one account with two cycles, one with a plan that has not begun, one parked."""
    shop = making.Shop()
    both, later, lost = shop.account(), factories.make_account(shop.organization), shop.account()
    template = factories.make_plan_template(
        factories.make_product(shop.organization), bill_frequency="WEEKLY", currency="USD"
    )
    factories.make_account_plan(both, factories.make_plan(template))
    factories.make_account_plan(later, shop.plan, start_date=runners.instant("2024-08-05"))
    lost.currency = "EUR"
    lost.save()

    job = runners.start(shop.organization, MONTH)
    runs.prepare(job.pk)
    job.refresh_from_db()
    ahead = representations.bill_job(job)
    runners.work_off(job)
    over = representations.bill_job(job)

    assert (ahead["total"], ahead["pending"]) == (3, 3)
    assert (over["total"], over["pending"]) == (3, 0)
    assert (job.total, job.billed, job.skipped, job.parked) == (3, 1, 1, 1)
    again = representations.bill_job(runs.retry(job, by=system(shop)))
    assert (again["total"], again["pending"]) == (3, 1)


def test_a_recalculation_counts_its_bills():
    shop = making.Shop()
    shop.account()
    for month in ("2024-05-15", "2024-06-15"):
        runners.run(shop.organization, month)
    at = runners.instant("2024-09-01")
    bill_ids = list(Bill.objects.values_list("pk", flat=True))

    job = runs.recalculate(shop.organization, bill_ids, by=system(shop), at=at)
    asked = (job.total_bills, job.pending_bills)
    runners.work_off(job)

    assert asked == (2, 2)
    assert (job.total_bills, job.pending_bills, job.total) == (2, 0, 1)


def test_a_job_of_an_organization_without_plans_is_complete_at_once():
    organization = factories.make_organization()
    factories.make_account(organization)

    job = runners.run(organization, MONTH)

    assert (job.status, job.total) == (BillJobStatus.COMPLETE, 0)


def test_a_job_for_named_accounts_bills_no_other():
    shop = making.Shop()
    named, _other = shop.accounts(2)

    runners.run(shop.organization, MONTH, account_ids=[named.pk, str(named.pk)])

    assert [bill.account_id for bill in Bill.objects.all()] == [named.pk]


def test_a_chunk_that_runs_twice_bills_once():
    shop = making.Shop()
    shop.accounts(3)
    job = runners.run(shop.organization, MONTH)
    bills = list(Bill.objects.order_by("id").values())

    for chunk in job.chunks.all():
        chunks.bill_chunk(chunk.pk)
        BillJobChunk.objects.filter(pk=chunk.pk).update(status=ChunkStatus.PENDING)
        BillJob.objects.filter(pk=job.pk).update(status=BillJobStatus.RUNNING)
        chunks.bill_chunk(chunk.pk)

    assert list(Bill.objects.order_by("id").values()) == bills
    job.refresh_from_db()
    assert (job.status, job.billed, job.pending) == (BillJobStatus.COMPLETE, 3, 0)


def test_a_worker_that_dies_between_two_slices_loses_and_doubles_nothing(monkeypatch):
    shop = making.Shop()
    shop.accounts(6)
    monkeypatch.setattr(chunks, "SLICE", 2)
    job = runners.start(shop.organization, MONTH)
    runs.prepare(job.pk)
    chunk = job.chunks.get()
    bill = slices.bill
    done = []

    def die_at_the_second(*args):
        if done:
            raise SystemExit
        done.append(args)
        bill(*args)

    monkeypatch.setattr(slices, "bill", die_at_the_second)
    with pytest.raises(SystemExit):
        chunks.bill_chunk(chunk.pk)
    monkeypatch.setattr(slices, "bill", bill)
    first = set(Bill.objects.values_list("pk", "version"))
    assert len(first) == 2

    # While the lease lasts nobody touches the chunk; afterwards the sweep hands it out again.
    enqueued = []
    monkeypatch.setattr(
        chunks.tasks.bill_chunk, "delay", lambda **kwargs: enqueued.append(kwargs["chunk_id"])
    )
    chunks.bill_chunk(chunk.pk)
    chunks.sweep()
    assert (Bill.objects.count(), enqueued) == (2, [])
    BillJobChunk.objects.update(lease_ends_at=clock.now() - timedelta(seconds=1))
    chunks.sweep()
    assert enqueued == [str(chunk.pk)]
    chunks.bill_chunk(chunk.pk)

    job.refresh_from_db()
    assert (job.status, job.billed, job.pending) == (BillJobStatus.COMPLETE, 6, 0)
    assert first < set(Bill.objects.values_list("pk", "version"))
    assert Bill.objects.values("account").distinct().count() == Bill.objects.count() == 6
    assert LineItem.objects.count() == 6


def test_the_sweep_goes_on_where_the_broker_forgot(monkeypatch):
    shop = making.Shop()
    shop.account()
    waiting = runners.start(shop.organization, MONTH)
    forgotten = runners.start(shop.organization, MONTH)
    runs.prepare(forgotten.pk)
    prepared, enqueued = [], []
    monkeypatch.setattr(
        chunks.tasks.prepare_bill_job, "delay", lambda **kwargs: prepared.append(kwargs["job_id"])
    )
    monkeypatch.setattr(
        chunks.tasks.bill_chunk, "delay", lambda **kwargs: enqueued.append(kwargs["chunk_id"])
    )

    chunks.sweep()
    assert (prepared, enqueued) == ([], [])
    BillJob.objects.update(modified_at=clock.now() - timedelta(minutes=1))
    chunks.sweep()

    assert prepared == [str(waiting.pk)]
    assert enqueued == [str(forgotten.chunks.get().pk)]


def test_the_sweep_completes_a_job_whose_last_worker_died_before_it_could(monkeypatch):
    shop = making.Shop()
    shop.account()
    job = runners.start(shop.organization, MONTH)
    runs.prepare(job.pk)
    monkeypatch.setattr(chunks, "complete", lambda job: None)
    chunks.bill_chunk(job.chunks.get().pk)
    monkeypatch.undo()

    chunks.sweep()

    job.refresh_from_db()
    assert job.status == BillJobStatus.COMPLETE


def test_cancel_stops_further_accounts_and_leaves_bills_that_are_written(monkeypatch):
    shop = making.Shop()
    shop.accounts(4)
    monkeypatch.setattr(chunks, "SLICE", 2)
    job = runners.start(shop.organization, MONTH)
    runs.prepare(job.pk)
    bill = slices.bill

    def cancel_after_the_first(*args):
        bill(*args)
        if BillJob.objects.get(pk=job.pk).status == BillJobStatus.RUNNING:
            runs.cancel(job, by=system(shop))

    monkeypatch.setattr(slices, "bill", cancel_after_the_first)

    chunks.bill_chunk(job.chunks.get().pk)

    job.refresh_from_db()
    assert (job.status, job.billed, job.pending) == (BillJobStatus.CANCELLED, 2, 0)
    assert Bill.objects.count() == 2
    assert BillJobAccount.objects.filter(status="CANCELLED").count() == 2
    assert runs.cancel(job, by=system(shop)).version == job.version


def test_a_complete_job_cannot_be_cancelled():
    shop = making.Shop()
    shop.account()
    job = runners.run(shop.organization, MONTH)

    with pytest.raises(runs.JobNotRunning):
        runs.cancel(job, by=system(shop))

    assert BillJob.objects.get().status == BillJobStatus.COMPLETE


def test_an_account_deleted_while_a_job_is_at_work_holds_up_nothing():
    shop = making.Shop()
    shop.account()
    job = runners.start(shop.organization, MONTH)
    runs.prepare(job.pk)
    gone = factories.make_account(shop.organization)
    BillJobAccount.objects.create(bill_job=job, account=gone, chunk=job.chunks.get())
    BillJob.objects.update(total=2, pending=2)
    gone.delete()

    runners.work_off(job)

    assert (job.status, job.pending, job.billed) == (BillJobStatus.COMPLETE, 0, 1)


def test_a_large_job_is_split_into_chunks(monkeypatch):
    monkeypatch.setattr(job_rows, "CHUNK_AT_LEAST", 2)
    monkeypatch.setattr(job_rows, "CHUNK_AT_MOST", 3)
    shop = making.Shop()
    shop.accounts(8)

    job = runners.run(shop.organization, MONTH)

    sizes = [chunk.accounts.count() for chunk in job.chunks.order_by("number")]
    assert sizes == [3, 3, 2]
    assert (job.status, job.billed) == (BillJobStatus.COMPLETE, 8)


def test_a_recalculation_names_bills_that_exist_and_at_most_a_hundred():
    shop = making.Shop()
    by, at = system(shop), runners.instant("2024-07-02")

    for bill_ids in ([], [ids.new_id()], [ids.new_id() for _ in range(101)]):
        with pytest.raises(DomainError) as refusal:
            runs.recalculate(shop.organization, bill_ids, by=by, at=at)
        assert [error.field for error in refusal.value.errors] == ["billIds"]

    assert not BillJob.objects.exists()


def test_a_recalculation_touches_only_its_bill_and_keeps_its_dates():
    shop = making.Shop()
    account = shop.account()
    runners.run(shop.organization, MONTH, bill_date=runners.instant("2024-07-09").date())
    runners.run(shop.organization, "2024-07-15")
    june, july = Bill.objects.order_by("boundary_date")
    runners.use(account, shop.meter, "2024-06-10", 10)
    runners.use(account, shop.meter, "2024-07-10", 10)
    by, at = system(shop), runners.instant("2024-07-02")

    job = runs.recalculate(shop.organization, [str(june.pk)], by=by, at=at)
    assert (job.type, job.total, job.pending) == ("RECALCULATE", 1, 1)
    runners.work_off(job)

    june.refresh_from_db()
    assert (june.total, june.version) == (Decimal(21), 2)
    assert june.bill_date == runners.instant("2024-07-09").date()
    assert Bill.objects.get(pk=july.pk).version == 1
    assert job.status == BillJobStatus.COMPLETE


def test_the_day_of_a_job_is_today_when_it_names_none():
    shop = making.Shop(config={"timezone": "Pacific/Auckland"})
    at = runners.instant("2024-06-30T13:00:00")  # already 1 July in Auckland

    job = runs.start(shop.organization, JobRequest(), by=system(shop), at=at)

    assert job.latest_date_in_billing_period == runners.instant("2024-07-01").date()
