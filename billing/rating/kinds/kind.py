"""What a module of ``rating/kinds`` says about its kind of line.

Adding a kind is one such module and its name in ``kinds.KINDS``: see docs/kinds-of-lines.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum, auto
from typing import Any

import msgspec

from billing.rating.accounts import Work
from billing.rating.lines import LineType
from billing.rating.telling import Facts, Step, Telling

RatingStep = Callable[[Work], Work]


def no_origin(facts: Facts) -> Sequence[Step]:
    """Say nothing of where the figures came from."""
    return ()


class Twice(Enum):
    """When two lines of one subject, on different bills, are one charge billed twice."""

    AT_ONE_TIME = auto()  # their service periods overlap (INV-L)
    EVER = auto()  # always: a charge or a fee date (INV-M)
    NEVER = auto()  # a draw-down or a memo stands on as many bills as it likes


class RecordKind(msgspec.Struct, frozen=True):
    """One kind of calculation record, by the ``kind`` among its facts.

    ``amount`` works out the exact subtotal from the facts alone. ``story`` returns a sentence and
    the steps from the facts; ``origin`` the steps that the explanation puts in front (price,
    measuring). ``arithmetic`` is the calculation of a stored line in one line of words.
    """

    name: str
    amount: Callable[[Facts], Decimal]
    story: Callable[[Facts], tuple[str, list[Step]]]
    arithmetic: Callable[[Telling], str]
    origin: Callable[[Facts], Sequence[Step]] = no_origin


class LineKind(msgspec.Struct, frozen=True):
    """One kind of line: the step that drafts it, its types of line items, its records.

    ``twice`` holds for all its line types but those in ``twice_of``.
    """

    name: str
    step: RatingStep
    line_types: tuple[LineType, ...]
    records: tuple[RecordKind, ...]
    twice: Twice = Twice.AT_ONE_TIME
    twice_of: tuple[tuple[LineType, Twice], ...] = ()

    def rule(self, line_type: Any) -> Twice:
        """Return when two lines of the type are one charge billed twice."""
        return dict(self.twice_of).get(line_type, self.twice)
