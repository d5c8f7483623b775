"""``POST /oauth/token``: client credentials for a bearer token. Cheap on purpose (A4.8)."""

import base64
import binascii
from dataclasses import replace
from urllib.parse import parse_qs

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from organizations import attempts, audit, tokens
from organizations.kernel import exact_json, isolation
from organizations.kernel.api import errors, limits, request_id

BODY_LIMIT = 4096
# An empty type is that of no body at all, or of a client that does not say.
READ = ("application/x-www-form-urlencoded", "application/json", "")


@csrf_exempt
def token(request: HttpRequest) -> HttpResponse:
    """Answer a token, or 400 for another grant type and 401 for wrong credentials."""
    if request.method != "POST":
        response = errors.answer(405, "Only POST is allowed here.")
        response["Allow"] = "POST"
        return response
    if refusal := _unreadable(request):
        return refusal
    if _grant_type(request) != "client_credentials":
        return _refused(400, "grant_type must be client_credentials.", "unsupported_grant_type")
    key_id, secret = _basic(request)
    try:
        bearer = _issue(request, key_id, secret)
    except tokens.InvalidClient as error:
        response = _refused(401, error.message, "invalid_client")
        response["WWW-Authenticate"] = "Basic"
        return response
    about = {
        "token_type": "Bearer",
        "access_token": bearer,
        "expires_in": settings.ACCESS_TOKEN_LIFETIME_SECONDS,
    }
    if not settings.ARE_RATES_LIMITED:
        return _json(200, about)
    # Counted only now: who knows a key but not its secret cannot use up what its owner may ask.
    verdict = limits.of_token(key_id)
    return verdict.tell(verdict.refusal() or _json(200, about))


@isolation.everywhere()
def _issue(request: HttpRequest, key_id: str, secret: str) -> str:
    """Return a token, or raise ``InvalidClient``; guessers are refused without a look (A4.8).

    A key is locked for the address that guesses at it only: others go on using it.
    """
    address = request.META.get("REMOTE_ADDR") or ""
    who = {"key": f"{key_id.lower()}|{address}"}
    if attempts.TOKEN.are_locked(**who):
        raise tokens.InvalidClient
    try:
        return tokens.issue(key_id, secret)
    except tokens.InvalidClient as refusal:
        if refusal.is_guess:
            attempts.TOKEN.failed(**who)
            if attempts.TOKEN.are_locked(**who):  # this guess was the last that is looked at
                _write_down(key_id, address)
        raise


def _write_down(key_id: str, address: str) -> None:
    """Leave an audit entry that a key is guessed at and locked for an address, once a lockout."""
    owner = tokens.owner_of(key_id)
    if owner is None:
        return  # an invented key belongs to nobody who could be told
    by = replace(owner, source_address=address or None, request_id=request_id.current())
    audit.record(by, "token locked", "config:accessKey", by.access_key_id, is_allowed=False)


def _json(status: int, content: dict) -> HttpResponse:
    response = HttpResponse(
        exact_json.dumps(content), status=status, content_type="application/json"
    )
    response["Cache-Control"] = "no-store"
    return response


def _refused(status: int, message: str, error: str) -> HttpResponse:
    return _json(status, {**errors.body(status, message), "error": error})


def _unreadable(request: HttpRequest) -> HttpResponse | None:
    """Refuse a body that is far too large, or neither a form nor JSON (B9.4)."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdecimal() and int(length) > BODY_LIMIT:
        return errors.answer(413, f"The body may have at most {BODY_LIMIT} bytes.")
    if request.content_type not in READ:
        return errors.answer(415, f"The body must be one of {', '.join(filter(None, READ))}.")
    return None


def _grant_type(request: HttpRequest) -> str | None:
    """Return the grant type of a form or JSON body."""
    body = request.read(BODY_LIMIT)
    if request.content_type == "application/x-www-form-urlencoded":
        return parse_qs(body.decode("utf-8", "replace")).get("grant_type", [None])[-1]
    try:
        content = exact_json.loads(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return content.get("grant_type") if isinstance(content, dict) else None


def _basic(request: HttpRequest) -> tuple[str, str]:
    """Return user and password of HTTP Basic, or two empty texts."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return "", ""
    return user, password
