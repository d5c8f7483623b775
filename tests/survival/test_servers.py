"""Bill runs while Redis loses what was queued, and while Redis or PostgreSQL is killed."""

import os
import signal

import pytest

from tests.survival import holding, truth
from tests.survival.customers import LAST_SLICE, NUMBER, Customers, measurement
from tests.survival.stack import Stack, kill

pytestmark = pytest.mark.kill

QUEUE = "billwright"


def assert_billed(stack: Stack, customers: Customers, job: str, month: int) -> None:
    """The job finishes by itself, and its month is right."""
    customers.wait_until_complete(job)
    with stack.connect() as database:
        truth.assert_job_is_done(database, job)
        truth.assert_month_is_billed_once(database, customers, month)
        truth.assert_numbers_have_no_gap(database, customers)


def test_a_job_whose_first_task_the_broker_lost_is_prepared_and_billed(
    stack: Stack, customers: Customers
) -> None:
    with stack.unattended():
        kill(stack.worker())
        job = customers.start(6)

        stack.broker().flushall()

        assert customers.job(job)["status"] == "PENDING"
    assert_billed(stack, customers, job, 6)


def test_a_chunk_whose_task_the_broker_lost_is_billed(stack: Stack, customers: Customers) -> None:
    first, _ = customers.of_both_chunks()
    with holding.accounts(stack, first) as held:
        alone = customers.start(7, accountIds=[first])
        held.wait_for(1)
        job = customers.start(7)
        held.wait_for(2)  # both processes of the worker: the second chunk is in the queue
        queued = stack.broker().lrange(QUEUE, 0, -1)
        assert sum(b"billing.bill_chunk" in message for message in queued) == 1

        stack.broker().flushall()

        assert customers.job(job)["pending"] == NUMBER
    customers.wait_until_complete(alone, job)
    with stack.connect() as database:
        truth.assert_job_is_done(database, alone, accounts=1)
        truth.assert_job_is_done(database, job)
        truth.assert_month_is_billed_once(
            database, customers, 7, runs=lambda customer: 1 + (customers.ids[customer] == first)
        )


def test_redis_killed_during_a_run_and_away_when_a_job_is_started(
    stack: Stack, customers: Customers
) -> None:
    worker = stack.worker()
    with holding.accounts(stack, *customers.of_both_chunks()) as held:
        running = customers.start(8)
        held.wait_for(2)
        with stack.unattended():
            os.kill(stack.redis_pid(), signal.SIGKILL)
            stack.wait(lambda: not stack.redis_pid(), "without Redis")

            started = customers.start(9)
            usage = [measurement("without-redis", NUMBER, "2025-02-01", 1)]
            assert customers.api.post("measurements", {"measurements": usage}).status == 200

        stack.wait(stack.redis_pid, "running Redis again")
    assert_billed(stack, customers, running, 8)
    assert_billed(stack, customers, started, 9)
    assert stack.worker() == worker


def test_a_job_started_while_redis_hangs_is_accepted_and_billed(
    stack: Stack, customers: Customers
) -> None:
    worker = stack.worker()
    redis = stack.redis_pid()
    os.kill(redis, signal.SIGSTOP)
    try:
        job = customers.start(12)  # the client gives up after twenty seconds
    finally:
        os.kill(redis, signal.SIGCONT)

    assert_billed(stack, customers, job, 12)
    assert stack.worker() == worker


def test_postgresql_killed_during_a_run(stack: Stack, customers: Customers) -> None:
    worker, web = stack.worker(), stack.web()
    with holding.accounts(stack, customers.of_the_last_slice()) as held:
        job = customers.start(10)
        stack.wait(lambda: customers.job(job)["pending"] == LAST_SLICE, "down to the last slice")
        held.wait_for()
        postgres = stack.postgres_pid()

        os.kill(postgres, signal.SIGKILL)

        stack.wait(lambda: stack.postgres_pid() not in {0, postgres}, "running PostgreSQL again")
    stack.wait_until_healthy()
    assert_billed(stack, customers, job, 10)
    assert stack.worker() == worker
    assert stack.web() == web
