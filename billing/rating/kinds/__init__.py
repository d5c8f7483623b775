"""The kinds of lines that there are, in the order in which they are rated (billing.md 18).

A later step sees the lines of all earlier ones and may split or change them. To add a kind:
docs/kinds-of-lines.md.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from billing.rating.kinds import (
    charges,
    commitment_fees,
    counters,
    credits,
    draw_downs,
    families,
    grants,
    late_usage,
    minimum_spends,
    standing_charges,
    usage,
)
from billing.rating.kinds.kind import LineKind, RecordKind, Twice

KINDS: tuple[LineKind, ...] = (
    grants.KIND,  # changes quantities before anything is rated
    usage.KIND,
    counters.KIND,
    standing_charges.KIND,
    credits.KIND,
    minimum_spends.KIND,
    families.SHARES,  # before draw-downs: each bill's own credit pays for what stands on it
    charges.KIND,  # before draw-downs: balances pay for one-off charges as well (BAL-5)
    late_usage.KIND,
    draw_downs.KIND,
    commitment_fees.KIND,
    families.KIND,  # last: what was paid for as a block is told apart, or merged (12)
)
_DEFAULT: Final = Twice.AT_ONE_TIME


def record(name: str) -> RecordKind:
    """Return a kind of record. Raises ``KeyError``: an unknown record is not guessed at."""
    return _records(KINDS)[name]


def is_record(name: object) -> bool:
    """Whether a calculation makes such records; lines of people have others or none."""
    return name in _records(KINDS)


def twice(line_type: str) -> Twice:
    """Return when two lines of the type for one subject are one charge billed twice."""
    return _rules(KINDS).get(line_type, _DEFAULT)


@lru_cache(maxsize=8)
def _records(kinds: tuple[LineKind, ...]) -> dict[object, RecordKind]:
    return {record.name: record for kind in kinds for record in kind.records}


@lru_cache(maxsize=8)
def _rules(kinds: tuple[LineKind, ...]) -> dict[str, Twice]:
    return {
        line_type.value: kind.rule(line_type) for kind in kinds for line_type in kind.line_types
    }
