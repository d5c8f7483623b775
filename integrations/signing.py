"""Sign webhook bodies as Standard Webhooks does, with HMAC-SHA256 (C4).

Pure: no clock, no settings. The signed text is ``<id>.<timestamp>.<raw body>``; ids hold no dot.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

PREFIX = "whsec_"


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
    *, delivery_id: str, timestamp: int, body: bytes, api_key: str, secrets: Iterable[str]
) -> dict[str, str]:
    """Return the headers of one attempt; two secrets give two signatures (rotation)."""
    signatures = [sign(secret, delivery_id, timestamp, body) for secret in secrets]
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
        "x-api-key": api_key,
    }
