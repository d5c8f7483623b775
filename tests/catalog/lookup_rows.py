"""Rows of lookup tables for tests."""

from collections.abc import Sequence
from typing import Any

from django.db import models

from catalog.lookups import data, rules, statuses
from catalog.models import LookupTable, LookupTableRevision
from organizations.kernel import changes, principals
from organizations.models import Organization
from tests.factories import number

FIELDS = (("country", "STRING"), ("rate", "NUMBER"))


def make_table(organization: Organization, **overrides: Any) -> LookupTable:
    """Make a table without revision."""
    fields = {"name": "Rates", "code": f"rates-{number()}"}
    row = LookupTable(organization=organization, **{**fields, **overrides})
    return changes.create(row, by=principals.system(organization.pk))


def make_revision(
    table: LookupTable,
    items: Sequence[dict[str, Any]] = (),
    *,
    fields: Sequence[tuple[str, str]] = FIELDS,
    keys: Sequence[str] = ("country",),
    status: str = "DRAFT",
    name: str = "Revision",
) -> LookupTableRevision:
    """Make a revision with data."""
    by = principals.system(table.organization_id)
    revision = LookupTableRevision(
        organization_id=table.organization_id,
        lookup_table=table,
        name=name,
        fields=[{"name": one, "type": kind} for one, kind in fields],
        keys=list(keys),
    )
    changes.create(revision, by=by)
    if items:
        data.put(rules.data_of(revision.pk), items, by=by, version=None)
    return revision if status == "DRAFT" else statuses.change(revision, status, by=by)


def lookups(mark: str, organization: Organization) -> list[models.Model]:
    """Make a table with a draft that has data."""
    table = make_table(organization, name=f"{mark} lookup table")
    return [table, make_revision(table, [{"country": f"{mark} land"}], name=f"{mark} revision")]
