"""Identifiers and the two code grammars (B6.1, B6.2)."""

import os
import re
import string
import threading
import time
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

DIGITS = frozenset(string.digits)
_lock = threading.Lock()
_latest = (0, 0)


def new_id() -> UUID:
    """Return a time-ordered UUID (version 7): rows that are many stay together in their indexes.

    Within one process each id is greater than the one before, also in the same millisecond, so
    rows made one after the other keep their order.
    """
    global _latest
    milliseconds = time.time_ns() // 1_000_000
    tail = int.from_bytes(os.urandom(9), "big")  # 72 of the 74 bits, which leaves room to count on
    with _lock:
        if milliseconds <= _latest[0]:
            milliseconds, tail = _latest[0], _latest[1] + 1 + (tail & 0xFFFFFFFF)
        _latest = (milliseconds, tail)
    value = milliseconds << 80 | 0x7 << 76 | (tail >> 62) << 64 | 0x2 << 62 | tail & (1 << 62) - 1
    return UUID(int=value)


# What nobody sees, or sees as a plain space: control characters, white space, surrogates, and what
# only steers how other text is laid out. Two codes that look the same must be the same.
UNSEEN = (
    r"\x00-\x1f\x7f-\x9f"  # Cc
    r"\xa0\u1680\u2000-\u200a\u202f\u205f\u3000\u2028\u2029"  # Zs without the space, Zl, Zp
    r"\xad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # Cf
    r"\U000e0000-\U000e0fff"  # tags, and what else is never shown
    r"\ud800-\udfff"  # Cs
)
# One printable character at either end; between them, plain spaces too.
RELAXED_CODE = re.compile(rf"^[^ {UNSEEN}](?:[^{UNSEEN}]*[^ {UNSEEN}])?\Z")

relaxed_code = RegexValidator(
    RELAXED_CODE,
    "must not begin or end with white space, nor hold control characters, invisible ones or "
    "white space other than plain spaces",
    code="code_grammar",
)


def is_strict_code(text: str) -> bool:
    """Return whether a code holds letters of any script, ``_``, ``$`` and, not first, ASCII
    digits (B6.2)."""
    head, tail = text[:1], text[1:]
    return _begins_code(head) and all(_begins_code(one) or one in DIGITS for one in tail)


def _begins_code(character: str) -> bool:
    return character.isalpha() or character in ("_", "$")


def strict_code(text: str) -> None:
    """Refuse, as a validator of fields does, what is no strict code (B6.2)."""
    if not is_strict_code(text):
        raise ValidationError(
            "may hold only letters, the digits 0 to 9, _ and $, and must not begin with a digit",
            code="code_grammar",
        )


def parse(text: object) -> UUID | None:
    """Return the UUID written as 36 characters, or None when it is not one (B6.1)."""
    if isinstance(text, UUID):
        return text
    if not isinstance(text, str) or len(text) != 36:
        return None
    try:
        return UUID(text)
    except ValueError:
        return None
