"""Events of the parts of an entity, as the bands of a price: each added, changed or gone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from organizations.kernel import events
from organizations.kernel.registry import Resource

VERBS = ("created", "updated", "deleted")


def payload(resource: Resource, part: dict[str, Any], owner_id: Any) -> dict[str, Any]:
    """Return a part as its event tells it: with the id of what it is a part of."""
    return {**part, f"{resource.type}Id": str(owner_id)}


def record(
    resource: Resource, key: str, event: str, changes: Sequence[events.Change], *, at: datetime
) -> None:
    """Record what became of the parts in the changes of their owners."""
    found: dict[str, list[events.Change]] = {verb: [] for verb in VERBS}
    for change in changes:
        before, after = _parts(change.old, key), _parts(change.new, key)
        for part_id in before | after:
            old, new = before.get(part_id), after.get(part_id)
            if old == new:
                continue
            verb = "created" if old is None else "deleted" if new is None else "updated"
            found[verb].append(
                events.Change(
                    change.organization_id,
                    UUID(part_id),
                    change.account_id,
                    old and payload(resource, old, change.resource_id),
                    new and payload(resource, new, change.resource_id),
                )
            )
    for verb, parts in found.items():
        if parts:
            events.record_changes(f"{event}.{verb}", parts, at=at)


def _parts(copy: Any, key: str) -> dict[str, dict[str, Any]]:
    return {str(part["id"]): part for part in (copy or {}).get(key) or ()}
