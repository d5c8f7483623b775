"""What charts show: an account's usage by day, an organization's measurements by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from uuid import UUID

from django.db import connection
from psycopg import sql

from organizations.kernel.periods import sql_name

DAILY_SUMS = """
    SELECT (ts AT TIME ZONE {zone})::date, count(*), ARRAY[{sums}]::numeric[]
    FROM billing_measurement
    WHERE organization_id = {organization} AND account_id = {account} AND meter_id = {meter}
        AND ts >= {start} AND ts < {end}
    GROUP BY 1 ORDER BY 1
"""
SUM = "sum(CASE WHEN jsonb_typeof(fields -> {0}) = 'number' THEN (fields -> {0})::numeric END)"
COUNTS_BY_DAY = """
    SELECT (ts AT TIME ZONE %s)::date, count(*) FROM billing_measurement
    WHERE organization_id = %s AND ts >= %s AND ts < %s
    GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Day:
    """One calendar day: how many measurements, and the sum of each field asked for, in order.

    A sum is None when no measurement of the day had the field.
    """

    day: date
    event_count: int
    sums: tuple[Decimal | None, ...] = ()


def daily_sums(
    organization_id: UUID,
    account_id: UUID,
    meter_id: UUID,
    fields: Sequence[str],
    *,
    start_at: datetime,
    end_at: datetime,
    zone: tzinfo,
) -> list[Day]:
    """Return the days of ``start_at <= ts < end_at`` that have usage, as the zone counts days."""
    statement = sql.SQL(DAILY_SUMS).format(
        zone=sql.Literal(sql_name(zone)),
        sums=sql.SQL(", ").join(sql.SQL(SUM).format(sql.Literal(field)) for field in fields),
        organization=sql.Literal(organization_id),
        account=sql.Literal(account_id),
        meter=sql.Literal(meter_id),
        start=sql.Literal(start_at),
        end=sql.Literal(end_at),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [Day(day, count, tuple(sums)) for day, count, sums in cursor.fetchall()]


def counts_by_day(
    organization_id: UUID, *, start_at: datetime, end_at: datetime, zone: tzinfo
) -> list[Day]:
    """Return how many measurements each day has, over all accounts and meters."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS_BY_DAY, [sql_name(zone), organization_id, start_at, end_at])
        return [Day(day, count) for day, count in cursor.fetchall()]
