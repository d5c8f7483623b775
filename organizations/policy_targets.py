"""The rows and groups that statements speak of: their names, and finding them by what one types."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from organizations import policy_reading
from organizations.access import Rights
from organizations.kernel import ids, registry
from organizations.models import Membership, ResourceGroup

MOST = 20
# Where rows of a type are looked for, whichever of these the model has.
SEARCHED = ("name", "code", "email", "email_address", "account_code", "account_name")
PEOPLE = ("user__email", "user__first_name", "user__last_name")


@dataclass(frozen=True, slots=True)
class Found:
    """A row or group one may pick."""

    id: str
    name: str
    detail: str = ""


def names(organization_id: UUID, statements: Sequence[dict[str, Any]]) -> dict[Any, str]:
    """Return the names of all rows and groups mentioned, by (reach, id).

    One query for the groups and one for each type of which a row is named.
    """
    groups: set[UUID] = set()
    items: dict[str, set[UUID]] = {}
    for pattern in policy_reading.targets(statements):
        if (identity := ids.parse(pattern.id)) is None:
            continue
        if pattern.reach == "group":
            groups.add(identity)
        else:
            items.setdefault(pattern.type, set()).add(identity)
    known: dict[Any, str] = {}
    if groups:
        rows = ResourceGroup.objects.for_organization(organization_id).filter(pk__in=groups)
        known |= {("group", str(row.pk)): row.name for row in rows}
    for kind, wanted in items.items():
        for identity, name in names_of_rows(organization_id, kind, wanted).items():
            known["item", str(identity)] = name
    return known


def names_of_rows(organization_id: UUID, kind: str, wanted: set[UUID]) -> dict[UUID, str]:
    """Return the names of rows of one type by the id policies know them by; one query."""
    resource = registry.of_type(kind)
    if resource is None:
        return {}
    rows = rows_of(resource, organization_id).filter(**{f"{resource.item_field}__in": wanted})
    return {registry.item_id(row): name_of(row) for row in rows}


def name_of(row: Any) -> str:
    """Return what people call a row."""
    if isinstance(row, Membership):
        return row.user.get_full_name()
    return str(getattr(row, "name", "") or row)


def search_rows(rights: Rights, kind: str, text: str) -> list[Found]:
    """Return up to 20 rows of a type this principal may read, by name, code or id."""
    resource = registry.of_type(kind)
    if resource is None:
        return []
    rows = rows_of(resource, rights.principal.organization_id)
    seen = rights.visible(rows, "config:retrieve", resource.name)
    found = seen.filter(matching(resource, text)).order_by("-pk")[:MOST]
    return [Found(str(registry.item_id(row)), name_of(row), _detail(row)) for row in found]


def search_groups(rights: Rights, kind: str, text: str) -> list[Found]:
    """Return up to 20 groups of a type this principal may read, by name or id."""
    rows = ResourceGroup.objects.for_organization(rights.principal.organization_id)
    seen = rights.visible(rows.filter(type=kind), "config:retrieve", "config:resourceGroup")
    identity = ids.parse(text)
    wanted = Q(pk=identity) if identity else Q(name__icontains=text)
    return [Found(str(row.pk), row.name) for row in seen.filter(wanted).order_by("name")[:MOST]]


def matching(resource: registry.Resource, text: str) -> Q:
    """Return the condition that a row has the id, or the text in its name or code."""
    identity = ids.parse(text.strip())
    if identity is not None:
        return Q(**{resource.item_field: identity})
    columns = PEOPLE if resource.model is Membership else _columns(resource.model)
    either = Q()
    for column in columns:
        either |= Q(**{f"{column}__icontains": text})
    return either


def _columns(model: Any) -> list[str]:
    own = {field.name for field in model._meta.concrete_fields}
    return [name for name in SEARCHED if name in own]


def rows_of(resource: registry.Resource, organization_id: UUID) -> QuerySet:
    """Return the rows of an entity; what they name themselves by comes with them."""
    rows = resource.model._base_manager.filter(organization_id=organization_id)
    return rows.select_related()


def _detail(row: Any) -> str:
    if isinstance(row, Membership):
        return row.user.email
    return str(getattr(row, "code", "") or "")
