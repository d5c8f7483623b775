"""What rating returns: a bill of line items, each with the record of how it came about.

Money in a line: ``subtotal`` is in the line's own currency and rounded once; ``converted_subtotal``
is in the bill currency and rounded once more (MON-5). ``total`` is their plain sum (INV-A).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Final
from uuid import UUID

import msgspec

from billing.rating.cycles import BillKey
from billing.rating.inputs import Segment
from organizations.kernel.periods import Period

# A calculation record: JSON objects, lists, strings, whole numbers, booleans and null.
# Decimals are plain strings, instants ISO 8601 in UTC, so nothing is lost in a column.
Record = Mapping[str, object]

LINE_KEY_MAX_LENGTH: Final = 255


class LineType(StrEnum):
    """The line item types of the contract, in the order in which a bill prints them (15.3)."""

    STANDING_CHARGE = "STANDING_CHARGE"
    USAGE = "USAGE"
    USAGE_CREDIT = "USAGE_CREDIT"
    COUNTER_RUNNING_TOTAL_CHARGE = "COUNTER_RUNNING_TOTAL_CHARGE"
    COUNTER_ADJUSTMENT_DEBIT = "COUNTER_ADJUSTMENT_DEBIT"
    COUNTER_ADJUSTMENT_CREDIT = "COUNTER_ADJUSTMENT_CREDIT"
    MINIMUM_SPEND = "MINIMUM_SPEND"
    MINIMUM_SPEND_REFUND = "MINIMUM_SPEND_REFUND"
    COMMITMENT_FEE = "COMMITMENT_FEE"
    COMMITMENT_CONSUMED = "COMMITMENT_CONSUMED"
    OVERAGE_SURCHARGE = "OVERAGE_SURCHARGE"
    OVERAGE_USAGE = "OVERAGE_USAGE"
    BALANCE_FEE = "BALANCE_FEE"
    BALANCE_CONSUMED = "BALANCE_CONSUMED"
    AD_HOC = "AD_HOC"
    CREDIT_MEMO = "CREDIT_MEMO"
    DEBIT_MEMO = "DEBIT_MEMO"


class BandUsage(msgspec.Struct, frozen=True, gc=False):
    """One band that a line reached (LIN-2), unrounded to 10 decimals (MON-6).

    ``fixed_price`` is the band's price; ``band_subtotal`` contains it only where it was charged.
    ``band_quantity`` is the line's quantity in proportion to the band's units.
    """

    pricing_band_id: UUID
    lower_limit: Decimal
    fixed_price: Decimal
    unit_price: Decimal
    band_quantity: Decimal
    band_units: Decimal
    unit_subtotal: Decimal
    band_subtotal: Decimal
    converted_band_subtotal: Decimal


class RatedLine(msgspec.Struct, frozen=True, gc=False):
    """One line item. Ids that do not concern its type are ``None``; ``segment`` is ``()``.

    ``account_id`` is the source account: another than the bill's for a child's line (PAR-4).
    ``sequence`` counts from 1 in the order of LIN-6. Names and codes are the writer's business.
    """

    line_type: LineType
    line_key: str
    description: str
    quantity: Decimal
    units: Decimal
    unit: str
    subtotal: Decimal
    currency: str
    conversion_rate: Decimal
    converted_subtotal: Decimal
    average_unit_price: Decimal
    band_usage: tuple[BandUsage, ...]
    service_period: Period
    sequence: int
    account_id: UUID
    account_plan_id: UUID | None
    plan_id: UUID | None
    plan_group_id: UUID | None
    product_id: UUID | None
    accounting_product_id: UUID | None
    pricing_id: UUID | None
    aggregation_id: UUID | None
    compound_aggregation_id: UUID | None
    meter_id: UUID | None
    contract_id: UUID | None
    segment: Segment
    calculation: Record


class RatedBill(msgspec.Struct, frozen=True, gc=False):
    """The calculated bill. ``total`` is the sum of ``converted_subtotal``, in ``currency``."""

    account_id: UUID
    key: BillKey
    period: Period
    currency: str
    lines: tuple[RatedLine, ...]
    total: Decimal


def line_key(
    line_type: LineType,
    *,
    account_id: UUID,
    starts_at: datetime,
    account_plan_id: UUID | None = None,
    pricing_id: UUID | None = None,
    segment: Segment = (),
    subject: str = "",
) -> str:
    """Return what makes a line the same line when its bill is calculated again.

    Seven parts joined by ``|``: line type, source account, account plan, pricing, segment (a
    digest, as values may be long), subject (a charge, commitment, balance, adjustment date, ...)
    and start of the service period in UTC. A part that does not apply is empty. Unique within a
    bill and never longer than ``LINE_KEY_MAX_LENGTH``, given a subject of up to 36 characters.
    """
    return "|".join(
        (
            line_type,
            account_id.hex,
            account_plan_id.hex if account_plan_id else "",
            pricing_id.hex if pricing_id else "",
            segment_digest(segment) if segment else "",
            subject,
            instant_text(starts_at),
        )
    )


def segment_digest(segment: Segment) -> str:
    """Return 16 characters that stand for the segment, whatever the order of its fields."""
    canonical = json.dumps(sorted(segment), ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


@lru_cache(maxsize=4096)
def instant_text(instant: datetime) -> str:
    """Write an instant as ``2024-06-01T00:00:00Z``."""
    if instant.tzinfo is not UTC:
        instant = instant.astimezone(UTC)
    return instant.isoformat().removesuffix("+00:00") + "Z"
