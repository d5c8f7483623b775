"""Many bills: 5,000 approved, 5,000 deleted, a page of a list of 100,000 with filters."""

import statistics
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection

from billing.bills import lifecycle
from billing.models import Account, Bill
from organizations.kernel import isolation, principals
from organizations.models import Organization
from tests import factories
from tests.benchmarks import Ratio, scaled
from tests.benchmarks.second_run import _bill as billed
from tests.benchmarks.second_run import _company as company

BILLS, LISTED = 5000, 100_000
WITHIN_SECONDS, WITHIN_MS = 10.0, 50.0
PAGE, TIMES = 100, 9


def run() -> Iterator[Ratio]:
    """Yield a row for approving, one for deleting, and one for each filter of the list."""
    yield from _approving_and_deleting()
    yield from _listing()


def _approving_and_deleting() -> Iterator[Ratio]:
    size = scaled(BILLS, least=200)
    organization = company(size)
    billed(organization)
    by = principals.system(organization.pk)
    bills = Bill.objects.for_organization(organization)
    within = WITHIN_SECONDS * size / BILLS
    for what, act in (
        ("approving", lambda: lifecycle.approve_pending(bills, by=by, at=datetime.now(UTC))),
        ("deleting", lambda: lifecycle.delete_many(bills, by=by)[0]),
    ):
        with isolation.within(organization.pk):
            begun = time.perf_counter()
            count = act()
            took = time.perf_counter() - begun
        if count != size:
            raise RuntimeError(f"{what} did {count:,} of {size:,} bills.")
        yield Ratio(f"{what} {size:,} bills of eight lines / {within:g} s", took / within,
                    at_most=1, detail=f"{took:.2f} s")  # fmt: skip


def _listing() -> Iterator[Ratio]:
    size = scaled(LISTED, least=1000)
    organization = factories.make_organization()
    account_id = _fill(organization, size)
    rows = Bill.objects.for_organization(organization)
    asked: dict[str, dict[str, Any]] = {
        "no filter": {},
        "status": {"status": "PENDING"},
        "locked": {"is_locked": True},
        "account": {"account_id": account_id},
        "bill date": {"bill_date": date(2024, 6, 1)},
        "bill dates": {"bill_date__gte": date(2024, 6, 1), "bill_date__lt": date(2024, 9, 1)},
        "invoice dates and status": {
            "external_invoice_date__gte": date(2024, 6, 1),
            "external_invoice_date__lt": date(2024, 7, 1),
            "status": "APPROVED",
        },
    }
    for name, narrowed in asked.items():
        with isolation.within(organization.pk):
            took = []
            for _ in range(TIMES):
                begun = time.perf_counter()
                found = list(rows.filter(**narrowed).order_by("-created_at", "-id")[: PAGE + 1])
                took.append((time.perf_counter() - begun) * 1000)
        median = statistics.median(took)
        yield Ratio(f"a page of {size:,} bills, {name} / {WITHIN_MS:g} ms", median / WITHIN_MS,
                    at_most=1, detail=f"{median:.1f} ms, {len(found)} rows")  # fmt: skip


def _fill(organization: Organization, size: int) -> Any:
    """Make bills of ten months, a thousand accounts each month; returns one of the accounts."""
    months = 100
    accounts = [
        Account(
            organization=organization,
            name=f"Account {number}",
            code=f"account-{number}",
            email_address="someone@example.com",
        )
        for number in range(max(1, size // months))
    ]
    Account.objects.bulk_create(accounts, batch_size=1000)
    begins = date(2016, 5, 1)
    for month in range(months):
        first = _month(begins, month)
        ends = _month(begins, month + 1)
        Bill.objects.bulk_create(
            [_row(organization, account, first, ends, month) for account in accounts],
            batch_size=1000,
        )
    with isolation.as_owner(), connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) billing_bill")
    return accounts[0].pk


def _row(organization: Organization, account: Account, first: date, ends: date, n: int) -> Bill:
    at = datetime(ends.year, ends.month, 1, tzinfo=UTC)
    is_locked, is_pending = n % 3 == 0, n % 3 == 1
    return Bill(
        organization=organization,
        account=account,
        account_code=account.code,
        account_name=account.name,
        boundary_date=ends,
        billing_frequency="MONTHLY",
        start_date=first,
        end_date=ends,
        start_at=datetime(first.year, first.month, 1, tzinfo=UTC),
        end_at=at,
        bill_date=ends,
        due_date=ends + timedelta(days=30),
        external_invoice_date=ends,
        currency="USD",
        status="PENDING" if is_pending else "APPROVED",
        is_locked=is_locked,
        latest_calculated_at=at,
        created_at=at,
    )


def _month(begins: date, number: int) -> date:
    years, month = divmod(begins.month - 1 + number, 12)
    return date(begins.year + years, month + 1, 1)
