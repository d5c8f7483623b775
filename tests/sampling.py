"""A rotating sample of the walks that multiply: every value at every place of every address.

Each pair of a value and an address is walked at one place in ``SHARE``, at least; which one follows
from the day, so that a week walks nearly everything. ``WALK=all`` (``make test-all``) walks all of
it, ``WALK=2026-11-30`` repeats the sample of a day. The header of a run says which one it is.
"""

import os
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypeVar

Item = TypeVar("Item")

SHARE = 5
EVERYTHING = "all"
SEED = os.environ.get("WALK") or f"{datetime.now(UTC):%Y-%m-%d}"


def some(items: Iterable[Item], *about: object) -> list[Item]:
    """Return one item in ``SHARE``, at least one; ``about`` names the walk they belong to."""
    every = list(items)
    if SEED == EVERYTHING:
        return every
    begin = zlib.crc32(repr((SEED, *about)).encode()) % min(SHARE, len(every) or 1)
    return every[begin::SHARE]


def header() -> str:
    """Return what a run says of its sample."""
    if SEED == EVERYTHING:
        return "walks: everything"
    return f"walks: one place in {SHARE}, the sample of {SEED} (WALK={SEED} repeats it)"
