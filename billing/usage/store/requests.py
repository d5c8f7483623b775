"""What can be asked of the measurements of many accounts at once, and what is answered."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import msgspec


class Method(StrEnum):
    """How the values of one field become one quantity; the contract's words."""

    SUM = "SUM"
    MIN = "MIN"
    MAX = "MAX"
    COUNT = "COUNT"
    LATEST = "LATEST"
    MEAN = "MEAN"
    UNIQUE = "UNIQUE"


@dataclass(frozen=True, slots=True)
class Segmentation:
    """How an aggregation's measurements are split: each falls into exactly one segment (10.8).

    Each of ``segments`` holds one value for each of ``fields``, in that order; ``*`` is any
    value, an absent one included. No two segments are the same.
    """

    fields: tuple[str, ...]
    segments: tuple[tuple[str, ...], ...]


class QuantityRequest(msgspec.Struct, frozen=True, gc=False):
    """One field of one meter, for one account, over ``start_at <= ts < end_at`` (9.2).

    ``segment`` is one of ``segmentation.segments``; without segmentation all measurements of the
    window count (10.11).
    """

    account_id: UUID
    meter_id: UUID
    field: str
    method: Method
    start_at: datetime
    end_at: datetime
    segmentation: Segmentation | None = None
    segment: tuple[str, ...] | None = None


class Quantity(msgspec.Struct, frozen=True, gc=False):
    """The value, exact, and how many measurements had one.

    ``value`` is None when none had, for COUNT and UNIQUE as well: putting the aggregation's
    default value in its place (9.5) is the caller's business.
    """

    value: Decimal | None = None
    event_count: int = 0


NO_DATA = Quantity()
ANY = "*"
