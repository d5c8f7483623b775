"""A bill run by two workers, against its aggregate SQL alone; growth; memory.

5,000 accounts (times SCALE) of 2,000 measurements and 8 lines each.
"""

import statistics
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest import mock
from uuid import UUID

from django.db import connection
from psycopg.sql import Composable

from billing.bills import job_rows, snapshot
from billing.bills import runs as bill_runs
from billing.bills.job_requests import JobRequest, wanted
from billing.models import Account, AccountPlan, Bill, BillJob, BillJobAccount, LineItem
from organizations.kernel import isolation, principals
from organizations.models import AuditEntry, Event
from tests import factories
from tests.benchmarks import ROUNDS, Ratio, bill_workers, in_turn, scaled
from tests.benchmarks.bill_workers import Report

ACCOUNTS = 5000
MEASUREMENTS = 2000
FIELDS = [
    {"category": "MEASURE", "code": code, "name": code, "unit": "x"}
    for code in ("context", "generated", "latency", "requests")
]
# With the standing charge eight lines.
MEASURED = [
    ("SUM", "context"), ("SUM", "generated"), ("SUM", "requests"), ("MAX", "latency"),
    ("MEAN", "latency"), ("MIN", "latency"), ("COUNT", "context"),
]  # fmt: skip
FILL = """
INSERT INTO billing_measurement
       (organization_id, received_at, account_id, meter_id, ts, uid, fields)
SELECT %(organization)s, %(from)s, account, %(meter)s,
       %(from)s + random() * interval '1 day', gen_random_uuid()::text,
       jsonb_build_object('context', (random() * 8000)::int, 'generated', (random() * 900)::int,
                          'latency', round((random() * 20)::numeric, 3), 'requests', 1,
                          'model', 'model-' || (random() * 5)::int)
  FROM generate_series(1, %(each)s) CROSS JOIN unnest(%(accounts)s::uuid[]) AS account
"""


