"""What must be so in the database after whatever happened: asked there, not of the API."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg

from tests.survival.customers import ALL_TOTALS, NUMBER, PREFIX, Customers

Connection = psycopg.Connection[tuple[Any, ...]]

JOB = """
SELECT j.status, j.total, j.pending, j.billed, j.skipped, j.parked,
       (SELECT count(*) FROM billing_billjobaccount r
         WHERE r.bill_job_id = j.id AND r.status = 'BILLED' AND r.finished_at IS NOT NULL),
       (SELECT count(*) FROM billing_billjobaccount r WHERE r.bill_job_id = j.id),
       (SELECT count(*) FROM billing_billjobchunk c
         WHERE c.bill_job_id = j.id AND c.status <> 'DONE'),
       (SELECT count(*) FROM organizations_alert a WHERE a.resource_id = j.id)
  FROM billing_billjob j WHERE j.id = %s
"""
BILLS = """
SELECT replace(b.account_code, 'customer-', '')::int, b.total, b.status, b.invoice_reference,
       b.version,
       (SELECT array_agg(l.line_item_type || ' ' || trim_scale(l.converted_subtotal)
                         ORDER BY l.sequence_number)
          FROM billing_lineitem l WHERE l.bill_id = b.id),
       (SELECT count(DISTINCT l.line_key) FROM billing_lineitem l WHERE l.bill_id = b.id),
       (SELECT count(*) FROM organizations_event e
         WHERE e.resource_id = b.id AND e.name = 'billing.bill.created'),
       (SELECT count(*) FROM organizations_event e
         WHERE e.resource_id = b.id AND e.name = 'billing.bill.updated'),
       (SELECT count(*) FROM organizations_auditentry a WHERE a.entity_id = b.id)
  FROM billing_bill b
 WHERE b.organization_id = %s AND b.end_date = %s
 ORDER BY 1
"""


USAGE = """
SELECT a.code, count(*), count(DISTINCT m.uid), sum((m.fields->>'tokens')::numeric)
  FROM billing_measurement m JOIN billing_account a ON a.id = m.account_id
 WHERE m.organization_id = %s AND m.uid LIKE %s
 GROUP BY a.code ORDER BY a.code
"""


def assert_job_is_done(database: Connection, job_id: str, accounts: int = NUMBER) -> None:
    """Every account of the job is billed, its counters say so, and one alert tells of it."""
    [row] = database.execute(JOB, [job_id])
    status, total, pending, billed, skipped, parked, *counted = row
    assert (status, total, pending, billed, skipped, parked) == (
        ("COMPLETE", accounts, 0, accounts, 0, 0)
    )
    # Rows billed, rows, chunks not done, alerts.
    assert counted == [accounts, accounts, 0, 1]


def assert_month_is_billed_once(
    database: Connection,
    customers: Customers,
    month: int,
    *,
    runs: Callable[[int], int] = lambda customer: 1,
) -> None:
    """Each customer has one bill of the month: its lines, total, number and events exact.

    ``runs``: how many jobs billed a customer; every one after the first updates the bill.
    """
    end = f"2024-{month + 1:02}-01" if month < 12 else "2025-01-01"
    bills = list(database.execute(BILLS, [customers.api.organization_id, end]))

    assert [bill[0] for bill in bills] == list(range(1, NUMBER + 1))
    assert sum(bill[1] for bill in bills) == ALL_TOTALS
    for n, total, status, _, version, lines, keys, created, updated, audited in bills:
        assert (total, status) == (Decimal(20 + n), "PENDING")
        assert (lines, keys) == (["STANDING_CHARGE 20", f"USAGE {n}"], 2)
        assert (created, updated, version, audited) == (1, runs(n) - 1, runs(n), runs(n))
    numbers = {int(str(bill[3]).removeprefix(PREFIX)) for bill in bills}
    assert len(numbers) == NUMBER


def assert_numbers_have_no_gap(database: Connection, customers: Customers) -> None:
    """The bills of all months together have the numbers 1 to n."""
    rows = database.execute(
        "SELECT invoice_number FROM billing_bill WHERE organization_id = %s ORDER BY 1",
        [customers.api.organization_id],
    )
    numbers = [row[0] for row in rows]
    assert numbers == list(range(1, len(numbers) + 1))


def assert_usage_is_counted_once(
    database: Connection, organization_id: str, mark: str, expected: dict[str, tuple[int, int]]
) -> None:
    """Exactly this is stored, as {account code: (measurements, their sum)}, each uid claimed once.

    Looks at uids that begin with ``mark``. What was sent again is told as received before, and
    nothing else failed.
    """
    rows = list(database.execute(USAGE, [organization_id, f"{mark}%"]))
    assert {code: (count, total) for code, count, _, total in rows} == expected
    assert all(count == distinct for _, count, distinct, _ in rows)
    [claims] = database.execute(
        "SELECT count(*) FROM billing_uidclaim WHERE organization_id = %s AND uid LIKE %s",
        [organization_id, f"{mark}%"],
    )
    assert claims[0] == sum(count for count, _ in expected.values())
    failures = database.execute(
        "SELECT DISTINCT type FROM billing_ingestfailure WHERE organization_id = %s",
        [organization_id],
    )
    assert {row[0] for row in failures} <= {"DuplicateUid"}
