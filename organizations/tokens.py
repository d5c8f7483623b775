"""Bearer tokens: make keys, check secrets, issue and verify tokens of keys and of people.

Secrets are random and long, so a keyed SHA-256 is enough and costs microseconds (A4.8). A token
is signed and carries its key, service user, organization and end; it is not stored. Whether its
key is still active is remembered per process for ``KEY_CACHE_SECONDS``, so a key made inactive
is dead everywhere within that time (A4.6: 60 s). A token of a person names its row, person and
organization in the same places, behind a byte more, and is asked for on every call
(``organizations.personal_tokens``).
"""

import base64
import secrets
import struct
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from organizations.kernel import clock, ids, keyed_hashes
from organizations.kernel.errors import DomainError
from organizations.kernel.principals import Principal
from organizations.models import AccessKey, AccessKeyStatus, OrganizationStatus, ServiceUser

KEY_CACHE_SECONDS = 20
_USED_EVERY = timedelta(minutes=1)
_SIGNATURE_BYTES = 32
_PAYLOAD = struct.Struct(">16s16s16sQ")
_OF_PERSON = b"P"
_KEY, _TOKEN = "access key", "access token"  # purposes of keyed hashes
# Some clients ask for a token before each call (B11.3), so it does without the cost of building
# a query.
KEY = """
    SELECT key.id, key.secret_hash, key.service_user_id, key.organization_id, key.latest_used_at,
           key.status = 'ACTIVE' AND organization.status = 'ACTIVE' AS is_usable
    FROM organizations_accesskey key
    JOIN organizations_organization organization ON organization.id = key.organization_id
    WHERE key.id = %s
"""


class InvalidClient(DomainError):
    """Unknown key, wrong secret, inactive key or archived organization: never says which.

    ``is_guess`` is for the count of guesses: who has the right secret is none, so that a client
    which goes on asking is not locked out on the day its key works again.
    """

    status_code = 401
    code = "INVALID_CLIENT"

    def __init__(self, *, is_guess: bool = True) -> None:
        super().__init__("The access key or its secret is not valid.")
        self.is_guess = is_guess


