"""How many measurements arrived for each day and meter: what a chart of all accounts shows.

Counts are of the measurement's own time, not of when it was received. The read is bounded in
time, because nothing but a picture depends on it.
"""

from datetime import date, datetime, tzinfo
from uuid import UUID

from django.db import OperationalError, connection, transaction

from organizations.kernel.periods import sql_name

LONGEST_MILLISECONDS = 4000

COUNTS = """
    SELECT (ts AT TIME ZONE %s)::date AS day, meter_id, count(*)
    FROM billing_measurement
    WHERE organization_id = %s AND ts >= %s AND ts < %s
    GROUP BY 1, 2
    ORDER BY 1, 2
"""


def daily_counts(
    organization_id: UUID, *, start_at: datetime, end_at: datetime, zone: tzinfo
) -> list[tuple[date, UUID, int]] | None:
    """Return (day, meter, count) for ``start_at <= ts < end_at``, days as they are in ``zone``.

    None when counting would take longer than four seconds.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {LONGEST_MILLISECONDS}")
            cursor.execute(COUNTS, [sql_name(zone), organization_id, start_at, end_at])
            return list(cursor.fetchall())
    except OperationalError:
        return None
