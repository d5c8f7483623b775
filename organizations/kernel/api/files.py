"""Take the bytes of uploads, and give those of downloads, to whoever holds a signed address."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
    UnreadablePostError,
)
from django.urls import path
from django.utils.http import content_disposition_header
from django.views.decorators.csrf import csrf_exempt

from organizations.kernel import file_addresses, files, isolation
from organizations.kernel.api import errors
from organizations.kernel.errors import DomainError
from organizations.models import StoredFile

View = Callable[..., HttpResponseBase]


def answering(method: str) -> Callable[[View], View]:
    """Let a view answer one verb, and turn its refusals into answers."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def answer(request: HttpRequest, token: str) -> HttpResponseBase:
            if request.method != method:
                refusal = errors.answer(405, f"Method {request.method} is not allowed here.")
                refusal["Allow"] = method
                return refusal
            try:
                return view(request, token)
            except UnreadablePostError:
                return errors.answer(400, "The connection ended before the file was complete.")
            except DomainError as error:
                return errors.answer(
                    error.status_code, error.message, code=error.code, errors=error.errors
                )

        return answer

    return decorate


@answering("PUT")
def upload(request: HttpRequest, token: str) -> HttpResponseBase:
    """Store the body, which is the file."""
    named = file_addresses.read(token, file_addresses.UPLOAD)
    length, kind = _length(request), request.content_type or ""
    with isolation.within(named.organization_id):
        files.receive(named.file_id, request, length=length, content_type=kind)
    return HttpResponse(status=200)


@answering("GET")
def download(request: HttpRequest, token: str) -> HttpResponseBase:
    """Answer the file; a browser saves it and never shows it as a page of ours."""
    named = file_addresses.read(token, file_addresses.DOWNLOAD)
    with isolation.within(named.organization_id):
        file = StoredFile.objects.filter(pk=named.file_id).first()
    if file is None:
        raise files.Gone
    return streamed(file)


def streamed(file: StoredFile) -> StreamingHttpResponse:
    """Return an answer that streams a stored file; who may have it was asked before."""
    chunks = files.chunks(file)
    first = next(chunks, b"")  # now, so that a missing file is a refusal and no broken answer
    response = StreamingHttpResponse(_after(first, chunks), content_type=file.content_type)
    response["Content-Length"] = str(file.size)
    response["Content-Disposition"] = str(content_disposition_header(True, file.name))
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def _after(first: bytes, rest: Any) -> Any:
    yield first
    yield from rest


def _length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


urlpatterns = [
    path("files/upload/<str:token>", upload, name="file_upload"),
    path("files/download/<str:token>", download, name="file_download"),
]