class InvalidToken(DomainError):
    """The bearer token is unknown, expired or revoked (A4.9)."""

    status_code = 403
    code = "INVALID_TOKEN"

    def __init__(self) -> None:
        super().__init__("The access token is not valid or has expired.")


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a verified token says: for whom it stands, and where.

    ``access_key_id`` is None for a token of a person; ``is_superuser`` and ``is_guest`` (no
    member of the organization) can be true for people only.
    """

    access_key_id: UUID | None
    principal_id: UUID
    organization_id: UUID
    is_superuser: bool = False
    is_guest: bool = False


def make_key(
    service_user: ServiceUser, *, created_by: UUID, key_id: UUID | None = None
) -> tuple[AccessKey, str]:
    """Return a new saved key and its secret, which cannot be read again."""
    secret = secrets.token_urlsafe(32)
    key = AccessKey(
        id=key_id or ids.new_id(),
        organization_id=service_user.organization_id,
        service_user=service_user,
        created_by=created_by,
        modified_by=created_by,
    )
    key.secret_hash = keyed_hashes.keyed(_KEY, key.pk.bytes + secret.encode())
    key.save(force_insert=True)
    return key, secret


def issue(access_key_id: str, secret: str) -> str:
    """Return a bearer token for a key and its secret; raises ``InvalidClient``.

    A key of an archived organization is as good as an inactive one (A1.5, A4.6).
    """
    key_id = ids.parse(access_key_id)
    found = AccessKey.objects.raw(KEY, [key_id]) if key_id else ()
    key = next(iter(found), None)
    expected = bytes(key.secret_hash) if key else b"\0" * 32
    given = (key_id or UUID(int=0)).bytes + secret.encode()
    if not keyed_hashes.is_one(expected, _KEY, given) or key is None:
        raise InvalidClient
    if not key.is_usable:
        raise InvalidClient(is_guess=False)
    _remember_use(key)
    _renew_hash(key, expected, given)
    return token_for(key)


def owner_of(access_key_id: str) -> Principal | None:
    """Return whom a key stands for, whether or not it works; None where there is no such key."""
    key_id = ids.parse(access_key_id)
    key = AccessKey.objects.filter(pk=key_id).first() if key_id else None
    if key is None:
        return None
    return Principal(key.service_user_id, "SERVICE_USER", key.organization_id, access_key_id=key.pk)


def token_for(key: AccessKey, *, lifetime: int | None = None) -> str:
    """Return a token for a key the caller has checked; ``lifetime`` in seconds."""
    ends = int(time.time()) + (lifetime or settings.ACCESS_TOKEN_LIFETIME_SECONDS)
    payload = _PAYLOAD.pack(
        key.pk.bytes, key.service_user_id.bytes, key.organization_id.bytes, ends
    )
    return base64.urlsafe_b64encode(payload + _sign(payload)).decode().rstrip("=")


def token_for_person(token_id: UUID, user_id: UUID, organization_id: UUID, ends: datetime) -> str:
    """Return the token of a row ``organizations.personal_tokens`` has made."""
    ids_ = (token_id.bytes, user_id.bytes, organization_id.bytes)
    payload = _OF_PERSON + _PAYLOAD.pack(*ids_, int(ends.timestamp()))
    return base64.urlsafe_b64encode(payload + _sign(payload)).decode().rstrip("=")


def verify(token: str) -> Bearer:
    """Return what the token says; raises ``InvalidToken``."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        payload, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
        is_person = len(payload) == _PAYLOAD.size + 1 and payload.startswith(_OF_PERSON)
        key, principal, organization, ends = _PAYLOAD.unpack(payload[1:] if is_person else payload)
    except (ValueError, struct.error) as error:
        raise InvalidToken from error
    if not keyed_hashes.is_one(signature, _TOKEN, payload):
        raise InvalidToken
    if ends + settings.ACCESS_TOKEN_LEEWAY_SECONDS < time.time():
        raise InvalidToken
    if is_person:
        return _of_person(UUID(bytes=key), UUID(bytes=principal), UUID(bytes=organization))
    key_id = UUID(bytes=key)
    if not _is_usable(key_id):
        raise InvalidToken
    return Bearer(key_id, UUID(bytes=principal), UUID(bytes=organization))


def _of_person(token_id: UUID, user_id: UUID, organization_id: UUID) -> Bearer:
    from organizations import personal_tokens

    standing = personal_tokens.standing(token_id, user_id, organization_id)
    if standing is None:
        raise InvalidToken
    is_superuser, is_guest = standing
    return Bearer(None, user_id, organization_id, is_superuser, is_guest)


_usable_keys: dict[UUID, float] = {}  # when each was seen to be active


def _is_usable(key_id: UUID) -> bool:
    """Return whether the key is active and its organization too, as known for at most 20 s.

    That it is not is never remembered: a key made active again works at once, everywhere.
    """
    known = _usable_keys.get(key_id)
    if known and time.monotonic() - known < KEY_CACHE_SECONDS:
        return True
    usable = AccessKey.objects.filter(
        pk=key_id,
        status=AccessKeyStatus.ACTIVE,
        organization__status=OrganizationStatus.ACTIVE,
    ).exists()
    if len(_usable_keys) > 10_000:
        _usable_keys.clear()
    if usable:
        _usable_keys[key_id] = time.monotonic()
    return usable


def forget_keys() -> None:
    """Make this process ask the database again about every key."""
    _usable_keys.clear()


def _remember_use(key: AccessKey) -> None:
    now = clock.now()
    if key.latest_used_at is None or now - key.latest_used_at > _USED_EVERY:
        AccessKey.objects.filter(pk=key.pk).update(latest_used_at=now)


def _renew_hash(key: AccessKey, stored: bytes, given: bytes) -> None:
    """Keep the hash with the ``SECRET_KEY`` of today, so that the one of before can go."""
    newest = keyed_hashes.keyed(_KEY, given)
    if newest != stored:
        AccessKey.objects.filter(pk=key.pk, secret_hash=stored).update(secret_hash=newest)


def _sign(payload: bytes) -> bytes:
    return keyed_hashes.keyed(_TOKEN, payload)
