"""Make the monthly partitions of measurements ahead of time; never in a request.

What belongs to a month without a partition is kept in the default one and works there too, only
slower. When a month has gathered enough of it, it gets a partition and its rows move there in
one transaction; measurements of that month wait for it, all others do not.
"""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime

from django.db import DatabaseError, connection, transaction
from psycopg import sql

from billing.usage import store
from billing.usage.store import months
from organizations.kernel import clock, isolation, row_security

logger = logging.getLogger(__name__)

MONTHS_BACK = 2
MONTHS_AHEAD = 3
WORTH_A_PARTITION = 1000
LOCK_WAIT = "5s"

GATHERED = """
    SELECT date_trunc('month', ts AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', count(*)
    FROM billing_measurement_default GROUP BY 1
"""
# Attached only when its rows are in it: attaching checks that none is left in the default one.
MOVE = """
    CREATE TABLE {name} (LIKE billing_measurement INCLUDING ALL);
    LOCK TABLE billing_measurement_default IN ACCESS EXCLUSIVE MODE;
    WITH moved AS (
        DELETE FROM billing_measurement_default WHERE ts >= {start} AND ts < {end} RETURNING *
    )
    INSERT INTO {name} SELECT * FROM moved;
    ALTER TABLE billing_measurement ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end});
    ANALYZE {name};
"""


def maintain() -> None:
    """Make partitions and forget old claims: what beat has done every hour."""
    at = clock.now()
    for month in ensure(at=at):
        logger.info("Made the partition of measurements of %s.", f"{month:%Y-%m}")
    with isolation.everywhere():
        store.forget_old(at=at)


def ensure(*, at: datetime) -> list[datetime]:
    """Make the partitions of the months around ``at`` and around stored data; returns them.

    A month that cannot be made now, because something long holds the default partition, is made
    at the next call.
    """
    with isolation.as_owner():
        existing = months.existing()
        wanted = {*_around(at, MONTHS_BACK, MONTHS_AHEAD), *_gathered()}
        missing = [month for month in sorted(wanted) if months.partition_of(month) not in existing]
        return [month for month in missing if _make(month)]


def _make(month: datetime) -> bool:
    name = months.partition_of(month)
    statement = sql.SQL(MOVE).format(
        name=sql.Identifier(name),
        start=sql.Literal(month),
        end=sql.Literal(_shifted(month, 1)),
    )
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_WAIT])
            cursor.execute(statement)
            row_security.restrict_partition(name)
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) not in {"55P03", "42P07"}:
            raise
        logger.warning("Partition %s is left for later: %s", name, error)
        return False
    return True


def _gathered() -> Iterator[datetime]:
    """Yield months with many rows in the default partition, and their neighbours."""
    with connection.cursor() as cursor:
        cursor.execute(GATHERED)
        rows = cursor.fetchall()
    for month, count in rows:
        if count >= WORTH_A_PARTITION:
            yield from _around(month.astimezone(UTC), 1, 1)


def _around(at: datetime, back: int, ahead: int) -> Iterator[datetime]:
    month = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for count in range(-back, ahead + 1):
        yield _shifted(month, count)


def _shifted(month: datetime, by: int) -> datetime:
    count = month.year * 12 + month.month - 1 + by
    return month.replace(year=count // 12, month=count % 12 + 1)
