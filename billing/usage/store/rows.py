"""Append measurement rows by COPY: six times as fast as INSERTs of the ORM.

A few rows go by one INSERT instead, because COPY takes three round trips.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection

from billing.usage.store.claims import text_array

COPY = """
    COPY billing_measurement
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
    """Store the rows in the current transaction; their uids are claimed already."""
    if not rows:
        return
    with connection.cursor() as cursor, connection.wrap_database_errors:
        if len(rows) <= FEW:
            cursor.execute(INSERT, [organization_id, at, *columns(rows)])
            return
        fixed = f"{organization_id}\t{at.isoformat()}\t"
        with cursor.copy(COPY) as copy:
            copy.write("".join([_line(fixed, row) for row in rows]))


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
