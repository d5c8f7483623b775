"""Text of the data made fit to print, every visible character as it is.

Nothing here knows typst's markup, because none of the data is ever read as markup.
"""

from __future__ import annotations

import re
from typing import Final

# Control characters have no look of their own; direction overrides would reorder what stands
# around them, so that an amount could read backwards; lone surrogates are no characters at all.
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_WHITE_SPACE: Final = re.compile(r"[\t\n\r\u2028\u2029]+")


def printable(value: object) -> str:
    """Return one line of text; what cannot be printed is shown as a replacement character.

    Nothing is added to it: what is copied from the document is what was stored. Where a long word
    may be broken is the layout's business.
    """
    text = _WHITE_SPACE.sub(" ", str(value))
    return _UNPRINTABLE.sub(_REPLACEMENT, text).strip()


def monogram(name: str) -> str:
    """Return one or two capitals that stand for a name where there is no logo."""
    words = [word for word in printable(name).split() if word[0].isalnum()]
    initials = "".join(word[0] for word in (words[0], *words[1:][-1:])) if words else ""
    return initials.upper()
