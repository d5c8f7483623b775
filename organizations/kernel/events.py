"""Record what happened, in the transaction in which it happened.

The rows are the outbox that upper apps read; the payload is frozen here and never rebuilt.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from organizations.kernel import bulk, clock
from organizations.models import Event

_listeners: list[Callable[[], None]] = []


def listen(callback: Callable[[], None]) -> None:
    """Have ``callback`` called after each commit that recorded events; it must be quick."""
    _listeners.append(callback)


def data(
    organization_id: UUID, *, new: dict[str, Any] | None = None, old: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the payload of a change: ``new`` on created, both on updated, ``old`` on deleted."""
    changed = {
        key: {**dto, "orgId": str(organization_id)}
        for key, dto in (("newDto", new), ("oldDto", old))
        if dto is not None
    }
    return {"eventData": changed}


def build(
    organization_id: UUID,
    name: str,
    payload: dict[str, Any],
    *,
    resource_id: UUID | None = None,
    account_id: UUID | None = None,
    at: datetime | None = None,
) -> Event:
    """Return an unsaved event row."""
    return Event(
        organization_id=organization_id,
        name=name,
        payload=payload,
        resource_id=resource_id,
        account_id=account_id,
        created_at=at or clock.now(),
    )


def record(organization_id: UUID, name: str, payload: dict[str, Any], **about: Any) -> Event:
    """Save one event; see ``build`` for the keywords."""
    event = build(organization_id, name, payload, **about)
    record_many([event])
    return event


def record_many(rows: Iterable[Event]) -> None:
    """Save many events with one statement and tell the listeners after the commit."""
    rows = list(rows)
    if not rows:
        return
    if len(rows) < bulk.WORTH_COPYING:
        Event.objects.bulk_create(rows)
    else:
        bulk.insert(rows)
    for callback in _listeners:
        transaction.on_commit(callback, robust=True)
