"""Search everything from the sidebar: pages by name, rows by name, code or id.

Unfold's own search remembers results per person; ours must not, because a person may work in
several organizations.
"""

from collections.abc import Iterator
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.dataclasses import SearchResult

from organizations.kernel.console import show

MOST_OF_A_KIND = 5
# What people look for by name; lists of what happened are searched on their own pages.
SEARCHED = (
    "billing.account",
    "billing.bill",
    "catalog.product",
    "catalog.plan",
    "catalog.plantemplate",
    "catalog.meter",
    "catalog.aggregation",
    "integrations.webhookdestination",
)


def view(site: Any, request: HttpRequest) -> HttpResponse:
    """Answer the results as a piece of the page."""
    term = request.GET.get("s", "").strip()
    if not term:
        return HttpResponse()
    is_extended = "extended" in request.GET
    found = [*_pages(site, request, term)]
    if is_extended:
        found += _rows(site, request, term)
    pages = Paginator(found, max(len(found), 1))
    template = "command_results" if is_extended else "search_results"
    return TemplateResponse(
        request,
        f"unfold/helpers/{template}.html",
        {
            "page_obj": pages,
            "results": pages.page(1),
            "page_counter": 0,
            "execution_time": 0,
            "command_show_history": False,
        },
        headers={"HX-Trigger": "search"},
    )


def _pages(site: Any, request: HttpRequest, term: str) -> Iterator[SearchResult]:
    for app in site.get_app_list(request):
        for model in app["models"]:
            if term.lower() in str(model["name"]).lower() and model["admin_url"]:
                yield SearchResult(
                    title=str(model["name"]).capitalize(),
                    description=app["name"],
                    link=model["admin_url"],
                    icon="list",
                )


def _rows(site: Any, request: HttpRequest, term: str) -> Iterator[SearchResult]:
    for model, page in site._registry.items():
        if model._meta.label_lower not in SEARCHED or not page.has_view_permission(request):
            continue
        rows, _may_repeat = page.get_search_results(request, page.get_queryset(request), term)
        for row in rows.order_by("-pk")[:MOST_OF_A_KIND]:
            yield SearchResult(
                title=page.title_of(row),
                description=str(model._meta.verbose_name).capitalize(),
                link=show.address(row),
                icon="data_object",
            )
