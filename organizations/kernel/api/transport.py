"""Who is at the other end of the connection: the client behind the proxies, over TLS or not.

``X-Forwarded-For`` is written by whoever likes to, so it is believed only as far as proxies of
ours have written it. ``TRUSTED_PROXIES`` names their addresses and networks, or how many of them
every request has passed.
"""

import logging
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from organizations.kernel.api import errors

logger = logging.getLogger(__name__)
Address = IPv4Address | IPv6Address
WITHOUT_TLS = {"/health"}  # asked from inside, past the proxy


class TransportMiddleware:
    """Puts the client's own address into ``REMOTE_ADDR``, which limits, lockouts and audit read.

    With ``REQUIRE_TLS`` a request that did not come over HTTPS is refused (B1.6).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.proxies = Proxies(settings.TRUSTED_PROXIES)
        if settings.REQUIRE_TLS and not settings.SECURE_PROXY_SSL_HEADER:
            logger.warning(
                "REQUIRE_TLS is on and TRUSTED_PROXIES is empty: nobody can say that a request "
                "came over TLS, so every request is refused."
            )

    def __call__(self, request: HttpRequest) -> HttpResponse:
        meta = request.META
        peer = meta.get("REMOTE_ADDR", "")
        if self.proxies.are_any:
            scheme = meta.pop("HTTP_X_FORWARDED_PROTO", "")
            if scheme and self.proxies.trusts(peer):
                # Of several the last is that of the proxy next to us.
                meta["HTTP_X_FORWARDED_PROTO"] = scheme.rpartition(",")[2].strip().lower()
            forwarded = meta.get("HTTP_X_FORWARDED_FOR", "").split(",")
            meta["REMOTE_ADDR"] = self.proxies.client(peer, forwarded)
        if settings.REQUIRE_TLS and not request.is_secure() and request.path not in WITHOUT_TLS:
            return errors.answer(403, "Use HTTPS.", code="TLS_REQUIRED")
        if "HTTP_TRANSFER_ENCODING" in meta and not meta.get("CONTENT_LENGTH"):
            # Such a body would be taken for an empty one.
            return errors.answer(411, "Send the body with a Content-Length, not in chunks.")
        return self.get_response(request)


class Proxies:
    """The proxies in front of us, by network (``10.0.0.0/8``) or by number (``2``)."""

    def __init__(self, words: Iterable[str]) -> None:
        words = list(words)
        is_number = len(words) == 1 and words[0].isdigit()
        self.number = int(words[0]) if is_number else 0
        self.networks = [] if is_number else [ip_network(word, strict=False) for word in words]
        self.are_any = bool(self.number or self.networks)

    def trusts(self, peer: str) -> bool:
        """Return whether the other end of the connection is a proxy of ours."""
        if self.number:
            return True
        address = parse(peer)
        return address is not None and any(address in network for network in self.networks)

    def client(self, peer: str, forwarded: list[str]) -> str:
        """Return the address nearest to us that is no proxy of ours.

        ``forwarded`` is the way of the request, the latest proxy last; what is no address in it
        ends the way, and whoever handed it over counts as the client.
        """
        way = [address for word in forwarded if (address := word.strip())]
        here = peer
        for steps in range(len(way)):
            is_proxy = steps < self.number if self.number else self.trusts(here)
            before = parse(way[-1 - steps])
            if not is_proxy or before is None:
                break
            here = str(before)
        return here


def parse(text: str) -> Address | None:
    """Return the address of ``1.2.3.4``, ``1.2.3.4:80``, ``::1`` or ``[::1]:80``, else None."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
