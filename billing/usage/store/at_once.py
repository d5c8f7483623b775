"""Claim and append a few rows by one statement: the way of measurements nothing is to be said of.

One round trip is transaction enough. It stores everything or nothing, so whatever it does not
store, for whatever reason, is simply taken in by the general way.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection
from psycopg import Cursor, errors

from billing.usage.store.claims import text_array
from billing.usage.store.rows import Measurement, columns
from organizations.kernel import isolation

# Beyond this COPY is faster, three round trips and all.
MOST = 200

# Uids come sorted, so that they are inserted in the order of every other batch. One that somebody
# else claims at this moment violates the key, which undoes the statement.
STORE = """
    WITH claimed AS (
        INSERT INTO billing_uidclaim (organization_id, uid, claimed_at)
        SELECT %(organization)s::uuid, unnest(%(sorted)s::text[]), %(at)s::timestamptz
        WHERE NOT EXISTS (
            SELECT FROM billing_uidclaim
            WHERE organization_id = %(organization)s::uuid AND uid = ANY(%(sorted)s::text[])
        ) AND EXISTS (
            SELECT FROM organizations_organization
            WHERE id = %(organization)s::uuid AND catalog_revision = %(revision)s
        )
        RETURNING uid
    )
    INSERT INTO billing_measurement
        (organization_id, received_at, account_id, meter_id, ts, ets, uid, fields)
    SELECT %(organization)s::uuid, %(at)s::timestamptz, sent.*
    FROM unnest(%(accounts)s::uuid[], %(meters)s::uuid[], %(ts)s::timestamptz[],
        %(ets)s::timestamptz[], %(uids)s::text[], %(fields)s::jsonb[]) AS sent
    WHERE EXISTS (SELECT FROM claimed)
"""


def claim_and_append(
    organization_id: UUID, rows: Sequence[Measurement], *, revision: int, at: datetime
) -> bool:
    """Store the rows and return True, or store none and return False.

    None are stored when one of their uids was claimed before, however long ago, or when the
    catalogue of the organization is not at ``revision`` any more. To be called outside of a
    transaction; ``at`` is the time of receipt. All uids are different. Raises
    ``WrongOrganization`` when the running code works for another organization.
    """
    isolation.require(organization_id)
    accounts, meters, ts, ets, uids, fields = columns(rows)
    values = {
        "organization": organization_id,
        "revision": revision,
        "at": at,
        "sorted": text_array(sorted(row.uid for row in rows)),
        "accounts": accounts,
        "meters": meters,
        "ts": ts,
        "ets": ets,
        "uids": uids,
        "fields": fields,
    }
    connection.ensure_connection()
    # Django's own cursor puts the values into the text, which would be parsed and planned anew.
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        connection.session.enter(connection.connection)
        try:
            return cursor.execute(STORE, values, prepare=True).rowcount > 0
        except errors.UniqueViolation:
            return False
