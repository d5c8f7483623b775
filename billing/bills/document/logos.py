"""The logo of an organization: checked, and made anew as a small PNG; read for the document."""

from __future__ import annotations

import io
import warnings
from typing import Final

from PIL import Image, UnidentifiedImageError

from organizations.kernel import files
from organizations.kernel.errors import FieldRefused
from organizations.kernel.files import Gone
from organizations.models import Organization

KIND: Final = "logo"
MOST_BYTES: Final = 1024 * 1024
MOST_PIXELS: Final = 25_000_000
SIZE: Final = (720, 240)
FORMATS: Final = ("PNG", "JPEG", "WEBP")
# Pictures only: a drawing with scripts in it (SVG) is none of these.
_RULE: Final = "must be a PNG, JPEG or WebP picture of at most 1 MB and 25 million pixels."


def renewed(data: bytes) -> bytes:
    """Return the picture as a PNG of our own making; raises ``FieldRefused``."""
    if len(data) > MOST_BYTES:
        raise FieldRefused("logo", _RULE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise FieldRefused("logo", _RULE)
                copy = picture.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Warning) as error:
        raise FieldRefused("logo", _RULE) from error
    except Image.DecompressionBombError as error:
        raise FieldRefused("logo", _RULE) from error
    copy.thumbnail(SIZE)
    written = io.BytesIO()
    Image.frombytes("RGBA", copy.size, copy.tobytes()).save(written, "PNG", optimize=True)
    return written.getvalue()


def of_organization(organization: Organization) -> bytes | None:
    """Return the stored logo; none where there is none, or its bytes are gone."""
    if organization.logo_file is None:
        return None
    try:
        return b"".join(files.chunks(organization.logo_file))
    except Gone:
        return None
