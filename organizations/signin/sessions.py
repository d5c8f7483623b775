"""Open, remember and end the sessions of people.

A session remembers by which way it was opened, when, and when it was last used; it ends after
``SESSION_IDLE_SECONDS`` without a request and after ``SESSION_COOKIE_AGE`` in any case. The rows
of ``OpenSession`` let people see their sessions; Django's sessions are the truth.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import login, logout
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from organizations.kernel import clock, ids
from organizations.models import OpenSession, PersonalToken, User

# What a browser calls itself holds the names of several; the first that fits is right.
BROWSERS = ("Edg", "OPR", "Firefox", "Chrome", "Safari", "curl")
SHOWN_AS = {"Edg": "Edge", "OPR": "Opera"}
SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux")
BACKEND = "django.contrib.auth.backends.ModelBackend"
KEY = "signed_in"
NOTED_EVERY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Way:
    """How a session was opened: with a password, or through the provider of an organization.

    ``issuer`` and ``client_id`` are the provider's, empty for a password.
    """

    issuer: str = ""
    client_id: str = ""
    has_second_factor: bool = False

    @property
    def is_provider(self) -> bool:
        """Whether a provider vouched for the person, not a password of ours."""
        return bool(self.issuer)


def start(request: HttpRequest, user: User, way: Way) -> None:
    """Log the person in, in a session with a new key, and remember the way."""
    login(request, user, backend=BACKEND)
    before = request.session.pop(KEY, None) or {}
    OpenSession.objects.filter(pk=before.get("id")).delete()
    _mark(request, way)


def way_of(request: HttpRequest) -> Way:
    """Return how the session of a request was opened."""
    mark = request.session.get(KEY) or {}
    return Way(
        mark.get("issuer", ""), mark.get("client_id", ""), mark.get("has_second_factor", False)
    )


def is_operator(request: HttpRequest) -> bool:
    """Whether the session is of an operator of the installation.

    Opened with a password: a provider of one organization cannot make operators.
    """
    return request.user.is_superuser and not way_of(request).is_provider


def add_second_factor(request: HttpRequest) -> None:
    """Remember that the person has given a second factor in this session; it gets a new key."""
    way = way_of(request)
    request.session.cycle_key()
    _mark(request, Way(way.issuer, way.client_id, has_second_factor=True))


def keep_open(request: HttpRequest) -> bool:
    """Note that the session is in use; False when it was idle or open for too long."""
    mark = request.session.get(KEY)
    if mark is None:  # opened by other means than ``start``: a password is the least that was given
        _mark(request, Way())
        return True
    now = clock.now().timestamp()
    if now - mark["opened_at"] >= settings.SESSION_COOKIE_AGE:
        return False
    if now - mark["seen_at"] >= settings.SESSION_IDLE_SECONDS:
        return False
    is_moved = mark["key"] != request.session.session_key
    if is_moved or now - mark["seen_at"] >= NOTED_EVERY_SECONDS:
        mark.update(seen_at=now, key=request.session.session_key)
        request.session[KEY] = mark
        _note(request, mark)
    return True


def forget(request: HttpRequest) -> None:
    """Take the session off the list, before it is logged out."""
    OpenSession.objects.filter(pk=current_id(request)).delete()


def leave(request: HttpRequest) -> None:
    """Log out."""
    forget(request)
    logout(request)


def open_sessions(user: User) -> QuerySet:
    """Return the person's sessions, the latest used first; those long over are left out."""
    eldest = clock.now().timestamp() - settings.SESSION_COOKIE_AGE
    rows = OpenSession.objects.filter(user=user, started_at__gt=instant(eldest))
    idle = instant(clock.now().timestamp() - settings.SESSION_IDLE_SECONDS)
    return rows.filter(latest_seen_at__gt=idle).order_by("-latest_seen_at", "-pk")


def browser_of(user_agent: str) -> str:
    """Return ``Firefox on Windows`` for what a browser says it is; the text itself if unknown."""
    browser = next((name for name in BROWSERS if name in user_agent), None)
    system = next((name for name in SYSTEMS if name in user_agent), None)
    shown = SHOWN_AS.get(browser or "", browser)
    if shown and system:
        return f"{shown} on {system}"
    return shown or user_agent[:80] or "Unknown browser"


def current_id(request: HttpRequest) -> UUID | None:
    """Return the id of this session's row."""
    return ids.parse((request.session.get(KEY) or {}).get("id"))


def end(user: User, session_id: UUID) -> bool:
    """End one of the person's sessions; False when there is none with this id."""
    row = OpenSession.objects.filter(user=user, pk=session_id).first()
    if row is None:
        return False
    _delete([row])
    return True


def end_all(user: User, *, but: HttpRequest | None = None) -> int:
    """End the person's sessions, except the one of a request; returns how many there were."""
    rows = OpenSession.objects.filter(user=user)
    if but is not None:
        rows = rows.exclude(pk=current_id(but))
    return _delete(list(rows))


def forget_ended() -> None:
    """Delete what is left of sessions and tokens that are over; a sweep."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    eldest = instant(clock.now().timestamp() - settings.SESSION_COOKIE_AGE)
    OpenSession.objects.filter(started_at__lte=eldest).delete()
    PersonalToken.objects.filter(expires_at__lte=clock.now() - timedelta(minutes=5)).delete()


def _delete(rows: list[OpenSession]) -> int:
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    for row in rows:
        store.delete(row.session_key)
        row.delete()
    return len(rows)


def _mark(request: HttpRequest, way: Way) -> None:
    if request.session.session_key is None:
        request.session.create()
    now = clock.now().timestamp()
    known = request.session.get(KEY) or {}
    mark = {
        "id": known.get("id") or str(ids.new_id()),
        "opened_at": known.get("opened_at", now),
        "seen_at": now,
        "key": request.session.session_key,
        "issuer": way.issuer,
        "client_id": way.client_id,
        "has_second_factor": way.has_second_factor,
    }
    request.session[KEY] = mark
    _note(request, mark)


def _note(request: HttpRequest, mark: dict[str, Any]) -> None:
    seen = {
        "session_key": mark["key"],
        "latest_seen_at": instant(mark["seen_at"]),
        "source_address": request.META.get("REMOTE_ADDR") or None,
        "user_agent": request.headers.get("User-Agent", "")[:300].replace("\x00", ""),
    }
    made = {**seen, "user": request.user, "started_at": instant(mark["opened_at"])}
    try:
        with transaction.atomic():
            OpenSession.objects.update_or_create(
                pk=UUID(mark["id"]), defaults=seen, create_defaults=made
            )
    except IntegrityError:  # two first requests of one session at once: one row is enough
        return


def instant(timestamp: float) -> datetime:
    """Return the instant of a number of seconds since 1970."""
    return datetime.fromtimestamp(timestamp, UTC)
