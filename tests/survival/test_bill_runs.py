"""Bill runs whose worker is killed in the middle, and runs started more than once."""

from contextlib import ExitStack
from functools import partial

import pytest

from tests.survival import api, holding, truth
from tests.survival.customers import LAST_SLICE, NUMBER, Customers
from tests.survival.stack import Stack, kill

pytestmark = pytest.mark.kill


def test_jobs_started_at_once_bill_each_account_once(stack: Stack, customers: Customers) -> None:
    body = {"lastDateInBillingPeriod": "2024-01-15"}
    hundred = [customers.ids[n] for n in range(1, 101)]
    bodies = [body, body, {**body, "accountIds": hundred}]

    answers = api.at_once([partial(customers.api.post, "billjobs", body) for body in bodies])

    assert [answer.status for answer in answers] == [200, 200, 200]
    jobs = [answer.json["id"] for answer in answers]
    assert len(set(jobs)) == 3
    customers.wait_until_complete(*jobs)
    with stack.connect() as database:
        truth.assert_job_is_done(database, jobs[0])
        truth.assert_job_is_done(database, jobs[1])
        truth.assert_job_is_done(database, jobs[2], accounts=100)
        truth.assert_month_is_billed_once(
            database, customers, 1, runs=lambda customer: 3 if customer <= 100 else 2
        )
        truth.assert_numbers_have_no_gap(database, customers)


@pytest.mark.parametrize(("month", "first"), [(2, 0), (11, 1)], ids=["all of it", "what it forked"])
def test_what_a_killed_worker_left_undone_another_does(
    stack: Stack, customers: Customers, month: int, first: int
) -> None:
    running = stack.worker()[first:]
    with holding.accounts(stack, customers.of_the_last_slice()) as held:
        job = customers.start(month)
        stack.wait(lambda: customers.job(job)["pending"] == LAST_SLICE, "down to the last slice")
        held.wait_for()

        kill(running)

        assert (customers.job(job)["status"], customers.job(job)["pending"]) == (
            "RUNNING",
            LAST_SLICE,
        )
    customers.wait_until_complete(job)
    with stack.connect() as database:
        truth.assert_job_is_done(database, job)
        truth.assert_month_is_billed_once(database, customers, month)
        truth.assert_numbers_have_no_gap(database, customers)


@pytest.mark.parametrize(
    ("month", "place"), [(3, "bills without lines"), (4, "all but the progress")]
)
def test_a_worker_killed_while_it_writes_leaves_nothing_half_written(
    stack: Stack, customers: Customers, month: int, place: str
) -> None:
    with ExitStack() as later:
        with holding.table(stack, "billing_lineitem") as held:
            job = customers.start(month)
            held.wait_for(2)
            if place == "all but the progress":
                progress = later.enter_context(holding.progress(stack, job))
            else:
                kill(stack.worker())
        if place == "all but the progress":
            progress.wait_for(2)
            kill(stack.worker())
        with stack.connect() as database:
            [rows] = database.execute(
                "SELECT count(*) FROM billing_bill WHERE bill_job_id = %s", [job]
            )

        assert rows[0] == 0
        assert customers.job(job)["pending"] == NUMBER
    customers.wait_until_complete(job)
    with stack.connect() as database:
        truth.assert_job_is_done(database, job)
        truth.assert_month_is_billed_once(database, customers, month)
        truth.assert_numbers_have_no_gap(database, customers)
