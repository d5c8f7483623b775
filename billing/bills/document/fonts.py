"""The fonts of the document, and which characters none of them has.

Used are those that come with the program (Latin, Greek, Cyrillic, Hebrew; Chinese, Japanese and
Korean), those in the folder ``DOCUMENT_FONTS`` and those of the system.
"""

from __future__ import annotations

import importlib.util
import json
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, cast

import typst
from django.conf import settings

FOLDER: Final = Path(__file__).parent
# A package that holds one font for Chinese, Japanese and Korean; it is not imported.
_CJK_PACKAGE: Final = "cvttf_NotoSansCJK_Regular"
# No font may have it: Unicode says that it is no character for exchange.
_NO_CHARACTER: Final = "\U0010fffd"
# Up to the end of Cyrillic every letter is in the fonts that come with the program; marks,
# spaces and controls have no look of their own.
_KNOWN_UP_TO: Final = 0x0250
_WITHOUT_LOOK: Final = ("M", "Z", "C")
_AT_ONCE: Final = 500

_has_glyph: dict[str, bool] = {}
# A compiler keeps its fonts and the parsed layout, but serves one document at a time.
_of_thread = threading.local()


def compiler(layout: str) -> typst.Compiler:
    """Return the compiler of a layout in this folder, one for each thread."""
    kept: dict[str, typst.Compiler] = _of_thread.__dict__.setdefault("kept", {})
    if layout not in kept:
        kept[layout] = typst.Compiler(
            FOLDER / layout, root=FOLDER, font_paths=[str(one) for one in _folders()]
        )
    return kept[layout]


def missing(said: Any) -> str:
    """Return the characters of finished text that no font has, each once, in order."""
    wanted = sorted({one for text in _texts(said) for one in text if _may_be_missing(one)})
    unknown = [one for one in wanted if one not in _has_glyph]
    for start in range(0, len(unknown), _AT_ONCE):
        _look(unknown[start : start + _AT_ONCE])
    return "".join(one for one in wanted if not _has_glyph[one])


def _look(characters: list[str]) -> None:
    """Set each alone, beside one that no font has: what looks the same is a box."""
    pages = compiler("glyphs.typ").compile(
        format="svg", sys_inputs={"data": json.dumps([_NO_CHARACTER, *characters])}
    )
    box, *shown = cast("list[bytes]", pages)
    for character, picture in zip(characters, shown, strict=True):
        _has_glyph[character] = picture != box


def _may_be_missing(character: str) -> bool:
    if ord(character) < _KNOWN_UP_TO:
        return False
    return not unicodedata.category(character).startswith(_WITHOUT_LOOK)


def _texts(said: Any) -> Iterator[str]:
    if isinstance(said, str):
        yield said
    elif isinstance(said, dict):
        yield from _all_texts(said.values())
    elif isinstance(said, list | tuple):
        yield from _all_texts(said)


def _all_texts(several: Iterable[Any]) -> Iterator[str]:
    for one in several:
        yield from _texts(one)


def _folders() -> list[Path]:
    found = [Path(folder) for folder in settings.DOCUMENT_FONTS]
    package = importlib.util.find_spec(_CJK_PACKAGE)
    if package is not None and package.origin:
        found.append(Path(package.origin).parent)
    return [folder for folder in found if folder.is_dir()]
