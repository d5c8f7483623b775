"""A bill run where a plan prices two compound aggregations, against one with two more simple ones.

Both sides have the same accounts, meter and usage.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.db import connection

from billing.models import Account, LineItem
from catalog.models import Meter, Plan
from organizations.kernel import isolation
from organizations.models import Organization
from tests import factories
from tests.benchmarks import ROUNDS, Ratio, scaled
from tests.benchmarks.second_run import _bill as billed
from tests.benchmarks.second_run import _company as company
from tests.catalog.rows import make_compound

ACCOUNTS, MEASUREMENTS, MORE = 5000, 10, 2
FILL = """
INSERT INTO billing_measurement
       (organization_id, received_at, account_id, meter_id, ts, uid, fields)
SELECT %s, %s, account, %s, %s, gen_random_uuid()::text, jsonb_build_object(%s::text, 3)
  FROM generate_series(1, %s) CROSS JOIN unnest(%s::uuid[]) AS account
"""


def run() -> Iterator[Ratio]:
    """Yield the row about compound aggregations."""
    size = scaled(ACCOUNTS, least=200)
    pairs = []
    for _ in range(ROUNDS):
        simple, compound = _sold(size, is_compound=False), _sold(size, is_compound=True)
        without = billed(simple)
        pairs.append((billed(compound) / without, without))
        lines = LineItem.objects.filter(bill__organization=compound)
        if lines.filter(compound_aggregation_id__isnull=False).count() != MORE * size:
            raise RuntimeError("The compound aggregations were not billed.")
    ratio, without = sorted(pairs)[len(pairs) // 2]
    yield Ratio(
        f"run of {size:,} accounts with two compound / two more simple aggregations",
        ratio,
        at_most=1.5,
        detail=f"{ratio * without:.2f} s against {without:.2f} s",
    )


def _sold(size: int, *, is_compound: bool) -> Organization:
    """Accounts with usage, on a plan of seven simple prices and two more of a kind."""
    organization = company(size)
    plan = Plan.objects.get(organization=organization)
    meter = Meter.objects.get(organization=organization)
    for number in range(MORE):
        aggregation = factories.make_aggregation(meter, code=f"more_{number}", default_value=1)
        if is_compound:
            made = make_compound(aggregation, calculation=f"aggregation.more_{number} * 2 + 1")
            factories.make_pricing(plan, None, compound_aggregation=made)
        else:
            factories.make_pricing(plan, aggregation)
    _use(organization, meter)
    return organization


def _use(organization: Organization, meter: Meter) -> None:
    """Give each account measurements a day before yesterday."""
    accounts = list(Account.objects.for_organization(organization).values_list("pk", flat=True))
    at = datetime.now(UTC) - timedelta(days=45)
    code = meter.data_fields[0]["code"]
    with isolation.as_owner(), connection.cursor() as cursor:
        cursor.execute(FILL, [organization.pk, at, meter.pk, at, code, MEASUREMENTS, accounts])
        cursor.execute("ANALYZE billing_measurement")