def run() -> Iterator[Ratio]:
    """Yield the rows about bill runs."""
    few = _Company(scaled(ACCOUNTS // 10, least=20))
    many = _Company(scaled(ACCOUNTS, least=200))
    ratio, ours, bare = in_turn(lambda: many.billing().rate, many.reading_rate)
    yield Ratio(f"bill run of {many.size:,} accounts / its aggregate SQL", ratio, at_least=0.7,
                detail=f"{ours:,.0f} accounts a second against {bare:,.0f}")  # fmt: skip
    runs = [many.billing() for _ in range(ROUNDS)]
    yield Ratio("everything else, ms a bill", statistics.median(run.besides_ms for run in runs),
                at_most=1, detail=f"{bill_workers.WORKERS} workers, 8 lines a bill")  # fmt: skip
    ratio, ours, other = in_turn(lambda: many.billing().rate, lambda: few.billing().rate)
    yield Ratio(f"accounts a second at {many.size:,} / at {few.size:,}", ratio, at_least=0.75,
                detail=f"{ours:,.0f} against {other:,.0f}")  # fmt: skip
    # In small chunks, so that each worker has several.
    with mock.patch.object(job_rows, "CHUNK_AT_MOST", job_rows.CHUNK_AT_LEAST):
        done = many.billing()
    yield Ratio("memory of a worker after its last / after its first chunk", done.growth,
                at_most=1.25, detail=f"{done.memory_mb:,.0f} MB")  # fmt: skip


class _Billed:
    """What one run came to."""

    def __init__(self, size: int, seconds: float, reports: Sequence[Report]) -> None:
        self.rate = size / seconds
        # Seconds of the run in which a worker did not wait for sums of measurements.
        reading = sum(report.reading_seconds for report in reports) / len(reports)
        self.besides_ms = (seconds - reading) * 1000 / size
        self.growth = max(report.latest_memory / report.first_memory for report in reports)
        self.memory_mb = max(report.latest_memory for report in reports) / 1024


class _Company:
    """An organization whose accounts used one meter all of last month."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.organization = factories.make_organization()
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self.month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
        self.meter = factories.make_meter(self.organization, data_fields=FIELDS)
        template = factories.make_plan_template(
            factories.make_product(self.organization), standing_charge=Decimal(20)
        )
        self.plan = factories.make_plan(template)
        for method, code in MEASURED:
            aggregation = factories.make_aggregation(
                self.meter, name=f"{method} of {code}", aggregation=method, target_field=code
            )
            bands = factories.bands((0, 0, "0.01"), (1000, 0, "0.005"), (100_000, 0, "0.001"))
            factories.make_pricing(self.plan, aggregation, bands=bands)
        self._make_accounts()
        self.statements: list[str] = []

    def billing(self) -> _Billed:
        """Bill last month from nothing with two workers, and leave nothing behind."""
        job = self._prepared()
        chunk_ids = [
            str(chunk) for chunk in job.chunks.order_by("number").values_list("pk", flat=True)
        ]
        seconds, reports = bill_workers.share_out(bill_workers.bill_chunks, chunk_ids)
        job.refresh_from_db()
        if (job.status, job.billed) != ("COMPLETE", self.size):
            raise RuntimeError(f"The run is {job.status} with {job.billed} accounts billed.")
        self._clear_away()
        return _Billed(self.size, seconds, reports)

    def reading_rate(self) -> float:
        """Return accounts a second of the run's aggregate SQL alone, over the same chunks."""
        if not self.statements:
            self.statements = [self._statement(chunk) for chunk in self._prepared().chunks.all()]
        seconds, _ = bill_workers.share_out(bill_workers.read, self.statements)
        return self.size / seconds

    def _clear_away(self) -> None:
        """Delete the bills, and vacuum at once: autovacuum would slow whatever is measured next."""
        LineItem.objects.for_organization(self.organization)._raw_delete("default")
        Bill.objects.for_organization(self.organization)._raw_delete("default")
        with isolation.as_owner(), connection.cursor() as cursor:
            for model in (LineItem, Bill, Event, AuditEntry, BillJobAccount):
                cursor.execute(f"VACUUM (ANALYZE) {model._meta.db_table}")

    def _make_accounts(self) -> None:
        accounts = [
            Account(
                organization=self.organization,
                name=f"Account {number}",
                code=f"account-{number}",
                email_address="someone@example.com",
            )
            for number in range(self.size)
        ]
        Account.objects.bulk_create(accounts, batch_size=1000)
        AccountPlan.objects.bulk_create(
            [
                AccountPlan(
                    organization=self.organization,
                    account=account,
                    plan=self.plan,
                    product=self.plan.plan_template.product,
                    start_date=self.month - timedelta(days=90),
                )
                for account in accounts
            ],
            batch_size=1000,
        )
        self._use([account.pk for account in accounts])

    def _use(self, account_ids: list[UUID]) -> None:
        """Store the measurements day by day, in the order in which they would arrive."""
        with connection.cursor() as cursor:
            for day in range(25):
                values = {
                    "organization": self.organization.pk,
                    "meter": self.meter.pk,
                    "from": self.month + timedelta(days=day),
                    "each": MEASUREMENTS // 25,
                    "accounts": account_ids,
                }
                cursor.execute(FILL, values)
        # What autovacuum would have done by the end of a month.
        with isolation.as_owner(), connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) billing_measurement")

    def _prepared(self) -> BillJob:
        day: date = self.month.date()
        job = bill_runs.start(
            self.organization,
            JobRequest(latest_date_in_billing_period=day),
            by=principals.system(self.organization.pk),
            at=datetime.now(UTC),
        )
        bill_runs.prepare(job.pk)
        job.refresh_from_db()
        return job

    def _statement(self, chunk: Any) -> str:
        """Return the SQL with which the snapshot sums the measurements of a chunk."""
        account_ids = list(chunk.accounts.values_list("account_id", flat=True))
        seen: list[str] = []

        def note(execute: Callable[..., Any], sql: Any, *rest: Any) -> Any:
            text = sql.as_string(connection.connection) if isinstance(sql, Composable) else sql
            if "billing_measurement" in text:
                seen.append(text)
            return execute(sql, *rest)

        with connection.execute_wrapper(note):
            snapshot.take(self.organization.pk, account_ids, wanted(chunk.bill_job))
        [statement] = seen
        return statement
