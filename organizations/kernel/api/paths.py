"""API addresses as official clients send them: slashes too many (B1.4, B1.5)."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

SLASHES = re.compile(r"/{2,}")
API_PREFIXES = ("/organizations/", "/oauth/")
PAGE_PREFIXES = ("/admin/", "/invitations/")


def is_api(path: str) -> bool:
    """Return whether the path belongs to the API rather than to the console."""
    return path.startswith(API_PREFIXES)


def wants_page(request: HttpRequest) -> bool:
    """Return whether a person with a browser waits for the answer, rather than a program.

    A client whose base URL is wrong asks for addresses that are neither API nor console.
    """
    path = request.path_info
    if is_api(path) or path.startswith(PAGE_PREFIXES):
        return not is_api(path)
    return "text/html" in request.headers.get("Accept", "")


class CollapseSlashesMiddleware:
    """Collapses duplicate slashes, and drops the last one of an API path; never redirects."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if "//" in path:
            path = SLASHES.sub("/", path)
        if is_api(path) and len(path) > 1 and path.endswith("/"):
            path = path.rstrip("/")
        if path != request.path_info:
            request.path_info = request.path = path
        return self.get_response(request)
