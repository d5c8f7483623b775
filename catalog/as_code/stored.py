"""The catalogue of an organization as it is stored, and the row of each item."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from catalog import models
from catalog.as_code import kinds
from catalog.as_code.files import FileRefused
from catalog.as_code.items import key_of, settled
from catalog.as_code.values import Catalogue, Fault, Item, Ref
from organizations.kernel import registry

MODELS: dict[str, Any] = {
    kinds.PRODUCTS: models.Product,
    kinds.METERS: models.Meter,
    kinds.AGGREGATIONS: models.Aggregation,
    kinds.COMPOUNDS: models.CompoundAggregation,
    kinds.COUNTERS: models.Counter,
    kinds.TEMPLATES: models.PlanTemplate,
    kinds.PLANS: models.Plan,
    kinds.GROUPS: models.PlanGroup,
    kinds.LINKS: models.PlanGroupLink,
    kinds.PRICINGS: models.Pricing,
    kinds.COUNTER_PRICINGS: models.CounterPricing,
}
# A bespoke plan or group belongs to an account, and its prices with it: no part of a catalogue.
NOT_BESPOKE: dict[str, dict[str, Any]] = {
    kinds.PLANS: {"account": None},
    kinds.GROUPS: {"account": None},
    kinds.LINKS: {"plan__account": None, "plan_group__account": None},
    kinds.PRICINGS: {"plan__account": None},
    kinds.COUNTER_PRICINGS: {"plan__account": None},
}


@dataclass(slots=True)
class Stored:
    """A catalogue with its rows by section and key, and what each id is called."""

    catalogue: Catalogue = field(default_factory=dict)
    rows: dict[str, dict[Hashable, Any]] = field(default_factory=dict)
    names: dict[str, Hashable] = field(default_factory=dict)


def read(organization_id: UUID) -> Stored:
    """Read the whole catalogue, one query a section; raises ``FileRefused`` if names clash."""
    stored, faults = Stored(), []
    for kind in kinds.ALL:
        stored.catalogue[kind.section], stored.rows[kind.section] = {}, {}
        for row in _rows(kind, organization_id):
            values = _values(kind, registry.of(row).represent(row), stored.names)
            key = key_of(kind, values)
            item = Item(kind.section, key, values)
            if key in stored.rows[kind.section]:
                faults.append(
                    Fault(0, item.label, "two of this name have no code: give one of them a code")
                )
            stored.names[str(row.pk)] = key
            stored.catalogue[kind.section][key] = item
            stored.rows[kind.section][key] = row
    if faults:
        raise FileRefused(faults)
    return stored


def _rows(kind: kinds.Kind, organization_id: UUID) -> QuerySet:
    rows = MODELS[kind.section].objects.filter(
        organization_id=organization_id, **NOT_BESPOKE.get(kind.section, {})
    )
    return rows.select_related("plan_template") if kind.section == kinds.PLANS else rows


def _values(kind: kinds.Kind, shown: dict[str, Any], names: dict[str, Hashable]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in kind.fields:
        if name in kind.references:
            identity = shown[f"{name}Id"]
            values[name] = None if identity is None else names[identity]
        elif name in kinds.BANDS:
            values[name] = [_band(band) for band in shown[name]]
        else:
            values[name] = shown[name]
    return settled(kind, values)


def _band(band: dict[str, Any]) -> dict[str, Any]:
    return {key: band[key] for key in ("lowerLimit", "fixedPrice", "unitPrice")}


def counted_bespoke(organization_id: UUID) -> int:
    """Return how many plans and plan groups belong to single accounts and are left out."""
    return sum(
        model.objects.filter(organization_id=organization_id, account__isnull=False).count()
        for model in (models.Plan, models.PlanGroup)
    )


def row_of(rows: dict[str, dict[Hashable, Any]], section: str, ref: Ref) -> Any:
    """Return the row a reference means, or None."""
    return rows.get(section, {}).get(ref)
