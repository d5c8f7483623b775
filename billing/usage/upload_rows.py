"""Rows of a file on their way into the ingest: which are stored, and why the others are not."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple
from uuid import UUID

import msgspec

from billing.models import IngestFailureType
from billing.usage import ingest, reception
from billing.usage.enrichment import Failure
from billing.usage.reception import Item, Received
from organizations.kernel.errors import DomainError
from organizations.kernel.periods import parse_timezone
from organizations.models import OrganizationConfig

INVALID = "InvalidRow"


class Fault(NamedTuple):
    """Why a row, counted from 1, was not stored."""

    row: int
    type: str
    message: str
    original: bytes


def store(organization_id: UUID, rows: Sequence[bytes], *, first: int, at: datetime) -> list[Fault]:
    """Store the rows, the first of which has the number ``first``, and return the faults.

    Runs in a transaction of the caller. A row that is no measurement stops no other.
    """
    received, faults = _received(organization_id, rows, first, at)
    numbers = [number for number, _ in received]
    items = [one for _, one in received]
    if items:
        failed = ingest.take_in(organization_id, items, at=at)
        faults += _failures(failed, dict(zip(numbers, items, strict=True)), rows, first)
    return sorted(faults)


def _received(
    organization_id: UUID, rows: Sequence[bytes], first: int, at: datetime
) -> tuple[list[tuple[int, Received]], list[Fault]]:
    """Return the rows that are measurements, by number, and the faults of the others."""

    def zone() -> tzinfo:
        found = OrganizationConfig.objects.for_organization(organization_id)
        return parse_timezone(found.values_list("timezone", flat=True).get())

    received: list[tuple[int, Received]] = []
    faults: list[Fault] = []
    for start in range(0, len(rows), reception.MOST_ITEMS):
        some = rows[start : start + reception.MOST_ITEMS]
        numbered = list(enumerate(some, first + start))
        try:
            good = reception.receive(_body(some), at=at, zone=zone)
            received += [(first + start + index, one) for index, one in enumerate(good)]
        except DomainError:  # of one row; which, shows when each comes alone
            for number, row in numbered:
                try:
                    received.append((number, reception.receive(_body([row]), at=at, zone=zone)[0]))
                except DomainError as refusal:
                    faults.append(Fault(number, INVALID, _words(refusal), row))
    return received, faults


def _words(refusal: DomainError) -> str:
    """Return the refusal without the place in the batch of one."""
    return refusal.message.removeprefix("measurements[0]").removeprefix(".").removeprefix(": ")


def _body(rows: Sequence[bytes]) -> bytes:
    return b'{"measurements":[%b]}' % b",".join(rows)


def _failures(
    failed: Sequence[Failure], received: dict[int, Received], rows: Sequence[bytes], first: int
) -> list[Fault]:
    """Return a fault for each item that was not stored.

    Of rows that are the same to the letter the last are those not stored: the first one had the
    uid first.
    """
    if not failed:
        return []
    numbers: dict[bytes, list[int]] = defaultdict(list)
    for number, one in received.items():
        numbers[_key(one.item)].append(number)
    faults = []
    for failure in failed:
        if failure.type == IngestFailureType.CalculationError:
            continue  # stored, without the derived field
        for item in reversed(failure.items):
            number = numbers[_key(item)].pop()
            faults.append(Fault(number, failure.type, failure.message, rows[number - first]))
    return faults


def _key(item: Item) -> bytes:
    return msgspec.json.encode(item)
