"""The API's JSON: exact decimals both ways, and no NaN, no duplicate meaning, no floats."""

from decimal import Decimal, InvalidOperation
from typing import IO, Any

import msgspec
from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from organizations.kernel import exact_json

INFINITE = Decimal("Infinity")
LARGEST_EXPONENT = 10_000


def _number(text: str) -> Decimal:
    """Return the number; one nobody can count with is infinite, which every field refuses.

    The exponent of a number in a body may have nine digits, and writing it out a gigabyte.
    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        return INFINITE
    return number if abs(number.adjusted()) <= LARGEST_EXPONENT else INFINITE


_decoder = msgspec.json.Decoder(float_hook=_number)


class BodyTooLarge(APIException):
    """The body is above the limit of the configuration API (B9.4)."""

    status_code = 413
    default_detail = "The request body is too large."
    default_code = "BODY_TOO_LARGE"


class ExactJSONParser(BaseParser):
    """Parses JSON with fractions as Decimal."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: Any = None, parser_context: Any = None) -> Any:
        """Return the decoded body; an empty one is an empty object."""
        limit = settings.CONFIG_API_BODY_LIMIT_BYTES
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise BodyTooLarge
        if not body.strip():
            return {}
        try:
            return _decoder.decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise ParseError(f"The request body is not valid JSON: {error}") from error


class ExactJSONRenderer(BaseRenderer):
    """Renders compact UTF-8 JSON with exact numbers."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None
    ) -> bytes:
        """Return the encoded answer; None is an empty body."""
        return b"" if data is None else exact_json.dumps(data)
