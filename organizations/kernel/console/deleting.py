"""What stands in the way of a delete, in words and with links (B8.2)."""

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join

from organizations.kernel import registry
from organizations.kernel.console import linking, show
from organizations.kernel.wording import counted

MOST_LINKS = 10


def in_the_way(request: HttpRequest, row: models.Model) -> list[str]:
    """Return what refers to a row, as ``3 pricings of Pro``, the first ten with links."""
    known = registry.find(type(row))
    page = admin.site._registry.get(type(row))
    title = page.title_of(row) if page is not None else str(row)
    found = ((one, one.count(row)) for one in (known.referrers if known else ()))
    return [
        format_html("{} of {}{}", counted(count, one.kind), title, _some(request, one.rows(row)))
        for one, count in found
        if count
    ]


def _some(request: HttpRequest, rows: models.QuerySet) -> str:
    """Return links to the first rows; nothing of rows this person may not see (A5.13.11)."""
    page = admin.site._registry.get(rows.model)
    if page is None:
        return ""
    seen = linking.seen(request, rows).order_by("pk")[:MOST_LINKS]
    links = [(show.link(each, page.title_of(each)),) for each in seen]
    return format_html(": {}", format_html_join(", ", "{}", links)) if links else ""
