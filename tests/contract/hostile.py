"""Values and bodies nobody sends on purpose, and where in a right body they can stand."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from organizations.kernel import exact_json

Path = tuple[Any, ...]
MARK = "@@here@@"

# JSON as it is written, because some of it no encoder writes. Anywhere in a body:
ANYWHERE: dict[str, bytes] = {
    "null": b"null",
    "true": b"true",
    "an empty text": b'""',
    "lists in lists": b"[[[[1]]]]",
    "a list of null": b"[null]",
    "an empty object": b"{}",
    "objects in objects": b'{"a":{"b":{"c":1}}}',
    "1e9999999999999999999": b"1e9999999999999999999",
    "NUL": b'"a\\u0000b"',
}
# In the place of a number:
NUMBERS: dict[str, bytes] = {
    "1e400": b"1e400",
    "-1E+400": b"-1E+400",
    "1E-400": b"1E-400",
    "401 digits": b"1" + b"0" * 400,
    "1e999999999": b"1e999999999",
    "1e-999999999": b"1e-999999999",
    "5,000 digits": b"1" * 5_000,
    "2**63": b"9223372036854775808",
    "2**31": b"2147483648",
    "minus one": b"-1",
    "minus zero": b"-0",
    "-0.0e0": b"-0.0e0",
    "38 digits": b"12345678901234567890.123456789012345678",
    "digits in a text": b'"1"',
}
# In the place of a text:
STRINGS: dict[str, bytes] = {
    "a number": b"1",
    "a lone surrogate": b'"\\ud800"',
    "surrogates the wrong way round": b'"\\udc00\\ud800"',
    "control characters": b'"\\u0001\\u001f\\u007f\\u0085"',
    "a long text": b'"' + b"x" * 100_000 + b'"',
}
# In the place of a date or a time:
TIMES: dict[str, bytes] = {
    "the first day": b'"0001-01-01"',
    "the last day": b'"9999-12-31"',
    "the last moment, further west": b'"9999-12-31T23:59:59.999999-23:59"',
    "the first moment, further east": b'"0001-01-01T00:00:00+23:59"',
    "30 February": b'"2024-02-30"',
    "a leap second": b'"2024-06-30T23:59:60Z"',
    "week 53": b'"2024-W53-1"',
    "24 o'clock": b'"2024-06-30T24:00:00Z"',
    "no day": b'"2024-06"',
}
FRAGMENTS = {**ANYWHERE, **NUMBERS, **STRINGS, **TIMES}

# Whole bodies.
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "spaces": b" \n\t ",
    "null": b"null",
    "true": b"true",
    "a number": b"1",
    "a text": b'"x"',
    "a list": b"[]",
    "a list of objects": b"[{}]",
    "half an object": b'{"name":',
    "two objects": b"{}{}",
    "NaN": b'{"version":NaN}',
    "Infinity": b'{"version":-Infinity}',
    "single quotes": b"{'name':'x'}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"name":"x"}'.encode("utf-16"),
    "half a character": b'{"name":"\xe2\x82"}',
    "an overlong character": b'{"name":"\xc0\x80"}',
    "a surrogate in UTF-8": b'{"name":"\xed\xa0\x80"}',
    "100,000 lists in lists": b"[" * 100_000 + b"]" * 100_000,
    "50,000 objects in objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "deep inside a field": b'{"name":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "deep inside the custom fields": b'{"customFields":{"a":' + b"[" * 900 + b"]" * 900 + b"}}",
    "a name of 100,000 characters": b'{"' + b"k" * 100_000 + b'":1}',
    "a name that is NUL": b'{"\\u0000":1}',
    "50,000 fields": b"{" + b",".join(b'"f%d":1' % n for n in range(50_000)) + b"}",
}

# Objects among them, without any field we know.
OBJECTS = {
    "nothing", "spaces", "deep inside the custom fields", "a name of 100,000 characters",
    "a name that is NUL", "50,000 fields",
}  # fmt: skip

# Fields that hold any text; the shortest may have 50 characters.
FREE_TEXTS = {
    "name", "description", "standingChargeDescription", "minimumSpendDescription",
    "addressLine1", "addressLine2", "addressLine3", "addressLine4", "locality", "country",
    "purchaseOrderNumber",
}  # fmt: skip

# Addresses where one of these is no free text.
NOT_FREE = {
    ("scheduledevents/configurations", ("name",)),
    ("statementdefinitions", ("dimensions", 0, "name")),
    ("statementdefinitions", ("measures", 0, "name")),
}

# Stored and shown exactly as they are.
TEXTS: tuple[str, ...] = (
    "'; DROP TABLE billing_account; --",
    '" OR 1=1 /*',
    "%s %(name)s {0} {name} ${name} #{name}",
    "{{ 7*7 }}{% debug %}<%= 7*7 %>",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\N{FAMILY}\N{ZERO WIDTH JOINER}\U0001f3f3\ufe0f\u200d\U0001f308",
    "\u202eright to left\u202c \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "Zo\u0308e\u0301 and Zo\u00eb",
    "\\u0000 \\n \\x00 \\",
    "=HYPERLINK(1)|cmd",
    "\ufeff\u200b\u2028\ufffe",
)


def places(body: Any, path: Path = ()) -> Iterator[Path]:
    """Yield where a value stands in a body: leaves, lists and objects."""
    if path:
        yield path
    if isinstance(body, dict):
        for key, value in body.items():
            yield from places(value, (*path, key))
    elif isinstance(body, list) and body:
        yield from places(body[0], (*path, 0))


def value_at(body: Any, path: Path) -> Any:
    """Return what stands at a place."""
    for step in path:
        body = body[step]
    return body


def fits(name: str, value: Any) -> bool:
    """Return whether a fragment says more in the place of ``value`` than any other would."""
    if name in ANYWHERE:
        return True
    if name in NUMBERS:
        return isinstance(value, (int, Decimal, float)) and not isinstance(value, bool)
    is_time = isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d", value) is not None
    return is_time if name in TIMES else isinstance(value, str)


def replaced(body: Any, path: Path, value: Any) -> Any:
    """Return the body with another value at one place."""
    if not path:
        return value
    changed = body.copy()
    changed[path[0]] = replaced(body[path[0]], path[1:], value)
    return changed


def written(body: Any, path: Path, fragment: bytes) -> bytes:
    """Return the body as JSON with a fragment in place of one value."""
    return exact_json.dumps(replaced(body, path, MARK)).replace(
        b'"' + MARK.encode() + b'"', fragment
    )
