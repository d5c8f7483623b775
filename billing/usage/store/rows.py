"""Append measurement rows by COPY: six times as fast as INSERTs of the ORM.

Row-level security forbids COPY into the table, so each month is copied straight into its
partition, where no policy stands; ``append`` itself makes sure of the organization. A few rows,
and those of months without a partition, go by one INSERT: COPY takes three round trips.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from billing.usage.store import months
from billing.usage.store.claims import text_array
from organizations.kernel import isolation

COPY = """
    COPY {}
        (organization_id, received_at, account_id, meter_id, ts, ets, uid, fields)
    FROM STDIN
"""

INSERT = """
    INSERT INTO billing_measurement
        (organization_id, received_at, account_id, meter_id, ts, ets, uid, fields)
    SELECT %s, %s, * FROM unnest(%s::uuid[], %s::uuid[], %s::timestamptz[], %s::timestamptz[],
        %s::text[], %s::jsonb[])
"""
FEW = 20

# Writes Decimals as numbers with all their digits. jsonb keeps numbers exactly.
_encoder = msgspec.json.Encoder(decimal_format="number")
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


class Measurement(msgspec.Struct, gc=False):
    """A row to be; ``fields`` maps field codes to texts and exact numbers, without nulls."""

    account_id: UUID | str
    meter_id: UUID | str
    ts: datetime
    ets: datetime | None
    uid: str
    fields: dict[str, Any]


def append(organization_id: UUID, rows: Sequence[Measurement], *, at: datetime) -> None:
    """Store the rows in the current transaction; their uids are claimed already.

    Raises ``WrongOrganization`` when the running code works for another organization.
    """
    isolation.require(organization_id)
    if not rows:
        return
    fixed = f"{organization_id}\t{at.isoformat()}\t"
    with connection.cursor() as cursor, connection.wrap_database_errors:
        for partition, part in months.sorted_out(rows) if len(rows) > FEW else [(None, rows)]:
            if partition is None:
                cursor.execute(INSERT, [organization_id, at, *columns(part)])
            else:
                with cursor.copy(COPY.format(partition)) as copy:
                    copy.write("".join([_line(fixed, row) for row in part]))


def columns(rows: Sequence[Measurement]) -> tuple[str, str, str, str, str, str]:
    """Return the columns from the account on, each as PostgreSQL writes an array."""
    return (
        text_array([str(row.account_id) for row in rows]),
        text_array([str(row.meter_id) for row in rows]),
        text_array([row.ts.isoformat() for row in rows]),
        f"{{{','.join([_quoted(row.ets) for row in rows])}}}",
        text_array([row.uid for row in rows]),
        text_array([_encoder.encode(row.fields).decode() for row in rows]),
    )


def _quoted(instant: datetime | None) -> str:
    return f'"{instant.isoformat()}"' if instant else "NULL"


def _line(fixed: str, row: Measurement) -> str:
    """Return the row in COPY's text format."""
    fields = _encoder.encode(row.fields).decode()
    if "\\" in fields:
        fields = fields.replace("\\", "\\\\")
    uid = row.uid
    if not uid.isprintable() or "\\" in uid:
        uid = _SPECIAL.sub(lambda found: _ESCAPES[found[0]], uid)
    ets = row.ets.isoformat() if row.ets else "\\N"
    return (
        f"{fixed}{row.account_id}\t{row.meter_id}\t{row.ts.isoformat()}\t{ets}\t{uid}\t{fields}\n"
    )
