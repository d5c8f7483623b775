"""A bill run repeated at once in a young organization, against its first run.

PostgreSQL's statistics know only an older organization then: a plan of a statement that expects
one row where there are thousands shows here.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db import connection

from billing.bills import chunks, runs
from billing.bills.job_requests import JobRequest
from billing.models import Account, AccountPlan, Bill, BillJobAccount, LineItem
from organizations.kernel import isolation, principals
from organizations.models import AuditEntry, Event, Organization
from tests import factories
from tests.benchmarks import ROUNDS, Ratio, scaled

ACCOUNTS = 2000
GROWING = (Account, AccountPlan, Bill, LineItem, Event, AuditEntry, BillJobAccount)


def run() -> Iterator[Ratio]:
    """Yield the row about second runs."""
    size = scaled(ACCOUNTS, least=200)
    older = _company(size)
    with isolation.as_owner(), connection.cursor() as cursor:
        _bill(older)
        for model in GROWING:
            table = model._meta.db_table
            cursor.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
            cursor.execute(f"ANALYZE {table}")
    pairs = []
    for _ in range(ROUNDS):
        young = _company(size)
        first = _bill(young)
        pairs.append((_bill(young) / first, first))
    ratio, first = sorted(pairs)[len(pairs) // 2]
    yield Ratio(
        "second / first run of a young organization",
        ratio,
        at_most=1.2,
        detail=f"{first:.2f} s and {ratio * first:.2f} s, {size:,} accounts",
    )
    with isolation.as_owner(), connection.cursor() as cursor:
        for model in GROWING:
            cursor.execute(f"ALTER TABLE {model._meta.db_table} RESET (autovacuum_enabled)")


def _company(size: int) -> Organization:
    """An organization with accounts on one plan of eight charges, and without usage."""
    organization = factories.make_organization()
    template = factories.make_plan_template(
        factories.make_product(organization), standing_charge=Decimal(20)
    )
    plan = factories.make_plan(template)
    meter = factories.make_meter(organization)
    for _ in range(7):
        factories.make_pricing(plan, factories.make_aggregation(meter, default_value=1))
    accounts = [
        Account(
            organization=organization,
            name=f"Account {number}",
            code=f"account-{number}",
            email_address="someone@example.com",
        )
        for number in range(size)
    ]
    Account.objects.bulk_create(accounts, batch_size=1000)
    starts = datetime.now(UTC) - timedelta(days=90)
    AccountPlan.objects.bulk_create(
        [
            AccountPlan(
                organization=organization,
                account=account,
                plan=plan,
                product=template.product,
                start_date=starts,
            )
            for account in accounts
        ],
        batch_size=1000,
    )
    return organization


def _bill(organization: Organization) -> float:
    """Return the seconds of a whole run in this process."""
    with isolation.within(organization.pk):
        begun = time.perf_counter()
        job = runs.start(
            organization,
            JobRequest(),
            by=principals.system(organization.pk),
            at=datetime.now(UTC),
        )
        runs.prepare(job.pk)
        for chunk in job.chunks.order_by("number"):
            chunks.bill_chunk(chunk.pk)
        return time.perf_counter() - begun
