"""Rated lines as rows of the line item table: what is stored of each (15.4)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from billing.bills.reading import Names
from billing.bills.taken import Snapshot
from billing.rating.lines import BandUsage, RatedLine
from billing.rating.subjects import SubjectKind
from organizations.kernel import bulk
from organizations.kernel.money import plain

# The id comes first: ``bulk.update`` finds the row by it.
_OWN = (
    "id", "bill_id", "version", "line_key", "sequence_number", "quantity", "units", "subtotal",
    "conversion_rate", "converted_subtotal", "average_unit_price", "service_period_start",
    "service_period_end", "account_plan_id", "band_usage", "calculation",
)  # fmt: skip
# The same on the lines of every account that pays the price: these with the names below.
_SAME_IDS = (
    "line_item_type", "description", "unit", "currency", "product_id", "accounting_product_id",
    "plan_id", "pricing_id", "aggregation_id", "compound_aggregation_id", "meter_id", "contract_id",
    "child_account_id", "child_account_code", "segment", "plan_group_id", "counter_id", "charge_id",
    "commitment_id", "balance_id", "credit_type_id", "referenced_bill_id",
    "referenced_line_item_id", "reason_id", "group",
)  # fmt: skip
_SHARED = (
    *_SAME_IDS, "product_code", "product_name", "accounting_product_code",
    "accounting_product_name", "plan_name",
)  # fmt: skip
# Change with every write; a line that differs in nothing else is not written again.
STAMPS = ("version", "created_at", "created_by", "modified_at", "modified_by")

_UNKNOWN = (None, None)
_encode = msgspec.json.Encoder().encode


class Kinds:
    """Lines as values to be written; what lines of one price share is worked out once."""

    def __init__(self, snapshot: Snapshot, *, at: datetime, by: UUID) -> None:
        self._names = snapshot.names
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._kinds: list[tuple[Any, ...]] = []
        self._same = {
            "organization_id": snapshot.organization_id,
            "created_at": at,
            "created_by": by,
            "modified_at": at,
            "modified_by": by,
        }

    def values(
        self, line: RatedLine, *, line_id: UUID, version: int, bill_id: UUID
    ) -> tuple[Any, ...]:
        """Return the line for ``rows``; names as they are now, so that a rename changes nothing."""
        kind = _same_ids(line)
        number = self._numbers.get(kind)
        if number is None:
            number = self._numbers[kind] = len(self._kinds)
            self._kinds.append(_shared(kind, line, self._names))
        return (
            line_id, bill_id, version, line.line_key, line.sequence, str(line.quantity),
            str(line.units), str(line.subtotal), str(line.conversion_rate),
            str(line.converted_subtotal), str(line.average_unit_price),
            line.service_period.start, line.service_period.end, line.account_plan_id,
            _bands(line.band_usage), _encode(line.calculation).decode(), number,
        )  # fmt: skip

    def rows(self, values: Sequence[tuple[Any, ...]]) -> bulk.Rows:
        """Return the lines as rows of the table of line items."""
        return bulk.Rows(_OWN, values, self._same, _SHARED, self._kinds)


def _same_ids(line: RatedLine) -> tuple[Any, ...]:
    """Return the values of ``_SAME_IDS``: lines for which they are equal share all of ``_SHARED``.

    The columns of a subject are filled from it; what else a line names is in its references.
    """
    subject, belongs, also = line.subject, line.attribution, line.attribution.references
    return (
        line.line_type.value, line.description, line.unit, line.currency,
        line.product_id, belongs.accounting_product_id, belongs.plan_id, belongs.pricing_id,
        line.aggregation_id, line.compound_aggregation_id, line.meter_id, belongs.contract_id,
        belongs.child_account_id, belongs.child_account_code, line.segment, line.plan_group_id,
        subject.only(SubjectKind.COUNTER),
        subject.only(SubjectKind.CHARGE) or also.charge_id,
        subject.only(SubjectKind.COMMITMENT) or also.commitment_id,
        subject.only(SubjectKind.BALANCE) or also.balance_id,
        also.credit_type_id, also.referenced_bill_id, also.referenced_line_item_id,
        also.reason_id, also.group,
    )  # fmt: skip


def _shared(same: tuple[Any, ...], line: RatedLine, names: Names) -> tuple[Any, ...]:
    """Return the values of ``_SHARED``: JSON as text, and the names that belong to the ids."""
    texts = {
        "segment": _encode(dict(line.segment)).decode(),
        "group": _group(line.attribution.references.group),
    }
    written = (texts.get(name, value) for name, value in zip(_SAME_IDS, same, strict=True))
    return (
        *written,
        *names.products.get(line.product_id, _UNKNOWN),
        *names.products.get(line.accounting_product_id, _UNKNOWN),
        names.plans.get(line.plan_id),
    )


def _group(group: tuple[tuple[str, str], ...]) -> str | None:
    return _encode(dict(group)).decode() if group else None


def _bands(usage: Sequence[BandUsage]) -> str:
    """Return the band breakdown as JSON under the wire's names (LIN-2), numbers exact."""
    return f"[{','.join(map(_band, usage))}]"


def _band(band: BandUsage) -> str:
    price = _price(band.pricing_band_id, band.lower_limit, band.fixed_price, band.unit_price)
    # Mostly the same number: without a fixed price, without a conversion.
    unit_subtotal = plain(band.unit_subtotal)
    subtotal = _as(band.band_subtotal, band.unit_subtotal, unit_subtotal)
    converted = _as(band.converted_band_subtotal, band.band_subtotal, subtotal)
    return (
        f'{{{price},"bandQuantity":{plain(band.band_quantity)},"bandUnits":{plain(band.band_units)}'
        f',"unitSubtotal":{unit_subtotal},"bandSubtotal":{subtotal}'
        f',"convertedBandSubtotal":{converted}}}'
    )


def _as(number: Decimal, other: Decimal, written: str) -> str:
    """Return the number as text; ``written`` is the text of the other."""
    return written if number is other else plain(number)


@lru_cache(maxsize=4096)
def _price(band_id: UUID, lower_limit: Decimal, fixed_price: Decimal, unit_price: Decimal) -> str:
    """Return what is the same for every account that pays the price."""
    return (
        f'"pricingBandId":"{band_id}","lowerLimit":{plain(lower_limit)}'
        f',"fixedPrice":{plain(fixed_price)},"unitPrice":{plain(unit_price)}'
    )
