"""Which locked bills have usage that arrived after they were calculated."""

from datetime import datetime
from uuid import UUID

from django.db import connection

# Usage is received a moment before it can be read, and a bill is read before it is stamped. What
# is found too much costs a look, so both margins are wide.
_MARGIN = "interval '1 hour'"

# A bill of several rhythms may hold a period as long as a year that ends with it.
_STARTS = (
    "CASE WHEN b.billing_frequency = 'MIXED' THEN b.start_at - interval '1 year'"
    " ELSE b.start_at END"
)
_TIMES = f"m.ts >= {_STARTS} - interval '1 day' AND m.ts < b.end_at + interval '1 day'"

# Two ways: what arrived since the last look, for any locked bill; everything, for a bill that was
# locked since, account by account through the index. Usage of children may be on the bill of their
# parent. The margin of a day covers periods that reach back to another timezone's midnight.
FIND = f"""
    SELECT DISTINCT b.id
      FROM (SELECT organization_id, account_id, ts, max(received_at) AS received_at
              FROM billing_measurement
             WHERE organization_id = %(organization)s AND received_at >= %(since)s - {_MARGIN}
             GROUP BY 1, 2, 3) m
      JOIN billing_account a ON a.id = m.account_id
      JOIN billing_bill b ON b.account_id IN (a.id, a.parent_account_id) AND {_TIMES}
     WHERE b.is_locked AND m.received_at > b.latest_calculated_at - {_MARGIN}
    UNION
    SELECT b.id
      FROM billing_bill b
      CROSS JOIN LATERAL (
            SELECT b.account_id AS id
             UNION ALL
            SELECT c.id FROM billing_account c WHERE c.parent_account_id = b.account_id
           ) a
     WHERE b.organization_id = %(organization)s AND b.is_locked
       AND NOT EXISTS (SELECT 1 FROM billing_lateusagebill l WHERE l.bill_id = b.id)
       AND (SELECT max(m.received_at) FROM billing_measurement m
             WHERE m.organization_id = %(organization)s AND m.account_id = a.id AND {_TIMES}
           ) > b.latest_calculated_at - {_MARGIN}
"""  # noqa: S608 (nothing in it comes from outside)


def bills_with_late_usage(organization_id: UUID, since: datetime) -> list[UUID]:
    """Return the locked bills to look at; ``since`` is when the last look began; one query."""
    with connection.cursor() as cursor:
        cursor.execute(FIND, {"organization": organization_id, "since": since})
        return sorted(row[0] for row in cursor.fetchall())
