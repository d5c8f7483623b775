"""Read a JSON array that is too large for memory, some of its items at a time.

A piece of the file is cut behind the last item that ends in it, and its syntax is checked by the
decoder: a cut at a wrong place would leave brackets or quotes open. What is in an item is not
looked at, only that it is JSON. No database, no clock.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import msgspec

PIECE_BYTES = 256 * 1024
LONGEST_ITEM = 1024 * 1024
MARK = b"\xef\xbb\xbf"
WHITE = b" \t\r\n"
# A comma between two objects; also one inside of a text or of another array, which the decoder
# then refuses.
BETWEEN = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*(?=\{)")

_decoder = msgspec.json.Decoder(list[msgspec.Raw])


class Body(Protocol):
    """A file that is open for reading bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most so many bytes."""

    def seek(self, offset: int, /) -> int:
        """Go on reading at this byte."""


class NotAnArray(Exception):
    """The file is not a JSON array; the message says from which byte on."""


class Piece(NamedTuple):
    """Some items, as they stand in the file, and the byte at which the next one begins."""

    items: Sequence[bytes]
    ends_at: int


def pieces(body: Body, *, begin: int = 0) -> Iterator[Piece]:
    """Yield all items from byte ``begin`` on, which is 0 or the ``ends_at`` of a piece.

    Raises ``NotAnArray``.
    """
    body.seek(begin)
    held, at, is_last = b"", begin, False
    if begin == 0:
        held, at = _opened(body)
    while True:
        chunk = body.read(PIECE_BYTES)
        is_last = not chunk
        held += chunk
        if is_last:
            yield Piece(_rest(held, at), at + len(held))
            return
        if len(held) < PIECE_BYTES:
            continue  # the end of the file may be close
        for cut in reversed([found.end() for found in BETWEEN.finditer(held)]):
            items = _items(held[:cut].rstrip(WHITE)[:-1])
            if items is not None:
                held, at = held[cut:], at + cut
                yield Piece(items, at)
                break
        else:
            if len(held) > LONGEST_ITEM + PIECE_BYTES:
                raise NotAnArray(_words(at, "no item that is an object ends within a mebibyte"))


def _opened(body: Body) -> tuple[bytes, int]:
    """Return what follows the opening bracket, and where it begins."""
    held = body.read(PIECE_BYTES)
    start = len(MARK) if held.startswith(MARK) else 0
    start += len(held) - start - len(held[start:].lstrip(WHITE))
    if held[start : start + 1] != b"[":
        raise NotAnArray("The file must hold one JSON array of measurements.")
    return held[start + 1 :], start + 1


def _rest(held: bytes, at: int) -> Sequence[bytes]:
    """Return the items before the closing bracket, behind which nothing may stand."""
    try:
        return [bytes(item) for item in _decoder.decode(b"[" + held)]
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise NotAnArray(_words(at, str(error))) from error


def _items(held: bytes) -> Sequence[bytes] | None:
    try:
        return [bytes(item) for item in _decoder.decode(b"[%b]" % held)]
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


def _words(at: int, reason: str) -> str:
    return f"The file cannot be read as JSON after byte {at:,}: {reason}."
