"""Know a browser in which a person has signed in before, so that guessers cannot lock them out.

Failures at the login are counted against the e-mail address, from wherever they come; somebody
who goes on guessing could keep an address locked for ever. A browser that carries this cookie has
a count of its own instead.
"""

import hashlib
import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

COOKIE = "billwright_known"
SALT = "known browser"
LASTS_SECONDS = 365 * 24 * 3600
REMEMBERED = 5  # people in one browser


def who(request: HttpRequest | None, email: str) -> dict[str, str]:
    """Return the identities that failures to sign in as ``email`` are counted against."""
    email = email.strip().lower()
    if request is None:
        return {"email": email}
    if nonce := _known(request).get(_digest(email)):
        return {"device": f"{email}|{nonce}"}
    address = request.META.get("REMOTE_ADDR") or ""
    return {"email": email, "address": address, "pair": f"{email}|{address}"}


def remember(request: HttpRequest, response: HttpResponse, email: str) -> None:
    """Let the browser carry that this person has signed in with it; other people stay known."""
    known = {_digest(email.lower()): secrets.token_urlsafe(12), **_known(request)}
    known[_digest(email.lower())] = known.pop(_digest(email.lower()))  # the latest comes last
    kept = dict(list(known.items())[-REMEMBERED:])
    response.set_cookie(
        COOKIE,
        signing.dumps(kept, salt=SALT),
        max_age=LASTS_SECONDS,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )


def _known(request: HttpRequest) -> dict[str, str]:
    try:
        found = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=LASTS_SECONDS)
    except signing.BadSignature:
        return {}
    return found if isinstance(found, dict) else {}


def _digest(email: str) -> str:
    return hashlib.sha256(email.encode()).hexdigest()[:32]
