"""One error body for every status, made in one place (B9.2)."""

import sys
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from rest_framework import exceptions
from rest_framework.response import Response

from organizations.kernel import exact_json, outages
from organizations.kernel.api import paths, request_id
from organizations.kernel.errors import DomainError, FieldError, VersionMismatch

CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    411: "LENGTH_REQUIRED",
    413: "BODY_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "TOO_MANY_REQUESTS",
    500: "INTERNAL_ERROR",
    503: "UNAVAILABLE",
}
COME_AGAIN_SECONDS = 5


def body(
    status: int, message: str, *, code: str | None = None, errors: tuple[FieldError, ...] = ()
) -> dict[str, Any]:
    """Return the error body; ``errors`` only when single fields are at fault."""
    answer: dict[str, Any] = {
        "message": message,
        "code": code or CODES.get(status, "ERROR"),
        "status": status,
        "requestId": request_id.current(),
    }
    if errors:
        answer["errors"] = [{"field": item.field, "message": item.message} for item in errors]
    return answer


def answer(status: int, message: str, **about: Any) -> HttpResponse:
    """Return a finished error answer, for places outside of REST framework views."""
    written = exact_json.dumps(body(status, message, **about))
    response = HttpResponse(written, status=status, content_type="application/json")
    response["Content-Length"] = str(len(written))  # also where no later middleware adds it
    return response


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an expected error into its answer; anything unexpected is left to rise."""
    if isinstance(error, DomainError):
        response = Response(
            body(error.status_code, error.message, code=error.code, errors=error.errors),
            status=error.status_code,
        )
        if isinstance(error, VersionMismatch):
            response["x-should-retry"] = "false"  # without it every client repeats in vain
        return response
    if isinstance(error, Http404):
        return Response(body(404, "Not found."), status=404)
    if isinstance(error, PermissionDenied):
        return Response(body(403, "You are not allowed to do this."), status=403)
    if isinstance(error, exceptions.ValidationError):
        return _validation(error)
    if isinstance(error, exceptions.APIException):
        response = Response(body(error.status_code, str(error.detail)), status=error.status_code)
        if wait := getattr(error, "wait", None):
            response["Retry-After"] = str(max(1, int(wait)))
        return response
    return None


def _validation(error: exceptions.ValidationError) -> Response:
    fields = tuple(flattened(error.detail))
    first = fields[0]
    shown = f"{first.field}: {first.message}" if first.field else first.message
    more = f" (and {len(fields) - 1} more)" if len(fields) > 1 else ""
    named = tuple(item for item in fields if item.field)
    return Response(body(400, shown + more, code="VALIDATION", errors=named), status=400)


def flattened(detail: Any, path: str = "") -> list[FieldError]:
    """Return every message with the dotted path of its field; list positions in brackets."""
    if isinstance(detail, dict):
        found: list[FieldError] = []
        for key, item in detail.items():
            if key == "non_field_errors":
                found += flattened(item, path)
            elif isinstance(key, int):
                found += flattened(item, f"{path}[{key}]")
            else:
                found += flattened(item, f"{path}.{key}" if path else str(key))
        return found
    if isinstance(detail, list):
        found = []
        for position, item in enumerate(detail):
            nested = isinstance(item, (dict, list))
            found += flattened(item, f"{path}[{position}]" if nested else path)
        return found
    return [FieldError(path, str(detail))]


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer an unknown address."""
    return _told(request, 404, "No such address.")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer what Django itself finds fault with: an unknown host name, a request of odd form."""
    return _told(request, 400, "This request cannot be answered.")


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer what is not allowed."""
    return _told(request, 403, "You are not allowed to do this.")


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form that does not come from a page of ours, or from an outdated one."""
    return _told(request, 403, "This form is outdated. Open its page again and repeat.", "forged")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer our own failure without internals; the traceback is in the log.

    While PostgreSQL (or a Redis that is needed) is away, that is no failure of ours: 503, and
    trying again helps.
    """
    if not outages.is_passing(sys.exc_info()[1]):
        message = "Something went wrong on our side. The request id helps to find it."
        return _told(request, 500, message)
    response = _told(request, 503, "A server we need is away for the moment. Try again soon.")
    response["Retry-After"] = str(COME_AGAIN_SECONDS)
    return response


def _told(request: HttpRequest, status: int, message: str, page: str = "") -> HttpResponse:
    """Return a page in the console and for browsers elsewhere, JSON for everybody else (B9.3)."""
    if not paths.wants_page(request):
        return answer(status, message)
    about = {"request_id": request_id.current()}
    written = render_to_string(f"organizations/errors/{page or status}.html", about)
    return HttpResponse(written, status=status)
