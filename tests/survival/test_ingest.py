"""Usage while web processes or PostgreSQL are killed, and while a bill run holds its locks."""

import os
import signal

import pytest

from tests.survival import holding, truth
from tests.survival.api import Stream
from tests.survival.customers import NUMBER, Customers, measurement
from tests.survival.stack import Stack, kill

pytestmark = pytest.mark.kill

BATCHES = 32
SIZE = 1000
ACCOUNTS = 4
# A refusal that blames the client (4xx) would make it drop usage; 0 is a broken connection.
OUR_FAULT = {0, 500, 502, 503}


class Sent:
    """32,000 measurements with uids for four accounts nobody has made, sent by four clients.

    Each batch holds 1 to 1,000 tokens, 500,500 together; each account has every fourth batch.
    """

    def __init__(self, customers: Customers, mark: str) -> None:
        self.customers, self.mark = customers, mark
        self.batches = [
            [
                measurement(f"{mark}-{batch}-{n}", f"{mark}-{batch % ACCOUNTS}", "2025-03-10", n)
                for n in range(1, SIZE + 1)
            ]
            for batch in range(BATCHES)
        ]
        self.stream = Stream(customers.api, self.batches)
        self.stream.start()

    def goes_on(self) -> None:
        """Wait until another batch got its 200."""
        before = self.stream.accepted
        self.customers.stack.wait(lambda: self.stream.accepted > before, "accepting batches again")

    def assert_counted_once(self) -> None:
        """Every batch got its 200 and counts once, also when all of it is sent again."""
        self.stream.finish()
        assert self.stream.accepted == BATCHES
        assert self.stream.refused, "nothing was killed in the middle"
        assert set(self.stream.refused) <= OUR_FAULT
        self._assert_stored()
        again = Stream(self.customers.api, self.batches)
        again.start()
        again.finish()
        assert again.refused == []
        self._assert_stored()

    def _assert_stored(self) -> None:
        codes = [f"customer-{self.mark}-{number}" for number in range(ACCOUNTS)]
        with self.customers.stack.connect() as database:
            truth.assert_usage_is_counted_once(
                database,
                self.customers.api.organization_id,
                self.mark,
                dict.fromkeys(codes, (8000, 8 * 500500)),
            )


def test_web_processes_killed_in_the_middle_of_batches_lose_and_double_nothing(
    stack: Stack, customers: Customers
) -> None:
    sent = Sent(customers, "web")

    with holding.table(stack, "billing_measurement") as held:
        held.wait_for()  # uids are claimed, rows are not stored; others wait behind it
        kill(stack.web()[1:])
    sent.goes_on()
    with holding.table(stack, "billing_measurement") as held:
        held.wait_for(2)
        kill(stack.web())
    sent.goes_on()
    kill(stack.web()[1:2])  # wherever it is

    sent.assert_counted_once()


def test_postgresql_restarted_in_the_middle_of_batches_loses_and_doubles_nothing(
    stack: Stack, customers: Customers
) -> None:
    web = stack.web()
    sent = Sent(customers, "postgres")

    with holding.table(stack, "billing_measurement") as held:
        held.wait_for()
        killed = stack.postgres_pid()
        os.kill(killed, signal.SIGKILL)
    # A batch may have been accepted just before: only a new server says that it is back.
    stack.wait(lambda: stack.postgres_pid() not in (0, killed), "PostgreSQL to be started again")
    sent.goes_on()
    os.kill(stack.postgres_pid(), signal.SIGINT)  # as an orderly restart ends it

    sent.assert_counted_once()
    assert stack.web() == web


def test_ingest_does_not_wait_for_a_chunk_that_holds_its_locks(
    stack: Stack, customers: Customers
) -> None:
    late = [measurement(f"late-{n}", n, "2025-01-01", 1) for n in range(1, NUMBER + 1)]
    new = measurement("late-new", NUMBER + 1, "2025-01-01", 1)  # nobody has made this account
    with holding.table(stack, "billing_lineitem") as held:
        job = customers.start(5)
        held.wait_for(2)  # 500 accounts are locked, their bills inserted

        answer = customers.api.post("measurements", {"measurements": [*late, new]})

        assert (answer.status, answer.json) == (200, {"result": "accepted"})
        assert held.waiting() == 2
        assert customers.job(job)["pending"] == NUMBER
    customers.wait_until_complete(job)
    with stack.connect() as database:
        truth.assert_job_is_done(database, job)
        truth.assert_month_is_billed_once(database, customers, 5)
        [row] = database.execute(
            "SELECT count(*), count(DISTINCT account_id) FROM billing_measurement"
            " WHERE organization_id = %s AND uid LIKE 'late-%%'",
            [customers.api.organization_id],
        )
    assert row == (NUMBER + 1, NUMBER + 1)
