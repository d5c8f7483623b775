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
    CUSTOM_SQL = "CUSTOM_SQL"


@dataclass(frozen=True, slots=True)
class Segmentation:
    """How an aggregation's measurements are split: each falls into exactly one segment (10.8).

    Each of ``segments`` holds one value for each of ``fields``, in that order; ``*`` is any
    value, an absent one included. No two segments are the same.
    """

    fields: tuple[str, ...]
    segments: tuple[tuple[str, ...], ...]


class CustomQuery(msgspec.Struct, frozen=True, gc=False):
    """A query that was checked, with the codes of the fields it may name as columns."""

    sql: str
    numbers: tuple[str, ...]
    texts: tuple[str, ...]


Filters = tuple[tuple[str, tuple[str, ...]], ...]
# Stretches of time of single accounts: account, from, until.
Spans = tuple[tuple[UUID, datetime, datetime], ...]


class QuantityRequest(msgspec.Struct, frozen=True, gc=False):
    """One field of one meter, for a set of accounts, over ``start_at <= ts < end_at`` (9.2).

    Several accounts have one quantity together: the distinct texts, the largest value, the mean
    or the latest of all their measurements, which no sum of single answers gives. ``segment`` is
    one of ``segmentation.segments``; without segmentation all measurements of the window count
    (10.11). ``filters`` leave measurements whose field has one of the texts, for each field named;
    ``excluded`` leave out those whose field has one of the texts. ``query`` is that of CUSTOM_SQL.
    ``spans`` are parts of the window for further accounts, of which only that time counts.
    """

    account_ids: tuple[UUID, ...]
    meter_id: UUID
    field: str
    method: Method
    start_at: datetime
    end_at: datetime
    segmentation: Segmentation | None = None
    segment: tuple[str, ...] | None = None
    filters: Filters = ()
    query: CustomQuery | None = None
    excluded: Filters = ()
    spans: Spans = ()


class Quantity(msgspec.Struct, frozen=True, gc=False):
    """The value, exact, and how many measurements had one.

    ``value`` is None when none had, for COUNT and UNIQUE as well: putting the aggregation's
    default value in its place (9.5) is the caller's business. ``refusal`` says why a query that
    somebody wrote gave nothing that can be billed.
    """

    value: Decimal | None = None
    event_count: int = 0
    refusal: str = ""


NO_DATA = Quantity()
ANY = "*"
