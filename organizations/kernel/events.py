"""Record what happened, in the transaction in which it happened.

The rows are the outbox that upper apps read; the payload is frozen here and never rebuilt.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from organizations.kernel import bulk, clock, exact_json, ids
from organizations.models import Event, Organization

# Every event is gone after this time: deleted by beat, and unseen from the very moment (B1).
KEPT_FOR = timedelta(days=28)
DELETED_AT_ONCE = 2000

_OF_CHANGES = ("id", "organization_id", "resource_id", "account_id", "payload")

_listeners: list[Callable[[], None]] = []


class Change(NamedTuple):
    """How one row looked before and looks after, as ``exact_json.simple`` returns it."""

    organization_id: UUID
    resource_id: UUID
    account_id: UUID | None
    old: dict[str, Any] | None
    new: dict[str, Any] | None


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
    if rows:
        bulk.insert(rows)
        _tell()


def record_changes(name: str, changed: Iterable[Change], *, at: datetime) -> None:
    """Save an event of one name for each change, without making an object of each."""
    changed = list(changed)
    rows = [
        (new_id, one.organization_id, one.resource_id, one.account_id, _payload(one))
        for new_id, one in zip(ids.new_ids(len(changed)), changed, strict=True)
    ]
    bulk.insert_values(Event, bulk.Rows(_OF_CHANGES, rows, {"name": name, "created_at": at}))
    _tell()


def _payload(change: Change) -> str:
    payload = data(change.organization_id, new=change.new, old=change.old)
    return exact_json.encode(payload).decode()


def _tell() -> None:
    for callback in _listeners:
        transaction.on_commit(callback, robust=True)


def kept(rows: QuerySet) -> QuerySet:
    """Leave the events that are not older than 28 days."""
    return rows.filter(created_at__gt=clock.now() - KEPT_FOR)


def delete_old(at: datetime) -> int:
    """Delete events older than 28 days in small transactions; returns how many."""
    deleted = 0
    # By organization, because the index for it begins with the organization.
    for organization_id in Organization.objects.values_list("pk", flat=True):
        old = Event.objects.for_organization(organization_id).filter(created_at__lte=at - KEPT_FOR)
        oldest = old.order_by("created_at", "id").values_list("pk", flat=True)
        while chosen := list(oldest[:DELETED_AT_ONCE]):
            Event.objects.filter(pk__in=chosen).delete()
            deleted += len(chosen)
    return deleted
