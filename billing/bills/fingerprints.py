"""What the money of an account depends on and another session may write meanwhile, as one text.

A run reads it before everything else, and again when it holds the account's lock: an account that
reads differently then is read and calculated again (JOB-15).
"""

from collections.abc import Collection
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection
from psycopg import sql

from organizations.kernel import ids

# Every table with rows that change what an account owes, but for its plans, prices and usage,
# which a bill takes as they were when it was read. Each row must differ after every write: an id
# with its version, or with what may change in it. A new kind of line adds its table here.
SOURCES: Final[tuple[str, ...]] = (
    "SELECT account_id, id::text || version || is_locked AS row FROM billing_bill",
    "SELECT account_id, id::text || version AS row FROM billing_counteradjustment",
    "SELECT account_id, id::text || version AS row FROM billing_charge",
    "SELECT account_id, id::text || version AS row FROM billing_commitment",
    "SELECT account_id, id::text || version || amount AS row FROM billing_balance",
    "SELECT account_id, id::text || version AS row FROM billing_lateusage",
)


class Fingerprint(NamedTuple):
    """One text for all sources, and whether the account has a bill, the first of them."""

    text: str
    has_bills: bool


NOTHING: Final = Fingerprint("", False)


def read(account_ids: Collection[UUID]) -> dict[UUID, Fingerprint]:
    """Return the fingerprint of each account that has any such rows; one query."""
    parts = sql.SQL(" UNION ALL ").join(
        sql.SQL(
            "SELECT account_id, {number} AS source, sum(hashtextextended(row, 0))::text AS hash"
            "  FROM ({source} WHERE account_id = ANY(%(ids)s::uuid[])) s GROUP BY account_id"
        ).format(number=number, source=sql.SQL(source))
        for number, source in enumerate(SOURCES)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT account_id, string_agg(source || ':' || hash, ' ' ORDER BY source),"
                " bool_or(source = 0) FROM ({}) s GROUP BY account_id"
            ).format(parts),
            {"ids": ids.array(account_ids)},
        )
        return {account_id: Fingerprint(*found) for account_id, *found in cursor.fetchall()}
