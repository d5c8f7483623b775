"""Uids: whoever claims one first has it for 35 days (usage.md 4.5).

Claims are inserted in sorted order, so batches that bring the same uids in different order wait
for each other in one direction only. A claim belongs to the transaction that stores the
measurement: when that fails, the uid is free again.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

WINDOW = timedelta(days=35)
FORGET_AT_ONCE = 10_000

# The array is written by hand: adapting a thousand texts one by one takes longer than storing them.
# Which uids are new is told only when not all of them are.
CLAIM = """
    WITH won AS (
        INSERT INTO billing_uidclaim (organization_id, uid, claimed_at)
        SELECT %s, unnest(%s::text[]), %s
        ON CONFLICT DO NOTHING
        RETURNING uid
    )
    SELECT CASE WHEN count(*) < %s THEN coalesce(array_agg(uid), '{}') END FROM won
"""
LIVE = """
    SELECT uid FROM billing_uidclaim
    WHERE organization_id = %s AND uid = ANY(%s::text[]) AND claimed_at > %s
"""
TAKE_OVER = """
    WITH stale AS (
        SELECT uid FROM billing_uidclaim
        WHERE organization_id = %s AND uid = ANY(%s::text[]) AND claimed_at <= %s
        ORDER BY uid FOR UPDATE
    )
    UPDATE billing_uidclaim c SET claimed_at = %s FROM stale
    WHERE c.organization_id = %s AND c.uid = stale.uid
    RETURNING c.uid
"""
RELEASE = "DELETE FROM billing_uidclaim WHERE organization_id = %s AND uid = ANY(%s::text[])"
FORGET = """
    DELETE FROM billing_uidclaim WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM billing_uidclaim WHERE claimed_at <= %s LIMIT %s
        FOR UPDATE SKIP LOCKED
    ))
"""


def claim(
    organization_id: UUID, uids: Collection[str], *, at: datetime, look_first: bool = False
) -> set[str]:
    """Return the uids that are ours now; the others were received in the 35 days before ``at``.

    A claim older than that is taken over, whether or not maintenance has deleted it yet. With
    ``look_first`` those that live are left out before anything is inserted: the quicker way where
    most are expected to.
    """
    wanted = sorted(set(uids))
    won: set[str] = set()
    if look_first and wanted:
        live = _live(organization_id, wanted, at)
        wanted = [uid for uid in wanted if uid not in live]
    while wanted:
        won.update(_insert(organization_id, wanted, at))
        lost = [uid for uid in wanted if uid not in won]
        if not lost:
            break
        live = _live(organization_id, lost, at)
        stale = [uid for uid in lost if uid not in live]
        if not stale:
            break
        array = text_array(stale)
        won.update(_run(TAKE_OVER, [organization_id, array, at - WINDOW, at, organization_id]))
        # Neither live nor there to be taken: just deleted, or just taken over. Look again.
        wanted = [uid for uid in stale if uid not in won]
    return won


def release(organization_id: UUID, uids: Sequence[str]) -> None:
    """Give back uids claimed in this transaction."""
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, [organization_id, text_array(sorted(uids))])


def forget_old(*, at: datetime) -> int:
    """Delete claims of which the window is over, some thousands at a time; returns how many."""
    forgotten = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(FORGET, [at - WINDOW, FORGET_AT_ONCE])
            forgotten += cursor.rowcount
            if cursor.rowcount < FORGET_AT_ONCE:
                return forgotten


def text_array(texts: Sequence[str]) -> str:
    """Return the texts as PostgreSQL writes an array."""
    joined = '","'.join(texts)
    if "\\" in joined or joined.count('"') != 2 * (len(texts) - 1):
        joined = '","'.join(text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return f'{{"{joined}"}}'


def _insert(organization_id: UUID, uids: list[str], at: datetime) -> list[str]:
    """Insert what is not there and return it."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [organization_id, text_array(uids), at, len(uids)])
        [(some,)] = cursor.fetchall()
    return uids if some is None else some


def _live(organization_id: UUID, uids: list[str], at: datetime) -> set[str]:
    return set(_run(LIVE, [organization_id, text_array(uids), at - WINDOW]))


def _run(statement: str, parameters: list[object]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [row[0] for row in cursor.fetchall()]
