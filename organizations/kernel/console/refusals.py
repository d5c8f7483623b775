"""Audit pages of the console that were refused, as the API audits its denied calls (A9.7)."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from organizations import audit
from organizations.kernel import ids
from organizations.kernel.console.permissions import VERBS

# The part of a page's name that says what was tried; everything else is a look.
TRIED = {"add": "add", "delete": "delete"}


class RefusalMiddleware:
    """Records an entry for each 403 a person was answered, with what the page is about."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        page = _page_of(request)
        if response.status_code == 403 and page is not None and request.principal is not None:
            action, entity_id = _tried(request, page)
            audit.record(
                request.principal, action, page.resource_name(), entity_id, is_allowed=False
            )
        return response


def _page_of(request: HttpRequest) -> Any:
    """Return the page of the console the request went to, None for other addresses."""
    match = getattr(request, "resolver_match", None)
    page = getattr(match.func, "model_admin", None) if match else None
    return page if hasattr(page, "resource_name") else None


def _tried(request: HttpRequest, page: Any) -> tuple[str, Any]:
    """Return the action in the words of policies, and the row of the address."""
    match = request.resolver_match
    verb = TRIED.get((match.url_name or "").rpartition("_")[2], "")
    if not verb:
        verb = "change" if request.method == "POST" else "view"
    action = page.view_action if verb == "view" else f"config:{VERBS[verb]}"
    return action, ids.parse(match.kwargs.get("object_id", ""))
