"""The types of events that are recorded here, and the fields of their payloads (B2, B3).

Nothing is listed by hand: an entity's payload is its representation, so the representation of a
sample row says which fields there are and of what type. Sample rows are never saved.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from django.db import models

from organizations.kernel import registry

# In the payload, yet no fields to build rules upon (B3).
NOT_LISTED = {
    "orgId", "version", "dtCreated", "dtLastModified", "createdBy", "lastModifiedBy",
}  # fmt: skip
COPIES = {"created": ("new",), "updated": ("new", "old"), "deleted": ("old",)}
# How deep a sample row's foreign keys lead to further sample rows: a plan has its template, and
# that its product.
DEPTH = 2

_SAMPLES: dict[type[models.Field], Any] = {
    models.BooleanField: True,
    models.DecimalField: Decimal(1),
    models.DateTimeField: datetime(2024, 1, 1, tzinfo=UTC),
    models.DateField: date(2024, 1, 1),
    models.IntegerField: 1,
    models.UUIDField: UUID(int=1),
    models.BinaryField: b"",
    models.JSONField: {},
    models.CharField: "text",
    models.TextField: "text",
}
_TYPES: dict[type, str] = {
    bool: "boolean",
    int: "int",
    Decimal: "double",
    dict: "map",
    list: "array",
    tuple: "array",
}


@cache
def fields() -> dict[str, dict[str, str]]:
    """Return the fields of every event type by path (``new.name``), types in order of name."""
    found: dict[str, dict[str, str]] = {}
    for resource in registry.resources():
        if resource.event:
            payload = {**resource.represent(sample(resource.model)), "customFields": {}}
            for verb, copies in COPIES.items():
                found[f"{resource.event}.{verb}"] = _paths(payload, copies)
    for event, payload_of in registry.recorded_entities().items():
        for verb, copies in COPIES.items():
            found[f"{event}.{verb}"] = _paths({**payload_of(), "customFields": {}}, copies)
    for name, payload_of in registry.other_events().items():
        found[name] = _paths(payload_of(), COPIES.get(name.rpartition(".")[2], ("new",)))
    return dict(sorted(found.items()))


def fields_for(organization_id: Any) -> dict[str, dict[str, str]]:
    """Return the fields of every type an organization has, with those it has scheduled (B6)."""
    known = fields()
    scheduled = {
        name: known[f"{event}.created"]
        for name, event in registry.scheduled_by(organization_id).items()
    }
    return dict(sorted({**known, **scheduled}.items()))


def sample(model: type[models.Model], depth: int = DEPTH) -> Any:
    """Return an unsaved row of the model with a value in every column."""
    row = model()
    for column in model._meta.concrete_fields:
        setattr(row, column.attname, _value(column))
        if depth and column.is_relation:
            column.set_cached_value(row, sample(column.related_model, depth - 1))
    return row


def _value(column: models.Field) -> Any:
    """Return a value of the column's type; lists and maps are told by their defaults."""
    while column.is_relation:
        column = column.target_field
    default = column.get_default()
    if isinstance(default, list | dict):
        return default
    fitting = (value for kind, value in _SAMPLES.items() if isinstance(column, kind))
    return next(fitting, [])


def _paths(payload: dict[str, Any], copies: tuple[str, ...]) -> dict[str, str]:
    return {
        f"{copy}.{name}": type_of(value)
        for copy in copies
        for name, value in payload.items()
        if name not in NOT_LISTED
    }


def type_of(value: Any) -> str:
    """Return the contract's word; days, instants and what is never filled in are strings."""
    return _TYPES.get(type(value), "string")
