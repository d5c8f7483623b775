"""Measurements over the API: send them, and download what could not be stored.

The first is the one route where serializers would cost more than everything else together, so it
is a plain view: the decoder of ``usage.reception`` knows the shape.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.views.decorators.csrf import csrf_exempt

from billing.usage import failures, ingest, reception, resolution
from organizations import access, audit
from organizations.kernel import clock, exact_json
from organizations.kernel.api import errors, idempotency
from organizations.kernel.errors import DomainError, FieldRefused, Forbidden
from organizations.kernel.zones import zone_of

ACCEPTED = b'{"result":"accepted"}'
View = Callable[..., HttpResponse]
UPLOAD = ("measurements:upload", "data:measurement")
RETRIEVE = ("measurements:retrieve", "data:measurement")


class PayloadTooLarge(DomainError):
    """The body has 512,000 bytes or more (usage.md 4.1.1: 403, not 413)."""

    status_code = 403
    code = "PAYLOAD_TOO_LARGE"

    def __init__(self) -> None:
        super().__init__(f"The payload must be below {settings.INGEST_BODY_LIMIT_BYTES:,} bytes.")


class NotJSONContent(DomainError):
    """The Content-Type is not JSON."""

    status_code = 415
    code = "UNSUPPORTED_MEDIA_TYPE"

    def __init__(self) -> None:
        super().__init__("Send JSON with Content-Type application/json.")


def answering(method: str, *needs: str) -> Callable[[View], View]:
    """Let a view answer one verb, and turn its refusals into answers.

    ``needs`` are the action and the resource that a denied call is audited with (A9.7).
    """

    def decorate(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def answer(request: HttpRequest, **where: Any) -> HttpResponse:
            if request.method != method:
                refusal = errors.answer(405, f"Method {request.method} is not allowed here.")
                refusal["Allow"] = method
                return refusal
            try:
                return view(request, **where)
            except DomainError as error:
                if isinstance(error, Forbidden):
                    _audit_denied(request, *needs)
                return errors.answer(
                    error.status_code, error.message, code=error.code, errors=error.errors
                )

        return answer

    return decorate


def _audit_denied(request: HttpRequest, action: str = "", resource: str = "") -> None:
    principal = getattr(request, "principal", None)
    if principal is not None:  # a signed address is opened by whoever holds it
        audit.denied(principal, action, resource)


@answering("POST", *UPLOAD)
def submit(request: HttpRequest, **_where: Any) -> HttpResponse:
    """Take 1 to 1,000 measurements in; the answer comes after they are committed."""
    organization_id, principal, at = request.organization_id, request.principal, clock.now()
    catalog = resolution.latest(organization_id)
    was_allowed = catalog is not None and principal.id in catalog.uploaders
    if not was_allowed:
        access.require(principal, *UPLOAD)
    try:
        received = reception.receive(_body(request), at=at, zone=lambda: zone_of(organization_id))
    except DomainError:
        access.require(principal, *UPLOAD)  # whoever may not send is told of nothing else
        raise
    # What is stored at once is stored at the catalogue's revision, which policies raise too.
    if was_allowed and ingest.accept_at_once(organization_id, received, at=at):
        return HttpResponse(ACCEPTED, content_type="application/json")

    def admit(revision: int) -> None:
        if was_allowed and revision != catalog.revision:
            access.require(principal, *UPLOAD)

    # With an idempotency key measurements and kept answer are committed together.
    take_in = ingest.take_in if idempotency.is_transaction_open(request) else ingest.accept
    take_in(organization_id, received, at=at, admit=admit)
    if catalog is not None and principal.kind == "SERVICE_USER":
        catalog.uploaders.add(principal.id)
    return HttpResponse(ACCEPTED, content_type="application/json")


@answering("GET", *RETRIEVE)
def download_url(request: HttpRequest, **_where: Any) -> HttpResponse:
    """Answer an address under which the log of a failure can be read for five minutes."""
    rights = access.Rights(request.principal)
    rights.require_some(*RETRIEVE)
    file = request.GET.get("file", "")
    if not file:
        raise FieldRefused("file", "is required")
    failure = failures.find(request.organization_id, file)
    rights.require(*RETRIEVE, failure.pk)
    token = failures.sign(failure)
    url = request.build_absolute_uri(reverse("failed_ingest", kwargs={"token": token}))
    return _json({"url": url})


@answering("GET")
def download(request: HttpRequest, *, token: str) -> HttpResponse:
    """Answer the log itself, to whoever holds the signed address."""
    return _json(failures.log(failures.opened(token)))


def _body(request: HttpRequest) -> bytes:
    """Return the body; what is too large is refused before it is read."""
    kind = request.content_type or ""
    if kind and kind not in {"application/json", "text/json"} and not kind.endswith("+json"):
        raise NotJSONContent
    limit = settings.INGEST_BODY_LIMIT_BYTES
    try:
        declared = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        declared = 0
    if declared >= limit:
        raise PayloadTooLarge
    body = request.read(limit)
    if len(body) >= limit:
        raise PayloadTooLarge
    return body


def _json(value: Any) -> HttpResponse:
    return HttpResponse(exact_json.dumps(value), content_type="application/json")


urlpatterns = [
    path("organizations/<str:orgId>/measurements", submit, name="measurements"),
    path(
        "organizations/<str:orgId>/measurements/failedIngest/getDownloadUrl",
        download_url,
        name="failed_ingest_download_url",
    ),
    path("downloads/failed-ingest/<str:token>", download, name="failed_ingest"),
]
