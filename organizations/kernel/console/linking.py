"""Links that lead only where the person of the request may go (A5.13.9, A5.13.10).

Each function returns an address, or nothing where the page would answer with a refusal: the text
then stands alone. Rows of one model are asked for together, so that a table of links costs one
query at most, and none where a type is allowed or refused as a whole.
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from organizations.kernel.console import show
from organizations.models import AuditEntry


def to_list(request: HttpRequest, model: type[Model], **query: Any) -> str:
    """Return the address of a list, narrowed by ``query``."""
    page = _page(model)
    if page is None or not page.has_view_permission(request):
        return ""
    return _with(show.list_address(model), query)


def to_form(request: HttpRequest, model: type[Model], **query: Any) -> str:
    """Return the address of the form that adds a row, filled in with ``query``."""
    page = _page(model)
    if page is None or not page.has_add_permission(request):
        return ""
    return _with(show.list_address(model, "add"), query)


def to_row(request: HttpRequest, row: Model | None) -> str:
    """Return the address of the page of one row."""
    page = _page(type(row)) if row is not None else None
    if page is None or not page.has_view_permission(request, row):
        return ""
    return show.address(row)


def to_rows(request: HttpRequest, model: type[Model], identities: Iterable[Any]) -> dict[Any, str]:
    """Return addresses of the pages of rows by primary key; those that stay closed are missing."""
    page = _page(model)
    wanted = {each for each in identities if each is not None}
    if page is None or not wanted:
        return {}
    if not request.permissions.allows_all(page.view_action, page.resource_name()):
        rows = model._base_manager.filter(organization=request.organization, pk__in=wanted)
        wanted = set(seen(request, rows).values_list("pk", flat=True))
    return {each: show.address_of(model, each) for each in wanted}


def to_history(request: HttpRequest, row: Model) -> str:
    """Return the address of the audit entries about a row."""
    return to_list(request, AuditEntry, entity=row.pk)


def seen(request: HttpRequest, rows: QuerySet) -> QuerySet:
    """Return only the rows whose pages open."""
    page = _page(rows.model)
    return rows.none() if page is None else page.narrowed(request, rows, page.view_action)


def link(request: HttpRequest, row: Model | None, text: str = "") -> str:
    """Return a link to the page of a row, or its text alone."""
    if row is None:
        return show.NOTHING
    shown, url = text or str(row), to_row(request, row)
    return format_html('<a class="bw-link" href="{}">{}</a>', url, shown) if url else shown


def back_to(request: HttpRequest, row: Model) -> str:
    """Return where to go on from a row: its page, else its list, else the dashboard."""
    return to_row(request, row) or to_list(request, type(row)) or reverse("admin:index")


def _page(model: type[Model]) -> Any:
    return admin.site._registry.get(model)


def _with(address: str, query: dict[str, Any]) -> str:
    return f"{address}?{urlencode(query)}" if query else address
