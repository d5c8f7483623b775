"""A parent of 999 children with eight lines each, billed in one unit: time and memory.

Against the same usage of a thousand accounts that are no family.
"""

import resource
import time
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection

from billing.bills import calculation, snapshot
from billing.bills.selection import DueBills
from billing.models import Account
from organizations.kernel import isolation
from organizations.models import Organization
from tests import factories
from tests.benchmarks import Ratio, scaled

CHILDREN, LINES = 999, 8
MOST_MB = 200
AT = datetime(2024, 6, 10, tzinfo=UTC)
FILL = """
INSERT INTO billing_measurement
       (organization_id, received_at, account_id, meter_id, ts, uid, fields)
SELECT %s, %s, account, meter, %s, gen_random_uuid()::text, jsonb_build_object('tokens', n)
  FROM generate_series(1, 5) n CROSS JOIN unnest(%s::uuid[]) AS account
 CROSS JOIN unnest(%s::uuid[]) AS meter
"""


def run() -> Iterator[Ratio]:
    """Yield a row for lines on the parent's bill, one for bills of children, one for memory."""
    count = scaled(CHILDREN, least=50)
    alone, _ = _calculated(_sold(count, mode=None))
    for mode in ("PARENT_BREAKDOWN", "CHILD"):
        organization = _sold(count, mode=mode)
        seconds, megabytes = _calculated(organization)
        yield Ratio(
            f"a family of {count:,} children, {mode} / as many accounts apart",
            seconds / alone,
            at_most=5,
            detail=f"{seconds:.2f} s against {alone:.2f} s, read and rated",
        )
        yield Ratio(
            f"memory of that family / {MOST_MB} MB",
            megabytes / MOST_MB,
            at_most=1,
            detail=f"{megabytes:.0f} MB more than before; the process "
            f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at most",
        )


def _sold(count: int, *, mode: str | None) -> Organization:
    """Make an organization whose accounts use eight meters; one family, or none."""
    organization = factories.make_organization()
    product = factories.make_product(organization)
    plan = factories.make_plan(factories.make_plan_template(product, standing_charge=Decimal(0)))
    meters = [factories.make_meter(organization) for _ in range(LINES)]
    for meter in meters:
        factories.make_pricing(plan, factories.make_aggregation(meter))
    parent = factories.make_account(organization)
    children = [
        factories.make_account(organization, parent_account=parent if mode else None)
        for _ in range(count)
    ]
    for account in [parent] if mode else [parent, *children]:
        fields = {"child_billing_mode": mode} if mode else {}
        factories.make_account_plan(account, plan, **fields)
    _use(organization.pk, [parent, *children], [meter.pk for meter in meters])
    return organization


def _use(organization_id: UUID, accounts: list[Account], meter_ids: list[UUID]) -> None:
    account_ids = [account.pk for account in accounts]
    with isolation.as_owner(), connection.cursor() as cursor:
        cursor.execute(FILL, [organization_id, AT, AT, account_ids, meter_ids])
        cursor.execute("VACUUM (ANALYZE) billing_measurement")


def _calculated(organization: Organization) -> tuple[float, float]:
    """Return seconds, and megabytes at the peak of another, measured, calculation."""
    began = time.perf_counter()
    lines = _lines(organization)
    seconds = time.perf_counter() - began
    tracemalloc.start()
    assert _lines(organization) == lines
    megabytes = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return seconds, megabytes


def _lines(organization: Organization) -> int:
    ids = list(Account.objects.for_organization(organization).values_list("pk", flat=True))
    taken = snapshot.take(organization.pk, ids, DueBills(on=date(2024, 6, 15)))
    lines = 0
    for unit in taken.families.in_order(ids):
        drawn = calculation.Drawn()
        for account_id in unit:
            bills = calculation.calculate(taken.accounts[account_id], drawn)
            lines += sum(len(bill.rated.lines) for bill in bills)
    return lines
