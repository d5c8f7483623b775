"""Decode and check a batch of measurements: shape, sizes, timestamps, numbers (usage.md 4.3).

A batch is received whole or refused whole, and the refusal names item and field. Whether meters,
accounts and fields exist is not asked here. Nothing is read from the database.
"""

import decimal
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

import msgspec

from organizations.kernel import ids, instants
from organizations.kernel.errors import DomainError, FieldRefused

MOST_ITEMS = 1000
CLOCK_TOLERANCE = timedelta(seconds=60)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
UID_LENGTH = 50
CODE_LENGTH = 80
METADATA_LENGTH = 256
LIMIT = 10**20

TEXT_MAPS = ("who", "what", "where", "other", "metadata")
NUMBER_MAPS = ("measure", "income", "cost")
MAPS = (*TEXT_MAPS, *NUMBER_MAPS)

# One addition of zero tells whether a number is below 1e20, has at most 38 digits and fewer than
# a thousand of them after the point (PostgreSQL's bound is not far beyond).
NUMBERS = decimal.Context(
    prec=38,
    Emax=19,
    Emin=-961,
    traps=[decimal.Inexact, decimal.Overflow, decimal.InvalidOperation],
)


class NotJSON(DomainError):
    """The body is not JSON, or not UTF-8."""

    code = "BAD_REQUEST"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The request body is not valid JSON: {reason}")


class Item(msgspec.Struct, gc=False, omit_defaults=True):
    """One measurement as it is sent; what it does not name is ignored (4.3)."""

    meter: str
    account: str
    ts: str
    uid: str | None = None
    ets: str | None = None
    who: dict[str, str | None] | None = None
    what: dict[str, str | None] | None = None
    where: dict[str, str | None] | None = None
    other: dict[str, str | None] | None = None
    metadata: dict[str, str | None] | None = None
    measure: dict[str, Any] | None = None
    income: dict[str, Any] | None = None
    cost: dict[str, Any] | None = None


class Batch(msgspec.Struct, gc=False):
    """The body of a request."""

    measurements: list[Item]


class Received(msgspec.Struct, gc=False):
    """An item that passed, with its times in UTC."""

    item: Item
    ts: datetime
    ets: datetime | None


def _number(text: str) -> Decimal:
    """Return the number; one with an exponent beyond counting becomes a signal for the checks."""
    try:
        return Decimal(text)
    except decimal.InvalidOperation:
        return Decimal("sNaN")


_decoder = msgspec.json.Decoder(Batch, float_hook=Decimal)
_patient_decoder = msgspec.json.Decoder(Batch, float_hook=_number)


def receive(body: bytes, *, at: datetime, zone: Callable[[], tzinfo]) -> list[Received]:
    """Return the items of a request's body; raises a DomainError that names the first fault.

    ``at`` is the time of receipt; ``zone`` is asked for the organization's timezone only where a
    plain date stands in the place of a time.
    """
    items = _decode(body)
    if not 1 <= len(items) <= MOST_ITEMS:
        raise FieldRefused(
            "measurements", f"must hold 1 to {MOST_ITEMS} items, this has {len(items)}"
        )
    if b"\\u0000" in body:  # the only spelling that passes the decoder
        _refuse_nul(items)
    return check(items, at=at, zone=zone)


def check(items: Sequence[Item], *, at: datetime, zone: Callable[[], tzinfo]) -> list[Received]:
    """Check decoded items, however many; raises ``FieldRefused`` at the first that is wrong."""
    latest = at + CLOCK_TOLERANCE
    known_codes: set[str] = set()
    received = []
    for index, item in enumerate(items):
        try:
            received.append(_checked(item, latest, zone, known_codes))
        except _Fault as fault:
            raise FieldRefused(f"measurements[{index}].{fault.field}", fault.message) from fault
    return received


class _Fault(Exception):
    def __init__(self, field: str, message: str) -> None:
        self.field = field
        self.message = message


def _checked(
    item: Item, latest: datetime, zone: Callable[[], tzinfo], known_codes: set[str]
) -> Received:
    if item.meter not in known_codes:
        known_codes.add(_code("meter", item.meter))
    if item.account not in known_codes:
        known_codes.add(_code("account", item.account))
    if item.uid is not None and len(item.uid) > UID_LENGTH:
        raise _Fault("uid", f"may have at most {UID_LENGTH} characters")
    ts, ets = _times(item, latest, zone)
    if item.measure:
        _check_numbers("measure", item.measure)
    if item.income:
        _check_numbers("income", item.income)
    if item.cost:
        _check_numbers("cost", item.cost)
    if item.metadata:
        _check_metadata(item.metadata)
    return Received(item, ts, ets)


