"""Identifiers and the two code grammars (B6.1, B6.2)."""

import os
import re
import string
import threading
import time
from collections.abc import Iterable
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

DIGITS = frozenset(string.digits)
_lock = threading.Lock()
_latest = (0, 0)
_TAIL = 9  # bytes of chance in an id
_VERSION_7 = 0x7 << 76 | 0x2 << 62
_LOW_BITS = (1 << 62) - 1


def new_id() -> UUID:
    """Return a time-ordered UUID (version 7): rows that are many stay together in their indexes.

    Within one process each id is greater than the one before, also in the same millisecond, so
    rows made one after the other keep their order.
    """
    return new_ids(1)[0]


def new_ids(count: int) -> list[UUID]:
    """Return many new ids at once, in order; see ``new_id``."""
    global _latest
    chance = os.urandom(_TAIL * count)
    made = []
    with _lock:
        milliseconds = time.time_ns() // 1_000_000
        before, latest_tail = _latest
        for start in range(0, _TAIL * count, _TAIL):
            # 72 of the 74 bits, which leaves room to count on.
            tail = int.from_bytes(chance[start : start + _TAIL], "big")
            if milliseconds <= before:
                milliseconds, tail = before, latest_tail + 1 + (tail & 0xFFFFFFFF)
            before, latest_tail = milliseconds, tail
            made.append(milliseconds << 80 | _VERSION_7 | (tail >> 62) << 64 | tail & _LOW_BITS)
        _latest = (before, latest_tail)
    return [UUID(int=value) for value in made]


def array(many: Iterable[UUID]) -> str:
    """Write ids as an array of PostgreSQL: one value of a statement instead of one each."""
    return f"{{{','.join(map(str, many))}}}"


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
