"""``Idempotency-Key``: a POST sent twice is carried out once and answered twice (B7.8).

The answer is kept in the transaction of the effect: both are committed or neither, so nothing
that dies in between doubles anything. A request that comes while the first one is still being
answered waits for it in the unique index, at most ``WAIT_SECONDS``. Kept for 24 hours is what the
view answered, but neither a failure of ours nor "try later" nor "you may not": 401, 403 and 429
are always given anew, so a policy that allows it acts on the next request (A5.13.6).
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse

from organizations.kernel import clock
from organizations.kernel.api import errors
from organizations.kernel.errors import FieldError
from organizations.models import KeptAnswer

HEADER = "Idempotency-Key"
META = "HTTP_IDEMPOTENCY_KEY"
REPLAYED = "Idempotent-Replayed"
LONGEST_KEY = 255
KEPT_FOR = timedelta(hours=24)
WAIT_SECONDS = 5
ALWAYS_ANEW = {401, 403}
LOCK_NOT_AVAILABLE = "55P03"
DELETED_AT_ONCE = 5_000
# A row older than a day is nobody's any more: whoever comes takes it over.
CLAIM = """
    INSERT INTO organizations_keptanswer AS kept
        (organization_id, principal_id, key_hash, request_hash, created_at, content_type)
    VALUES (%(organization)s, %(principal)s, %(key)s, %(request)s, %(now)s, '')
    ON CONFLICT (organization_id, principal_id, key_hash) DO UPDATE
        SET request_hash = excluded.request_hash, created_at = excluded.created_at
        WHERE kept.created_at < %(oldest)s
    RETURNING id
"""
Answer = Callable[[HttpRequest], HttpResponse]


class IdempotencyMiddleware:
    """Stands behind the doorkeeper; costs requests without the header one look into a dict."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.META.get(META)
        principal = getattr(request, "principal", None)
        if key is None or request.method != "POST" or principal is None:
            return self.get_response(request)
        if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
            return _refused(400, f"must have 1 to {LONGEST_KEY} printable ASCII characters")
        if _is_too_large(request):
            return self.get_response(request)  # which refuses it without reading it
        return _answer_once(request, key, self.get_response)


def is_transaction_open(request: HttpRequest) -> bool:
    """Return whether the view runs inside of the transaction its answer is kept in."""
    return getattr(request, "has_open_transaction", False)


def _answer_once(request: HttpRequest, key: str, get_response: Answer) -> HttpResponse:
    """Return the answer of the view, or the one it gave before."""
    with transaction.atomic():
        try:
            kept = _claim(request, hashlib.sha256(key.encode()).digest())
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            transaction.set_rollback(True)
            return _still_answering()
        if kept.status is not None:
            return _again(kept, request)
        request.has_open_transaction = True
        response = get_response(request)
        if _is_undone(response):
            transaction.set_rollback(True)  # it may be tried again with the same key
        elif response.status_code in ALWAYS_ANEW or response.streaming:
            # What was audited stays; what is streamed is only read, and may be read again.
            KeptAnswer.objects.filter(pk=kept.pk).delete()
        else:
            _keep(kept, response)
        return response


def _claim(request: HttpRequest, key_hash: bytes) -> KeptAnswer:
    """Return the row of the key; its status is empty when the request is the first.

    Waits while another transaction holds the key; raises OperationalError after ``WAIT_SECONDS``.
    """
    now = clock.now()
    about = {
        "organization": request.organization_id,
        "principal": request.principal.id,
        "key": key_hash,
        "request": _digest(request),
        "now": now,
        "oldest": now - KEPT_FOR,
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{WAIT_SECONDS}s"])
        cursor.execute(CLAIM, about)
        claimed = cursor.fetchone()
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
    if claimed is not None:
        return KeptAnswer(pk=claimed[0], organization_id=request.organization_id)
    return KeptAnswer.objects.for_organization(request.organization_id).get(
        principal_id=about["principal"], key_hash=key_hash
    )


def _is_undone(response: HttpResponse) -> bool:
    """Return whether nothing has happened that the next request with the key must not repeat."""
    status = response.status_code
    return status >= 500 or status == 429 or (status >= 400 and connection.needs_rollback)


def _keep(kept: KeptAnswer, response: HttpResponse) -> None:
    shows_secret = "no-store" in response.get("Cache-Control", "")
    KeptAnswer.objects.filter(pk=kept.pk).update(
        status=response.status_code,
        content_type=response.get("Content-Type", ""),
        body=None if shows_secret else response.content,
    )


def _again(kept: KeptAnswer, request: HttpRequest) -> HttpResponse:
    if bytes(kept.request_hash) != _digest(request):
        return _refused(400, "was used before for another request; take a new key for each")
    if kept.body is None:
        return _refused(
            400, "was used before, and that request was carried out: its answer held a secret, "
            "which is shown only once",
        )  # fmt: skip
    response = HttpResponse(bytes(kept.body), status=kept.status, content_type=kept.content_type)
    response[REPLAYED] = "true"
    return response


def _still_answering() -> HttpResponse:
    response = _refused(429, "is in use: the first request with it is still being answered")
    response["Retry-After"] = "1"
    return response


def _refused(status: int, message: str) -> HttpResponse:
    about = (FieldError(HEADER, message),)
    return errors.answer(status, f"{HEADER}: {message}.", code="IDEMPOTENCY_KEY", errors=about)


def _digest(request: HttpRequest) -> bytes:
    """Return what two requests have in common when they are the same."""
    digest = hashlib.sha256()
    for part in (request.path_info, request.META.get("QUERY_STRING", "")):
        digest.update(part.encode("utf-8", "surrogateescape") + b"\0")
    digest.update(request.body)
    return digest.digest()


def _is_too_large(request: HttpRequest) -> bool:
    try:
        declared = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return False
    return declared > settings.CONFIG_API_BODY_LIMIT_BYTES


def delete_old() -> int:
    """Delete answers older than a day, a number of them in each transaction; return how many."""
    deleted = 0
    while True:
        oldest = KeptAnswer.objects.filter(created_at__lt=clock.now() - KEPT_FOR)
        some = oldest.order_by("created_at").values("pk")[:DELETED_AT_ONCE]
        count, _ = KeptAnswer.objects.filter(pk__in=some).delete()
        deleted += count
        if count < DELETED_AT_ONCE:
            return deleted
