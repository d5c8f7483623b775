"""Which rows of a kind a reader may read, by ids that stand in events or in the audit trail.

Both carry copies of rows. Whoever may read them but not the row learns which row of which kind it
was and nothing else (A5.13.11).
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from organizations import policies
from organizations.access import Rights
from organizations.kernel import registry
from organizations.models import AuditEntry

RETRIEVE = "config:retrieve"


def readable(rights: Rights, resource: str, wanted: set[UUID]) -> set[UUID]:
    """Return those of the wanted ids that are primary keys of rows the reader may read.

    Rows that are gone are not among them. A query for each model of the resource.
    """
    if not wanted or not rights.allows_some(RETRIEVE, resource):
        return set()
    found: set[UUID] = set()
    for one in registry.resources():
        if not policies.is_same_type(one.name, resource) or not _is_tenant(one.model):
            continue
        rows = one.model._default_manager.filter(
            organization_id=rights.principal.organization_id, pk__in=wanted
        )
        found |= set(rights.visible(rows, RETRIEVE, one.name).values_list("pk", flat=True))
    return found


def differences(rights: Rights, entries: Iterable[AuditEntry]) -> dict[int, dict[str, Any]]:
    """Return what of each audit entry's difference the reader may see, by the entry's number."""
    entries = list(entries)
    by_kind: dict[str, set[UUID]] = defaultdict(set)
    kinds = {one.name for one in registry.resources()}
    for entry in entries:
        if entry.entity_id is not None and entry.resource in kinds:
            by_kind[entry.resource].add(entry.entity_id)
    open_kinds = {name for name in by_kind if rights.allows_all(RETRIEVE, name)}
    seen = {
        name: readable(rights, name, wanted)
        for name, wanted in by_kind.items()
        if name not in open_kinds
    }
    return {
        entry.pk: entry.difference
        if entry.resource not in seen or entry.entity_id in {None, *seen[entry.resource]}
        else {}
        for entry in entries
    }


def _is_tenant(model: Any) -> bool:
    return any(field.name == "organization" for field in model._meta.concrete_fields)
