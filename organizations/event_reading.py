"""What a reader of events may see in them (A5.13.11).

An event carries a copy of the row it is about. Who may read events but not that row learns that
something happened to it and which row it was; the rest of the copy is left out.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from organizations import row_reading
from organizations.access import Rights
from organizations.kernel import registry
from organizations.models import Event

LEFT_IN = ("id",)


def payloads(rights: Rights, rows: Iterable[Event]) -> dict[UUID, Any]:
    """Return the payload of each event as the reader may see it, by the event's id.

    Costs a query for each kind of row that the reader may not read altogether.
    """
    rows = list(rows)
    by_area: dict[str, list[Event]] = defaultdict(list)
    for row in rows:
        by_area[row.name.rpartition(".")[0]].append(row)
    shown = {row.pk: row.payload for row in rows}
    for area, about in by_area.items():
        kind = _kind(area)
        if kind is None or rights.allows_all(row_reading.RETRIEVE, kind.name):
            continue
        wanted = {row.resource_id for row in about if row.resource_id is not None}
        readable = row_reading.readable(rights, kind.name, wanted)
        for row in about:
            if row.resource_id not in readable:
                shown[row.pk] = _shortened(row.payload)
    return shown


def _kind(area: str) -> registry.Resource | None:
    """Return the entity whose events begin so: ``configuration.account``, ``scheduled.account``."""
    kinds = [one for one in registry.resources() if one.event]
    if area.startswith("scheduled."):
        return next((one for one in kinds if _entity(one.event) == _entity(area)), None)
    return next((one for one in kinds if one.event == area), None)


def _entity(area: str | None) -> str:
    return (area or "").partition(".")[2]


def _shortened(payload: dict[str, Any]) -> dict[str, Any]:
    copies = payload.get("eventData", {}).items()
    left = {which: {key: copy[key] for key in LEFT_IN if key in copy} for which, copy in copies}
    return {**payload, "eventData": left}
