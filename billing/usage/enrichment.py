"""From a received item to a row: find the meter, check the fields, or say why not (usage.md 5.4).

Each item is judged by itself, a bad one stops no other. The order of the checks decides which of
several reasons is reported: UndefinedMeter, DuplicateField, MissingField, InvalidAccountCode;
the store decides DuplicateUid afterwards. Nothing is written here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from billing.models import IngestFailureType
from billing.usage.reception import MAPS, Item, Received
from billing.usage.resolution import MeterFields

Values = dict[str, str | int | Decimal]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why measurements were not stored; several only for duplicates."""

    type: IngestFailureType
    message: str
    items: Sequence[Item]


class Enriched(msgspec.Struct, gc=False):
    """A measurement that may be stored: its meter is known, its fields are complete."""

    received: Received
    meter: MeterFields
    values: Values


@dataclass(slots=True)
class Outcome:
    """What became of a batch, each part in the order in which it was sent."""

    enriched: list[Enriched] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)


def enrich(received: Iterable[Received], meters: dict[str, MeterFields]) -> Outcome:
    """Check meter and fields of every item."""
    outcome = Outcome()
    for one in received:
        item = one.item
        meter = meters.get(item.meter)
        if meter is None:
            outcome.failures.append(_undefined_meter(item))
            continue
        values = _values(item, meter)
        if values is None:
            outcome.failures.append(_why_fields_fail(item, meter))
        else:
            outcome.enriched.append(Enriched(one, meter, values))
    return outcome


def _values(item: Item, meter: MeterFields) -> Values | None:
    """Return the values of the meter's data fields, None unless all are there once.

    Derived fields are added later by ``deriving``, for the measurements that will be stored.
    """
    values: Values = {}
    for category, codes in meter.maps:
        sent = getattr(item, category)
        if sent is None or sent.keys() != codes:
            return _picked_values(item, meter)
        values.update(sent)
    for category in meter.other_maps:
        if getattr(item, category):
            return _picked_values(item, meter)
    return None if None in values.values() else values


def _picked_values(item: Item, meter: MeterFields) -> Values | None:
    """Do the same for an item that has more, or less, than exactly the meter's fields."""
    values: Values = {}
    for category, codes in meter.maps:
        sent = getattr(item, category) or {}
        for code in codes:
            value = sent.get(code)
            if value is None:
                return None
            values[code] = value
    return None if _duplicate_code(item) is not None else values


def _duplicate_code(item: Item) -> str | None:
    """Return a field code that has a value under two categories."""
    seen: set[str] = set()
    for category in MAPS:
        sent: dict[str, Any] = getattr(item, category) or {}
        codes = {code for code, value in sent.items() if value is not None}
        if twice := seen & codes:
            return min(twice)
        seen |= codes
    return None


def _why_fields_fail(item: Item, meter: MeterFields) -> Failure:
    code = _duplicate_code(item)
    if code is not None:
        message = f"Field {code} is sent under more than one category."
        return Failure(IngestFailureType.DuplicateField, message, [item])
    missing = [
        f"{category}.{code}"
        for category, codes in meter.maps
        for code in sorted(codes)
        if (getattr(item, category) or {}).get(code) is None
    ]
    message = f"Meter {item.meter} needs {', '.join(missing)}."
    return Failure(IngestFailureType.MissingField, message, [item])


def _undefined_meter(item: Item) -> Failure:
    message = f"There is no meter with code {item.meter}."
    return Failure(IngestFailureType.UndefinedMeter, message, [item])


def similar_account(item: Item, similar: str) -> Failure:
    """Return the failure of an item whose account code is too close to an existing one."""
    message = f"There is no account with code {item.account}, but one with code {similar}."
    return Failure(IngestFailureType.InvalidAccountCode, message, [item])


def duplicates(items: Sequence[Item]) -> Failure:
    """Return the one failure of all items of a request whose uids were seen before."""
    message = f"Received before: {len(items)} measurement{'s' * (len(items) != 1)}."
    return Failure(IngestFailureType.DuplicateUid, message, items)
