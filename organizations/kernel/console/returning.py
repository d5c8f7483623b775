"""A form that was opened from another page leads back to that page when it is saved.

Where one came from is read off the request's referer when the form opens, and sent along with
the form. So every link to a form has it, whatever page it stands on.
"""

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponseRedirect
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme

BACK = "_back"
# Pages that lead to forms, besides those of rows. A list is where a saved form leads anyway.
STARTS = {"index", "pricing_editor", "month_end"}
MOST_CHARACTERS = 2000


def place(request: HttpRequest) -> str:
    """Return the address that the form of the request leads back to, empty for its list."""
    sent = request.POST.get(BACK) or request.GET.get(BACK)
    if sent is not None:
        return _known(request, sent)
    if request.method == "POST":
        return ""
    return _known(request, _referer(request))


def response(request: HttpRequest) -> HttpResponseRedirect | None:
    """Return the answer to a saved form that leads back, or None."""
    back = place(request)
    return HttpResponseRedirect(back) if back else None


def keep(request: HttpRequest, answer: Any) -> Any:
    """Have the page that goes on with the same row know the way back as well."""
    back = place(request)
    if back and "_continue" in request.POST and answer.get("Location"):
        joint = "&" if "?" in answer["Location"] else "?"
        answer["Location"] += joint + urlencode({BACK: back})
    return answer


def _referer(request: HttpRequest) -> str:
    address = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()}):
        return ""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _known(request: HttpRequest, address: str) -> str:
    """Return the address if it is one of our pages that lead to forms, and not the form itself."""
    if not address.startswith("/") or len(address) > MOST_CHARACTERS:
        return ""
    if not url_has_allowed_host_and_scheme(address, allowed_hosts=None):
        return ""
    path = address.partition("?")[0]
    try:
        match = resolve(path)
    except Resolver404:
        return ""
    name = match.url_name or ""
    is_start = name.endswith("_change") or name in STARTS
    return address if match.namespace == "admin" and is_start and path != request.path else ""
