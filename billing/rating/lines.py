"""What rating returns: a bill of line items, each with the record of how it came about.

Money in a line: ``subtotal`` is in the line's own currency and rounded once; ``converted_subtotal``
is in the bill currency and rounded once more (MON-5). ``total`` is their plain sum (INV-A).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Final
from uuid import UUID

import msgspec

from billing.rating.cycles import BillKey
from billing.rating.inputs import Aggregation, Segment
from billing.rating.movements import Movement
from billing.rating.subjects import OF_A_PLAN, Attribution, Subject, SubjectKind
from organizations.kernel.periods import Period

# A calculation record: JSON objects, lists, strings, whole numbers, booleans and null.
# Decimals are plain strings, instants ISO 8601 in UTC, so nothing is lost in a column.
Record = Mapping[str, object]

LINE_KEY_MAX_LENGTH: Final = 320
_KEY_PARTS: Final = 7


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


# Lines whose subject is something that was used.
MEASURED: Final = frozenset({LineType.USAGE, LineType.USAGE_CREDIT, LineType.OVERAGE_USAGE})


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
    """One line item. ``aggregation`` and ``segment`` are given where usage was measured.

    ``sequence`` counts from 1 in the order of LIN-6. Names and codes are the writer's business.
    """

    line_type: LineType
    line_key: str
    subject: Subject
    attribution: Attribution
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
    aggregation: Aggregation | None
    segment: Segment
    calculation: Record
    movements: tuple[Movement, ...] = ()

    @property
    def account_id(self) -> UUID:
        """The source account: another than the bill's for a child's line (PAR-4)."""
        return self.attribution.account_id

    @property
    def account_plan_id(self) -> UUID | None:
        return self.attribution.account_plan_id

    @property
    def plan_id(self) -> UUID | None:
        return self.attribution.plan_id

    @property
    def plan_group_id(self) -> UUID | None:
        return self.attribution.plan_group_id or self.subject.only(SubjectKind.PLAN_GROUP)

    @property
    def contract_id(self) -> UUID | None:
        return self.attribution.contract_id

    @property
    def product_id(self) -> UUID | None:
        return self.attribution.product.id if self.attribution.product else None

    @property
    def accounting_product_id(self) -> UUID | None:
        return self.attribution.accounting_product_id

    @property
    def pricing_id(self) -> UUID | None:
        return self.attribution.pricing_id

    @property
    def aggregation_id(self) -> UUID | None:
        aggregation = self.aggregation
        return aggregation.id if aggregation and not aggregation.is_compound else None

    @property
    def compound_aggregation_id(self) -> UUID | None:
        aggregation = self.aggregation
        return aggregation.id if aggregation and aggregation.is_compound else None

    @property
    def meter_id(self) -> UUID | None:
        return self.aggregation.meter_id if self.aggregation else None


class RatedBill(msgspec.Struct, frozen=True, gc=False):
    """The calculated bill. ``total`` is the sum of ``converted_subtotal``, in ``currency``."""

    account_id: UUID
    key: BillKey
    period: Period
    currency: str
    lines: tuple[RatedLine, ...]
    total: Decimal

    @property
    def movements(self) -> list[Movement]:
        """What the lines of the bill move, in their order."""
        return [movement for line in self.lines for movement in line.movements]


def line_key(
    line_type: LineType, subject: Subject, attribution: Attribution, starts_at: datetime
) -> str:
    """Return what makes a line the same line when its bill is calculated again.

    Seven parts joined by ``|``: line type, source account, account plan, pricing, segment (a
    digest, as values may be long), subject and start of the service period in UTC. A part that
    does not apply is empty. Unique within a bill and never longer than ``LINE_KEY_MAX_LENGTH``.
    """
    return "|".join(
        (
            line_type,
            attribution.account_id.hex,
            _account_plan(attribution),
            attribution.pricing_id.hex if attribution.pricing_id else "",
            subject.detail if subject.kind in OF_A_PLAN else "",
            subject.written(),
            instant_text(starts_at),
        )
    )


def stored_subject(
    line_type: str,
    key: str,
    *,
    measured: UUID | None,
    pricing_id: UUID | None,
    plan_id: UUID | None,
) -> Subject:
    """Return the subject of a stored line from its key; ``measured`` is its aggregation."""
    parts = key.split("|")
    segment, written = parts[4:6] if len(parts) == _KEY_PARTS else ("", "")
    if written:
        kind, identity, *detail = written.split(":", 2)
        return Subject(SubjectKind(kind), UUID(identity) if identity else None, "".join(detail))
    if line_type in MEASURED:
        return Subject(SubjectKind.USAGE, measured, segment)
    if pricing_id is not None:
        return Subject(SubjectKind.PRICING, pricing_id, segment)
    return Subject(SubjectKind.PLAN, plan_id)


def _account_plan(attribution: Attribution) -> str:
    """Return the account plan; the plans of one group share it, so their own ids follow."""
    account_plan = attribution.account_plan_id.hex if attribution.account_plan_id else ""
    if attribution.plan_group_id is None or attribution.plan_id is None:
        return account_plan
    return f"{account_plan}.{attribution.plan_id.hex}"


@lru_cache(maxsize=4096)
def instant_text(instant: datetime) -> str:
    """Write an instant as ``2024-06-01T00:00:00Z``."""
    if instant.tzinfo is not UTC:
        instant = instant.astimezone(UTC)
    return instant.isoformat().removesuffix("+00:00") + "Z"
