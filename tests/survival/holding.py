"""Hold what runs still at a chosen place, with locks that it has to wait for.

So a kill hits the middle for certain, whatever the speed of the machine.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg

from billing.bills import slices
from tests.survival.stack import Stack

TABLE_WAITERS = """
SELECT count(*) FROM pg_locks
 WHERE NOT granted AND locktype = 'relation' AND relation = %s::regclass
"""
ACCOUNT_WAITERS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
ROW_WAITERS = """
SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')
"""


class Held:
    """A place where something is held still."""

    def __init__(self, stack: Stack, query: str, *parameters: Any) -> None:
        self.stack, self.query, self.parameters = stack, query, parameters

    def waiting(self) -> int:
        """Return how many sessions wait here."""
        with self.stack.connect() as database:
            [row] = database.execute(self.query, self.parameters)
        return int(str(row[0]))

    def wait_for(self, sessions: int = 1) -> None:
        """Wait until so many sessions wait here."""
        self.stack.wait(lambda: self.waiting() >= sessions, f"{sessions} held by {self.query}")


@contextmanager
def table(stack: Stack, name: str) -> Iterator[Held]:
    """Let nobody write to the table inside the block; everybody may read it."""
    with stack.connect() as database, _released(database):
        database.execute("BEGIN")
        database.execute(f"LOCK TABLE {name} IN SHARE MODE")
        yield Held(stack, TABLE_WAITERS, name)


@contextmanager
def accounts(stack: Stack, *account_ids: str) -> Iterator[Held]:
    """Let no bill run write the accounts inside the block."""
    with stack.connect() as database, _released(database):
        for account_id in account_ids:
            database.execute("SELECT pg_advisory_lock(%s)", [slices.lock_key(UUID(account_id))])
        yield Held(stack, ACCOUNT_WAITERS)


@contextmanager
def progress(stack: Stack, job_id: str) -> Iterator[Held]:
    """Let nobody count what the job has done inside the block: the last a slice writes."""
    with stack.connect() as database, _released(database):
        database.execute("BEGIN")
        database.execute("SELECT 1 FROM billing_billjob WHERE id = %s FOR NO KEY UPDATE", [job_id])
        yield Held(stack, ROW_WAITERS)


@contextmanager
def _released(database: psycopg.Connection[Any]) -> Iterator[None]:
    """Give the locks back by closing the connection, also when the server was killed."""
    try:
        yield
    finally:
        database.close()
