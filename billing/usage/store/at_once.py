"""Claim and append a few rows by one statement: the way of measurements nothing is to be said of.

One round trip is transaction enough. It stores everything or nothing, so whatever it does not
store, for whatever reason, is simply taken in by the general way.

The statement goes to libpq itself, prepared once a connection: of a measurement that comes alone,
a cursor's own work would cost as much as storing it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection
from psycopg.errors import UniqueViolation, error_from_result
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus

from billing.usage.store.claims import text_array
from billing.usage.store.rows import Measurement, columns
from organizations.kernel import isolation

# Beyond this COPY is faster, three round trips and all.
MOST = 200
NAME = b"store_at_once"

# Uids come sorted, so that they are inserted in the order of every other batch. One that somebody
# else claims at this moment violates the key, which undoes the statement.
STORE = b"""
    WITH claimed AS (
        INSERT INTO billing_uidclaim (organization_id, uid, claimed_at)
        SELECT $1::uuid, unnest($3::text[]), $2::timestamptz
        WHERE NOT EXISTS (
            SELECT FROM billing_uidclaim
            WHERE organization_id = $1::uuid AND uid = ANY($3::text[])
        ) AND EXISTS (
            SELECT FROM organizations_organization
            WHERE id = $1::uuid AND catalog_revision = $4::bigint
        )
        RETURNING uid
    )
    INSERT INTO billing_measurement
        (organization_id, received_at, account_id, meter_id, ts, ets, uid, fields)
    SELECT $1::uuid, $2::timestamptz, sent.*
    FROM unnest($5::uuid[], $6::uuid[], $7::timestamptz[], $8::timestamptz[], $9::text[],
        $10::jsonb[]) AS sent
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
    values = (
        str(organization_id),
        at.isoformat(),
        text_array(sorted([row.uid for row in rows])),
        str(revision),
        *columns(rows),
    )
    connection.ensure_connection()
    with connection.wrap_database_errors:
        try:
            return _executed(connection, [value.encode() for value in values]) > 0
        except UniqueViolation:
            return False


def _executed(wrapper: Any, values: list[bytes]) -> int:
    """Return how many measurements the statement has stored; it is its own transaction."""
    session, bare = wrapper.session, wrapper.connection
    session.enter(bare)
    libpq = bare.pgconn
    if libpq.transaction_status != TransactionStatus.IDLE:
        raise psycopg.OperationalError("A transaction is open, or the connection is lost.")
    if NAME not in session.prepared:
        _checked(libpq, libpq.prepare(NAME, STORE))
        session.prepared.add(NAME)
    return _checked(libpq, libpq.exec_prepared(NAME, values)).command_tuples or 0


def _checked(libpq: Any, result: Any) -> Any:
    if result.status == ExecStatus.COMMAND_OK:
        return result
    error = error_from_result(result)
    if libpq.status == ConnStatus.BAD or error.sqlstate is None:
        # Not the server's word, but libpq's about a server that is gone.
        raise psycopg.OperationalError(str(error)) from error
    raise error
