"""Rated lines as rows of the line item table: what is stored of each (15.4)."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from billing.bills.reading import Names
from billing.rating.lines import BandUsage, RatedLine
from organizations.kernel.money import plain

# The id comes first: ``bulk.update`` finds the row by it.
_OWN = (
    "id", "organization_id", "bill_id", "version", "created_at", "created_by", "modified_at",
    "modified_by", "line_key", "sequence_number", "description", "quantity", "units", "unit",
    "subtotal", "currency", "conversion_rate", "converted_subtotal", "average_unit_price",
    "service_period_start", "service_period_end", "account_plan_id", "band_usage", "calculation",
)  # fmt: skip
# The same on the lines of every account that pays the price.
_SHARED = (
    "line_item_type", "product_id", "product_code", "product_name", "accounting_product_id",
    "accounting_product_code", "accounting_product_name", "plan_id", "plan_name", "pricing_id",
    "aggregation_id", "meter_id", "contract_id", "child_account_id", "child_account_code",
    "segment",
)  # fmt: skip
COLUMNS = _OWN + _SHARED
# Change with every write; a line that differs in nothing else is not written again.
STAMPS = ("version", "created_at", "created_by", "modified_at", "modified_by")

_UNKNOWN = (None, None)
_encode = msgspec.json.Encoder().encode


def values(
    line: RatedLine,
    *,
    line_id: UUID,
    version: int,
    organization_id: UUID,
    bill_id: UUID,
    names: Names,
    at: datetime,
    by: UUID,
) -> tuple[Any, ...]:
    """Return the values of ``COLUMNS``; names as they are now, so that a rename changes nothing."""
    priced = (line.line_type, line.plan_id, line.pricing_id, line.contract_id)
    shared = names.on_lines.get(priced)
    if shared is None:
        shared = names.on_lines[priced] = _shared(line, names)
    return (
        line_id, organization_id, bill_id, version, at, by, at,
        by, line.line_key, line.sequence, line.description, line.quantity, line.units, line.unit,
        line.subtotal, line.currency, line.conversion_rate, line.converted_subtotal,
        line.average_unit_price,
        line.service_period.start, line.service_period.end, line.account_plan_id,
        _bands(line.band_usage), _encode(line.calculation).decode(),
        *shared,
    )  # fmt: skip


def _shared(line: RatedLine, names: Names) -> tuple[Any, ...]:
    """Return the values of ``_SHARED``."""
    product_code, product_name = names.products.get(line.product_id, _UNKNOWN)
    accounting_code, accounting_name = names.products.get(line.accounting_product_id, _UNKNOWN)
    return (
        line.line_type.value, line.product_id, product_code, product_name,
        line.accounting_product_id, accounting_code, accounting_name,
        line.plan_id, names.plans.get(line.plan_id), line.pricing_id,
        line.aggregation_id, line.meter_id, line.contract_id, None, None,
        _encode(dict(line.segment)).decode(),
    )  # fmt: skip


def _bands(usage: Sequence[BandUsage]) -> str:
    """Return the band breakdown as JSON under the wire's names (LIN-2), numbers exact."""
    return f"[{','.join(map(_band, usage))}]"


def _band(band: BandUsage) -> str:
    price = _price(band.pricing_band_id, band.lower_limit, band.fixed_price, band.unit_price)
    return (
        f'{{{price},"bandQuantity":{plain(band.band_quantity)}'
        f',"bandUnits":{plain(band.band_units)},"unitSubtotal":{plain(band.unit_subtotal)}'
        f',"bandSubtotal":{plain(band.band_subtotal)}'
        f',"convertedBandSubtotal":{plain(band.converted_band_subtotal)}}}'
    )


@lru_cache(maxsize=4096)
def _price(band_id: UUID, lower_limit: Decimal, fixed_price: Decimal, unit_price: Decimal) -> str:
    """Return what is the same for every account that pays the price."""
    return (
        f'"pricingBandId":"{band_id}","lowerLimit":{plain(lower_limit)}'
        f',"fixedPrice":{plain(fixed_price)},"unitPrice":{plain(unit_price)}'
    )
