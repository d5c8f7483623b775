"""Audit what the console refuses: which page was asked for, and which action it needed (A9.7)."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from organizations import audit
from organizations.kernel import ids
from organizations.kernel.console.permissions import VERBS

# The part of a page's name that says what was tried; everything else is a look.
TRIED = {"add", "delete"}


def recorded(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return the response; an entry tells when it refuses somebody who works in an organization."""
    if response.status_code == 403 and getattr(request, "principal", None) is not None:
        _record(request)
    return response


def _record(request: HttpRequest) -> None:
    page = _page_of(request)
    asked = f"{request.method} {request.path}"
    if page is not None:
        action, entity_id = _tried(request, page)
        audit.denied(request.principal, action, page.resource_name(), entity_id, request=asked)
        return
    # A page about no entity: the address tells what was tried.
    verb = "update" if request.method == "POST" else "retrieve"
    audit.denied(request.principal, f"config:{verb}", "console", request=asked)


def _page_of(request: HttpRequest) -> Any:
    """Return the page of an entity the request went to, None for other addresses."""
    match = request.resolver_match
    page = getattr(match.func, "model_admin", None) if match else None
    return page if hasattr(page, "resource_name") else None


def _tried(request: HttpRequest, page: Any) -> tuple[str, Any]:
    """Return the action in the words of policies, and the row of the address."""
    match = request.resolver_match
    verb = (match.url_name or "").rpartition("_")[2]
    if verb not in TRIED:
        verb = "change" if request.method == "POST" else "view"
    action = page.view_action if verb == "view" else f"config:{VERBS[verb]}"
    return action, ids.parse(match.kwargs.get("object_id", ""))
