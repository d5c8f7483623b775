"""Which addresses a webhook may go to (C1, C5.14).

``https`` and public addresses only, so that nobody outside can make our servers call each other.
``settings.WEBHOOK_ALLOW_PRIVATE_TARGETS`` lifts that for development and tests. Names are resolved
here and nowhere else: when a destination is saved and again at every attempt, never in a
transaction; the connection is then made to the very address that was checked.
"""

import ipaddress
import re
import socket
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Expired
from dataclasses import dataclass
from threading import Lock
from urllib.parse import urlsplit

from django.conf import settings

from organizations.kernel import isolation
from organizations.kernel.public_addresses import is_public

URL_LIMIT = 2048
RESOLVE_SECONDS = 5.0
_LABEL = "[a-z0-9_][a-z0-9_-]{0,62}"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.?\Z")
# Resolvers read 127.1, 2130706433 and 0x7f.1 as addresses too.
_NUMERIC_LAST_LABEL = re.compile(r"(?:^|\.)(?:\d+|0x[0-9a-f]*)\.?\Z")
# getaddrinfo knows no time limit: asked in threads, so that a dead resolver holds up nobody. A
# question that was given up keeps its thread, so nobody may have more than a few of them.
THREADS = 32
QUESTIONS_EACH = 2
_resolvers = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="resolve")
_asked: Counter[str] = Counter()
_lock = Lock()


class TargetRefused(ValueError):
    """The address may not be called; the message is a clause that follows "url"."""


@dataclass(frozen=True, slots=True)
class Target:
    """A checked url: where to connect to."""

    url: str
    host: str
    port: int


def parse(url: str) -> Target:
    """Check how a url is written, without asking the network. Raises ``TargetRefused``."""
    if len(url) > URL_LIMIT:
        raise TargetRefused(f"must not be longer than {URL_LIMIT} characters")
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise TargetRefused("must not hold spaces, backslashes or characters outside of ASCII")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise TargetRefused("is not a valid address") from error
    schemes = {"https", "http"} if _is_private_allowed() else {"https"}
    if parts.scheme not in schemes:
        raise TargetRefused("must begin with https://")
    if "@" in parts.netloc:
        raise TargetRefused("must not hold a user name or password")
    if "#" in url:
        raise TargetRefused("must not hold a fragment (#)")
    host = (parts.hostname or "").lower()
    _check_host(host)
    if port == 0:
        raise TargetRefused("has no valid port")
    return Target(url, host, port or (443 if parts.scheme == "https" else 80))


def resolve(target: Target) -> list[str]:
    """Return the host's addresses, all of them allowed. Raises ``TargetRefused``.

    Slow names of the organization the running code works for hold up its own targets only.
    """
    try:
        found = _ask(target).result(timeout=RESOLVE_SECONDS)
    except (OSError, UnicodeError, Expired) as error:
        raise TargetRefused("has a host name that cannot be resolved") from error
    if not found:
        raise TargetRefused("has a host name that cannot be resolved")
    if not _is_private_allowed() and not all(is_public(address) for address in found):
        # The address itself is not told: it would describe our network to an outsider.
        raise TargetRefused("has a host that is not on the public network")
    return found


def _ask(target: Target) -> "Future[list[str]]":
    asker = isolation.current().organization
    with _lock:
        if _asked[asker] >= QUESTIONS_EACH:
            raise TargetRefused("has a host name that cannot be resolved: earlier ones still are")
        _asked[asker] += 1
    answer = _resolvers.submit(_addresses, target)
    answer.add_done_callback(lambda _: _answered(asker))
    return answer


def _answered(asker: str) -> None:
    with _lock:
        _asked[asker] -= 1
        if not _asked[asker]:
            del _asked[asker]


def _check_host(host: str) -> None:
    if _is_private_allowed() and (":" in host or _is_literal(host)):
        return
    if ":" in host or _NUMERIC_LAST_LABEL.search(host):
        raise TargetRefused("must name its host, not give an IP address")
    if not _NAME.match(host):
        raise TargetRefused("has no valid host name")


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _addresses(target: Target) -> list[str]:
    answers = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def _is_private_allowed() -> bool:
    return bool(settings.WEBHOOK_ALLOW_PRIVATE_TARGETS)
