"""What rows are called that audit entries are about, and the addresses of their pages."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from organizations.kernel import registry
from organizations.kernel.console import linking, show
from organizations.models import AuditEntry

# Where an entry itself tells a name, in this order.
TELLING = ("name", "email", "code", "accountCode", "url", "description")


def add(request: HttpRequest, entries: Iterable[AuditEntry]) -> None:
    """Give each entry ``entity_name`` and ``entity_url``; one query per kind of entity.

    Rows that are gone, or that the person may not read, are called what their entry tells.
    """
    rows = list(entries)
    known = _known(request, rows)
    for entry in rows:
        name, url = known.get(entry.entity_id, ("", ""))
        entry.entity_name = name or _told(entry.difference)
        entry.entity_url = url


def _known(request: HttpRequest, entries: list[AuditEntry]) -> dict[UUID, tuple[str, str]]:
    pages = {one.name: admin.site._registry.get(one.model) for one in registry.resources()}
    wanted: dict[Any, set[UUID]] = defaultdict(set)
    for entry in entries:
        page = pages.get(entry.resource)
        if page is not None and entry.entity_id is not None and _is_tenant(page.model):
            wanted[page].add(entry.entity_id)
    found = {}
    for page, identities in wanted.items():
        rows = page.model._base_manager.filter(organization=request.organization)
        related = page.list_select_related or ()
        seen = linking.seen(request, rows.filter(pk__in=identities).select_related(*related))
        found |= {row.pk: (page.title_of(row), show.address(row)) for row in seen}
    return found


def _is_tenant(model: type[models.Model]) -> bool:
    return any(field.name == "organization" for field in model._meta.concrete_fields)


def _told(difference: dict[str, Any]) -> str:
    """Return the name in a difference: the newest that is not empty."""
    for field in TELLING:
        pair = difference.get(field)
        if isinstance(pair, list) and len(pair) == 2 and (name := pair[1] or pair[0]):
            return str(name)
    return ""
