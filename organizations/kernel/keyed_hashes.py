"""Keyed hashes (HMAC-SHA-256) with ``SECRET_KEY``, for random secrets that are only compared.

Each purpose has a key of its own. After a rotation the keys in ``SECRET_KEY_FALLBACKS`` still
recognize what was hashed or signed with them; what is made is made with ``SECRET_KEY``.
"""

import hashlib
import hmac

from django.conf import settings


def keyed(purpose: str, message: bytes) -> bytes:
    """Return the hash with the key of today."""
    return _with(settings.SECRET_KEY, purpose, message)


def all_of(purpose: str, message: bytes) -> list[bytes]:
    """Return the hashes that count: with the key of today, then with keys of before."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [_with(key, purpose, message) for key in keys]


def is_one(given: bytes, purpose: str, message: bytes) -> bool:
    """Return whether ``given`` is the hash of the message with one of the keys."""
    matches = [hmac.compare_digest(given, known) for known in all_of(purpose, message)]
    return any(matches)


def _with(key: str, purpose: str, message: bytes) -> bytes:
    derived = hashlib.sha256(f"billwright {purpose} {key}".encode()).digest()
    return hmac.digest(derived, message, hashlib.sha256)
