"""JSON whose numbers stay exact: a Decimal is written as a JSON number and read back as Decimal.

Used by the API renderer and parser, by every JSON column and by webhook bodies. Numbers are
written without exponent and without trailing zeros (B6.7).
"""

import json
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import msgspec
from django.db import models
from psycopg.types.json import Jsonb

from organizations.kernel.instants import iso_instant

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_AS_IT_IS = frozenset({str, bool, int, type(None)})


def plain(number: Decimal) -> Decimal | msgspec.Raw:
    """Return the number in a form the encoder writes without exponent or trailing zeros."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return msgspec.Raw((text if text not in {"-0", ""} else "0").encode())


def simple(value: Any) -> Any:
    """Return ``value`` with every number and time in the form the wire wants, for ``encode``."""
    if type(value) in _AS_IT_IS:
        return value
    # Most values are as they should be: those are not called for.
    if isinstance(value, dict):
        return {
            key if type(key) is str else str(key): item if type(item) in _AS_IT_IS else simple(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [item if type(item) in _AS_IT_IS else simple(item) for item in value]
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return iso_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    return value


def encode(value: Any) -> bytes:
    """Return compact UTF-8 JSON of what ``simple`` has returned, or of parts of it."""
    return _encoder.encode(value)


def dumps(value: Any) -> bytes:
    """Return compact UTF-8 JSON."""
    return _encoder.encode(simple(value))


def loads(data: bytes | str) -> Any:
    """Return the decoded value; fractions become Decimal. Raises ``msgspec.DecodeError``."""
    try:
        return _decoder.decode(data)
    except InvalidOperation as error:  # an exponent beyond what Decimal can count
        raise msgspec.DecodeError("a number is out of range") from error


def jsonable(value: Any) -> Any:
    """Return ``value`` as it would come back from ``loads(dumps(value))``."""
    return loads(dumps(value))


class ExactEncoder(json.JSONEncoder):
    """For callers of the standard library's ``json.dumps``: Django's read-only pages."""

    def encode(self, o: Any) -> str:
        """Return exact JSON."""
        return dumps(o).decode()


class ExactJSONField(models.JSONField):
    """A jsonb column that neither makes a float of a Decimal nor loses a digit."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.encoder = ExactEncoder

    def deconstruct(self) -> Any:
        """Leave the encoder out: it is no choice."""
        name, path, args, options = super().deconstruct()
        options.pop("encoder", None)
        return name, path, args, options

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """Wrap the value for psycopg; None is SQL NULL."""
        if value is None or hasattr(value, "as_sql") or isinstance(value, Jsonb):
            return value
        return Jsonb(value, dumps=dumps)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        """As ``get_db_prep_value``."""
        return self.get_db_prep_value(value, connection)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Decode the text psycopg hands over."""
        return loads(value) if isinstance(value, (str, bytes)) else value


class KeptJSONField(ExactJSONField):
    """JSON in a text column: read back as it was written, never looked into by the database.

    For what a bill run writes by the thousand: making jsonb of it takes longer than all else that
    is done to store a line.
    """

    def db_type(self, connection: Any) -> str:
        """Return text."""
        return "text"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """Return the JSON itself; None is SQL NULL."""
        if value is None or hasattr(value, "as_sql"):
            return value
        return dumps(value).decode()
