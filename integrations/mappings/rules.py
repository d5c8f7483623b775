"""What a mapping may say, and what becomes of it when our entity goes."""

from typing import Any

from django.db.models import QuerySet

from integrations.models import ExternalMapping, IntegrationConfiguration
from organizations.kernel import changes, ids, registry
from organizations.kernel.errors import FieldRefused
from organizations.kernel.principals import Principal

# What mappings are usually made of, for those who choose; any other name is taken as well.
ENTITIES = (
    "Account", "AccountPlan", "Aggregation", "Balance", "Bill", "Commitment", "CompoundAggregation",
    "Contract", "Counter", "Meter", "Plan", "PlanGroup", "PlanTemplate", "Pricing", "Product",
)  # fmt: skip
_KNOWN = {name.lower() for name in ENTITIES}


def check(row: ExternalMapping) -> None:
    """Refuse an entity of ours that is not there; names we do not know are taken as they are."""
    kind = row.entity.lower()
    known = registry.of_type(kind) if kind in _KNOWN else None
    if known is None:
        return
    identity = ids.parse(row.entity_identity)
    rows = known.model._default_manager.filter(organization_id=row.organization_id)
    if identity is None or not rows.filter(pk=identity).exists():
        raise FieldRefused("m3terId", f"no such {known.model._meta.verbose_name}")


def forget(rows: list[Any], *, by: Principal) -> None:
    """Delete the mappings of entities that have been deleted."""
    known = registry.find(type(rows[0])) if rows else None
    if known is None or known.type.lower() not in _KNOWN:
        return
    found = ExternalMapping.objects.for_organization(rows[0].organization_id).filter(
        entity_identity__in=[str(row.pk) for row in rows], entity_key=known.type.lower()
    )
    for mapping in found.order_by("pk"):
        changes.delete(mapping, by=by)


def of_configuration(row: IntegrationConfiguration) -> QuerySet:
    """Return the mappings meant for one configuration alone."""
    return ExternalMapping.objects.for_organization(row.organization_id).filter(configuration=row)
