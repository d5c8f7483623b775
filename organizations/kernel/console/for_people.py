"""Django's middleware for people, which machines pass by: no session, no cookie, no message.

What a machine sends bears a token and nothing else, and a third of the time of a short request
went into finding that out again and again.
"""

from http import HTTPStatus
from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.gzip import GZipMiddleware
from django.utils.deprecation import MiddlewareMixin

TEXTS = ("text/", "application/json", "application/javascript", "image/svg+xml")
MACHINES = ("/organizations/", "/oauth/")


class _ForPeople(MiddlewareMixin):
    """Hands the requests of machines on as they are."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(MACHINES):
            return self.get_response(request)
        return super().__call__(request)


class Sessions(_ForPeople, SessionMiddleware):
    """``request.session``."""


class CrossSite(_ForPeople, CsrfViewMiddleware):
    """Forms come from our own pages. Views of the API are exempt: they take no cookie."""


class SignedIn(_ForPeople, AuthenticationMiddleware):
    """``request.user``."""


class Messages(_ForPeople, MessageMiddleware):
    """What the next page tells."""


class Frames(_ForPeople, XFrameOptionsMiddleware):
    """No page of ours inside another's."""


class Compressed(_ForPeople, GZipMiddleware):
    """Pages, and the texts they load; pictures, fonts and PDFs are compressed already."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        """Compress a whole answer that is text."""
        is_text = response.headers.get("Content-Type", "").startswith(TEXTS)
        is_whole = response.status_code == HTTPStatus.OK and request.method != "HEAD"
        return super().process_response(request, response) if is_text and is_whole else response
