"""Seal the audit trail in blocks, so that a change of an old entry shows.

No writer waits for a chain: entries are numbered, and a task hashes what lies behind the last
seal. A number is taken before its transaction ends, so a block is first announced and sealed
when every transaction of that moment is over; what is added later has a higher number. Each hash
covers the one before: whoever keeps the latest hash elsewhere can prove everything behind it.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max

from organizations.kernel import clock, exact_json
from organizations.models import AuditEntry, AuditSeal

# A number is taken an instant before its transaction gets one; this covers that instant.
SETTLES = timedelta(seconds=30)
MOST_COUNTED = 10_000
START = b"\0" * 32
COLUMNS = (
    "id", "organization_id", "at", "principal_id", "principal_kind", "access_key_id",
    "source_address", "request_id", "action", "resource", "entity_id", "difference", "is_allowed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """What a verification found; ``broken`` is the first seal that does not fit its entries."""

    seals: int
    entries: int
    unsealed: int
    latest_hash: str
    broken: AuditSeal | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A seal and the number of the first entry it covers."""

    seal: AuditSeal
    first_entry_id: int

    @property
    def hash(self) -> str:
        """The hash as it is printed."""
        return bytes(self.seal.hash or b"").hex()


@dataclass(frozen=True, slots=True)
class Overview:
    """Sealed blocks, newest first, and the entries behind the last (at most 10,000 counted)."""

    blocks: list[Block]
    unsealed: int
    sealed_to: int


def advance() -> None:
    """Seal the announced block when it is settled, then announce the next. May run twice."""
    with transaction.atomic():
        # One at a time; a second one finds nothing to do.
        pending = AuditSeal.objects.select_for_update().filter(hash=None).first()
        if pending is None:
            _announce()
        elif _is_settled(pending):
            _seal(pending)


def verify() -> Report:
    """Compute every seal again from the entries."""
    previous, sealed_to, count = START, 0, 0
    seals = list(AuditSeal.objects.exclude(hash=None).order_by("last_entry_id"))
    for at, seal in enumerate(seals):
        digest, found = _digest(previous, sealed_to, seal.last_entry_id)
        if digest != bytes(seal.hash) or found != seal.entry_count:
            return Report(at, count, _unsealed(sealed_to), previous.hex(), broken=seal)
        previous, sealed_to, count = digest, seal.last_entry_id, count + found
    return Report(len(seals), count, _unsealed(sealed_to), previous.hex())


def seal_of(entry: AuditEntry) -> AuditSeal | None:
    """Return the seal whose block holds an entry, None while it is not sealed."""
    sealed = AuditSeal.objects.exclude(hash=None).filter(last_entry_id__gte=entry.pk)
    return sealed.order_by("last_entry_id").first()


def overview(organization_id: UUID, *, most: int) -> Overview:
    """Return the newest blocks and how many of an organization's entries no seal covers yet."""
    sealed = list(AuditSeal.objects.exclude(hash=None).order_by("-last_entry_id")[: most + 1])
    sealed_to = sealed[0].last_entry_id if sealed else 0
    blocks = [
        Block(seal, (sealed[at + 1].last_entry_id if at + 1 < len(sealed) else 0) + 1)
        for at, seal in enumerate(sealed[:most])
    ]
    tail = AuditEntry.objects.filter(organization_id=organization_id, id__gt=sealed_to)
    return Overview(blocks, tail[:MOST_COUNTED].count(), sealed_to)


def _announce() -> None:
    latest = AuditEntry.objects.aggregate(latest=Max("id"))["latest"] or 0
    sealed_to = AuditSeal.objects.aggregate(latest=Max("last_entry_id"))["latest"] or 0
    if latest <= sealed_to:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        (next_transaction,) = cursor.fetchone()
    AuditSeal.objects.bulk_create(
        [
            AuditSeal(
                last_entry_id=latest,
                next_transaction=next_transaction,
                announced_at=clock.now(),
            )
        ],
        ignore_conflicts=True,  # announced by another one at the same moment
    )


def _is_settled(seal: AuditSeal) -> bool:
    if clock.now() - seal.announced_at < SETTLES:
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        (oldest_running,) = cursor.fetchone()
    return oldest_running >= seal.next_transaction


def _seal(seal: AuditSeal) -> None:
    before = AuditSeal.objects.exclude(hash=None).order_by("-last_entry_id").first()
    previous = bytes(before.hash) if before else START
    sealed_to = before.last_entry_id if before else 0
    seal.hash, seal.entry_count = _digest(previous, sealed_to, seal.last_entry_id)
    seal.sealed_at = clock.now()
    seal.save(update_fields=["hash", "entry_count", "sealed_at"])


def _digest(previous: bytes, after: int, to: int) -> tuple[bytes, int]:
    """Return the hash over the seal before and the entries behind it, and how many they are."""
    digest, count = hashlib.sha256(previous), 0
    for line in _lines(after, to):
        digest.update(line + b"\n")
        count += 1
    return digest.digest(), count


def _lines(after: int, to: int) -> Iterator[bytes]:
    rows = AuditEntry.objects.filter(id__gt=after, id__lte=to).order_by("id")
    for values in rows.values_list(*COLUMNS).iterator(chunk_size=2000):
        yield exact_json.dumps(list(values))


def _unsealed(sealed_to: int) -> int:
    return AuditEntry.objects.filter(id__gt=sealed_to).count()
