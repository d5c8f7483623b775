"""Signed addresses of files: whoever holds one may upload or download that one file for a while.

Nobody signs in there. An address is bound to a file, to a purpose and to a time at which it ends,
and signed with ``SECRET_KEY`` (addresses signed with a key of ``SECRET_KEY_FALLBACKS`` still
work). Whoever makes one has asked the policies before.
"""

from typing import NamedTuple
from urllib.parse import urljoin
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.urls import reverse

from organizations.kernel import clock
from organizations.kernel.errors import Forbidden
from organizations.models import StoredFile

UPLOAD, DOWNLOAD = "upload", "download"
SALT = "organizations.kernel.file_addresses."
UPLOAD_SECONDS = 60
DOWNLOAD_SECONDS = 300


class AddressExpired(Forbidden):
    """The address is too old, is for something else, or is not ours."""

    def __init__(self) -> None:
        super().__init__("This address is not valid or has expired. Ask for a new one.")


class Named(NamedTuple):
    """The file an address is for."""

    organization_id: UUID
    file_id: UUID


def upload_url(file: StoredFile, *, base: str = "", seconds: int = UPLOAD_SECONDS) -> str:
    """Return an address that takes the bytes of an expected file with PUT.

    ``base`` is how the caller reached us; without it, ``PUBLIC_URL`` is taken.
    """
    return _url(file, UPLOAD, base, seconds)


def upload_headers(file: StoredFile) -> dict[str, str]:
    """Return the headers that have to be sent along with the bytes."""
    return {"Content-Type": file.content_type}


def download_url(file: StoredFile, *, base: str = "", seconds: int = DOWNLOAD_SECONDS) -> str:
    """Return an address under which the bytes can be read."""
    return _url(file, DOWNLOAD, base, seconds)


def _url(file: StoredFile, purpose: str, base: str, seconds: int) -> str:
    ends = int(clock.now().timestamp()) + seconds
    token = signing.dumps([file.organization_id.hex, file.pk.hex, ends], salt=SALT + purpose)
    path = reverse(f"file_{purpose}", kwargs={"token": token})
    return urljoin(base or settings.PUBLIC_URL, path)


def read(token: str, purpose: str) -> Named:
    """Return the file a token is for; raises ``AddressExpired``."""
    try:
        organization_id, file_id, ends = signing.loads(token, salt=SALT + purpose)
    except signing.BadSignature as error:
        raise AddressExpired from error
    if clock.now().timestamp() >= ends:
        raise AddressExpired
    return Named(UUID(organization_id), UUID(file_id))
