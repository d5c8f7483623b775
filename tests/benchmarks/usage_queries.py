"""Questions about usage, against the bare statements that answer them.

Both run in the organization's own scope, so that row-level security costs both the same.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from billing.usage.queries import running, shape
from billing.usage.queries.shape import Aggregation, Group, UsageQuery
from organizations.kernel import isolation
from tests import factories
from tests.benchmarks import Ratio, in_turn, scaled

ACCOUNTS, DAYS = 100, 30
JUNE, JULY = datetime(2024, 6, 1, tzinfo=UTC), datetime(2024, 7, 1, tzinfo=UTC)
FILL = """
INSERT INTO billing_measurement
       (organization_id, received_at, account_id, meter_id, ts, uid, fields)
SELECT %s, %s, account, %s, %s + random() * interval '30 days', gen_random_uuid()::text,
       jsonb_build_object('tokens', (random() * 1000)::int, 'place', 'here')
  FROM generate_series(1, %s) CROSS JOIN unnest(%s::uuid[]) AS account
"""
BARE = """
SELECT date_trunc('day', ts, 'UTC'), sum((fields -> 'tokens')::numeric)
  FROM billing_measurement
 WHERE organization_id = %s AND meter_id = %s AND ts >= %s AND ts < %s {}
 GROUP BY 1 ORDER BY 1 DESC
"""


def run() -> Iterator[Ratio]:
    """Yield the rows about questions."""
    organization = factories.make_organization()
    meter = factories.make_meter(organization, data_fields=[
        {"category": "MEASURE", "code": "tokens", "name": "Tokens", "unit": "1"}])  # fmt: skip
    account_ids = [factories.make_account(organization).pk for _ in range(ACCOUNTS)]
    each = scaled(20_000, least=500)
    with isolation.as_owner(), connection.cursor() as cursor:
        cursor.execute(FILL, [organization.pk, JUNE, meter.pk, JUNE, each, account_ids])
        cursor.execute("VACUUM (ANALYZE) billing_measurement")
    by_day = (Group(shape.TIME, "DAY"),)
    summed = (Aggregation(meter.pk, "tokens", shape.MEASURE, "SUM"),)
    bare: list[Any] = [organization.pk, meter.pk, JUNE, JULY]

    with isolation.within(organization.pk):
        for name, chosen, repeats, at_most in (
            ("one account's month by day", account_ids[:1], 20, 3),
            ("all accounts' month by day", [], 1, 1.2),
        ):
            query = UsageQuery(JUNE, JULY, (), tuple(chosen), (), summed, by_day)
            more = "AND account_id = %s" if chosen else ""
            ratio, ours, theirs = in_turn(
                lambda query=query, times=repeats: _seconds(
                    lambda: list(running.run(organization.pk, query, rights=None).rows()), times
                ),
                lambda more=more, chosen=chosen, times=repeats: _seconds(
                    lambda: _bare(BARE.format(more), [*bare, *chosen]), times
                ),
            )
            detail = f"{ours * 1000:.1f} ms against {theirs * 1000:.1f}, {each * ACCOUNTS:,} rows"
            yield Ratio(f"{name} / bare SQL", ratio, at_most=at_most, detail=detail)


def _seconds(work: Callable[[], Any], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - began) / times


def _bare(statement: str, values: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
