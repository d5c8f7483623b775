"""Keep secrets that must be read again (of a sign-in provider, of a webhook) sealed at rest.

Fernet of the ``cryptography`` library: encrypted and signed, with a key made from ``SECRET_KEY``.
A copy of the database without the key tells nothing. Each purpose has a key of its own, so that
what was sealed for one cannot be passed off for another. Secrets that are only ever compared are
hashed instead and do not belong here.
"""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unreadable(ValueError):
    """What is stored was not sealed with this installation's ``SECRET_KEY``, or was changed."""


def seal(text: str, *, purpose: str) -> str:
    """Return the text sealed; the same text looks different each time."""
    return _box(purpose).encrypt(text.encode()).decode()


def unseal(sealed: str, *, purpose: str) -> str:
    """Return what was sealed for the same purpose; raises ``Unreadable``.

    Keys in ``SECRET_KEY_FALLBACKS`` open what was sealed before the key was changed.
    """
    try:
        return _box(purpose).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unreadable("Sealed with another SECRET_KEY, or damaged.") from error


def _box(purpose: str) -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derived(purpose, key)) for key in keys])


def _derived(purpose: str, key: str) -> bytes:
    # SECRET_KEY is long and random, so one round of a keyed hash is a fine key derivation.
    digest = hashlib.sha256(f"billwright sealed {purpose} {key}".encode()).digest()
    return base64.urlsafe_b64encode(digest)
