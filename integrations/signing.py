"""Sign webhook bodies as Standard Webhooks does, with HMAC-SHA256 (C4).

Pure: no clock, no settings. The signed text is ``<id>.<timestamp>.<raw body>``; ids hold no dot.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

PREFIX = "whsec_"
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature", "x-api-key")
TOKEN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?")
RESERVED = frozenset({
    "accept", "accept-encoding", "connection", "content-encoding", "content-length",
    "content-type", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding",
    "upgrade", "user-agent",
})  # fmt: skip
# Shorter keys can be guessed by somebody who has seen a signature.
ENOUGH_BYTES = 24


class NameRefused(ValueError):
    """A header cannot be called so; ``header`` is the one of ``HEADERS``."""

    def __init__(self, header: str, message: str) -> None:
        super().__init__(message)
        self.header = header


class SecretMalformed(ValueError):
    """A secret begins with ``whsec_`` but no base64 text follows."""


def key_of(secret: str) -> bytes:
    """Return the key: decoded base64 after ``whsec_``, else the secret's UTF-8 bytes."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SecretMalformed("must be base64 after whsec_") from error
    if not key:
        raise SecretMalformed("has nothing after whsec_")
    return key


def sign(secret: str, delivery_id: str, timestamp: int, body: bytes) -> str:
    """Return one signature, ``v1,<base64>``."""
    text = f"{delivery_id}.{timestamp}.".encode() + body
    digest = hmac.new(key_of(secret), text, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def headers(
    *,
    delivery_id: str,
    timestamp: int,
    body: bytes,
    api_key: str,
    secrets: Iterable[str],
    names: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """Return the headers of one attempt; two secrets give two signatures (rotation).

    ``names`` holds other names for headers of ``HEADERS``; what is signed stays the same.
    """
    signatures = [sign(secret, delivery_id, timestamp, body) for secret in secrets]
    values = (delivery_id, str(timestamp), " ".join(signatures), api_key)
    return {names.get(name, name): value for name, value in zip(HEADERS, values, strict=True)}


def check_names(names: Mapping[str, str]) -> None:
    """Raise ``NameRefused`` unless all are header names of their own, and free to use."""
    taken = [names.get(name, name).lower() for name in HEADERS]
    for name, other in names.items():
        if name not in HEADERS or not TOKEN.fullmatch(other):
            raise NameRefused(name, "may hold letters, digits and - only, at most 64")
        if other.lower() in RESERVED:
            raise NameRefused(name, f"{other} is a header of every request")
        if taken.count(other.lower()) > 1:
            raise NameRefused(name, f"{other} is the name of another header")