def _times(
    item: Item, latest: datetime, zone: Callable[[], tzinfo]
) -> tuple[datetime, datetime | None]:
    ts = _instant("ts", item.ts, zone)
    if not EARLIEST <= ts <= latest:
        raise _Fault("ts", "may not be before 1970" if ts < EARLIEST else "lies in the future")
    if item.ets is None:
        return ts, None
    ets = _instant("ets", item.ets, zone)
    if ets < ts:
        raise _Fault("ets", "may not be before ts")
    return ts, ets


def _code(field: str, code: str) -> str:
    if not 1 <= len(code) <= CODE_LENGTH:
        raise _Fault(field, f"must have 1 to {CODE_LENGTH} characters")
    if not ids.RELAXED_CODE.match(code):
        raise _Fault(field, ids.relaxed_code.message)
    return code


def _instant(field: str, text: str, zone: Callable[[], tzinfo]) -> datetime:
    """Return the instant in UTC; without offset it is UTC already (4.3)."""
    try:
        value = datetime.fromisoformat(text)
        if value.tzinfo is UTC:
            return value
        if len(text) <= 10:
            return instants.parse_instant(text, zone=zone())
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except (ValueError, OverflowError):
        if text != text.upper():  # RFC 3339 allows t and z
            return _instant(field, text.upper(), zone)
        raise _Fault(field, "must be an ISO 8601 date-time") from None


def _check_numbers(field: str, values: dict[str, Any]) -> None:
    for code, value in values.items():
        kind = type(value)
        if kind is int:
            if not -LIMIT < value < LIMIT:
                raise _Fault(f"{field}.{code}", "must be smaller than 1e20")
        elif kind is Decimal:
            try:
                values[code] = NUMBERS.plus(value)
            except decimal.DecimalException:
                raise _Fault(
                    f"{field}.{code}", "must be smaller than 1e20, with at most 38 digits"
                ) from None
        elif value is not None:
            raise _Fault(f"{field}.{code}", "must be a number")


def _check_metadata(values: dict[str, str | None]) -> None:
    for code, value in values.items():
        if value is not None and len(value) > METADATA_LENGTH:
            raise _Fault(f"metadata.{code}", f"may have at most {METADATA_LENGTH} characters")


def _refuse_nul(items: Sequence[Item]) -> None:
    """Refuse the one character PostgreSQL cannot store, wherever it stands."""
    for index, item in enumerate(items):
        for field, text in _texts(item):
            if "\0" in text:
                raise FieldRefused(f"measurements[{index}].{field}", "may not contain NUL")


def _texts(item: Item) -> Iterator[tuple[str, str]]:
    yield "uid", item.uid or ""
    for field in MAPS:
        for code, value in (getattr(item, field) or {}).items():
            yield field, code
            yield f"{field}.{code}", value if isinstance(value, str) else ""


def _decode(body: bytes) -> list[Item]:
    try:
        return _decoder.decode(body).measurements
    except msgspec.ValidationError as error:
        raise _refusal(body, str(error)) from error
    except decimal.InvalidOperation:
        return _patient_decoder.decode(body).measurements
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotJSON(str(error)) from error


_FAULT = re.compile(r"(?P<message>.*?)(?: - at `(?:key in )?\$\.?(?P<path>.*)`)?\Z", re.DOTALL)
_EXPECTED = re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<got>\w+)`")
_KINDS = {
    "str": "text", "int": "a whole number", "float": "a number", "bool": "true or false",
    "null": "null", "object": "an object", "array": "a list",
}  # fmt: skip
_MISSING = re.compile(r"missing required field `(\w+)`")


def _refusal(body: bytes, text: str) -> FieldRefused:
    """Return the decoder's complaint with the name of the field in our form."""
    found = _FAULT.match(text)
    message, path = (found["message"], found["path"] or "") if found else (text, "")
    if missing := _MISSING.search(message):
        path = f"{path}.{missing[1]}" if path else missing[1]
        message = "is required"
    elif expected := _EXPECTED.search(message):
        wanted = " or ".join(_KINDS.get(kind, kind) for kind in expected["wanted"].split(" | "))
        message = f"must be {wanted}, not {_KINDS.get(expected['got'], expected['got'])}"
    if path.endswith("[...]"):
        path = _with_code(body, path.removesuffix("[...]"))
    return FieldRefused(path or "body", message.replace("`", ""))


def _with_code(body: bytes, path: str) -> str:
    """Return the path of a map with the code whose value is of the wrong type."""
    found = re.match(r"measurements\[(\d+)\]\.(\w+)", path)
    if found is None:
        return path
    try:
        values = msgspec.json.decode(body)["measurements"][int(found[1])][found[2]]
    except msgspec.MsgspecError:  # a number too long for any type
        return path
    wrong = [code for code, value in values.items() if not isinstance(value, str | None)]
    return ".".join([path, *wrong[:1]])
