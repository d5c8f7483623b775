"""Rules of price bands and of the time and place of a price; pricings of all kinds share them."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet

from organizations.kernel import ids
from organizations.kernel.errors import FieldRefused, FieldsRefused

MAX_BANDS = 100
Bands = list[dict[str, Any]]


def ordered_bands(sent: Bands, stored: Bands) -> Bands:
    """Return bands ascending by lower limit (PRC-6), each with an id.

    A band keeps the id it was sent with when the pricing has it; else one at the same lower
    limit keeps its id, so that bill lines keep pointing at it.
    """
    known = {band["id"] for band in stored}
    by_limit = {band["lowerLimit"]: band["id"] for band in stored}
    result = []
    for band in sorted(sent, key=lambda band: band["lowerLimit"]):
        given = str(band.get("id") or "")
        identity = given if given in known else by_limit.get(band["lowerLimit"])
        result.append(
            {
                "id": identity or str(ids.new_id()),
                "lowerLimit": band["lowerLimit"],
                "fixedPrice": band["fixedPrice"],
                "unitPrice": band["unitPrice"],
            }
        )
    return result


def check_bands(field: str, bands: Bands, *, may_be_negative: bool) -> None:
    """Refuse a ladder that does not begin at 0, a limit given twice, negative debits (PRC-3, 6).

    All faults are told at once, each at its band.
    """
    if not 1 <= len(bands) <= MAX_BANDS:
        raise FieldRefused(field, f"1 to {MAX_BANDS} bands are needed")
    faults = list(_ladder_faults(field, bands))
    if not may_be_negative:
        faults += [
            FieldRefused(f"{field}[{position}].{key}", "must not be negative with type DEBIT")
            for position, band in enumerate(bands)
            for key in ("fixedPrice", "unitPrice")
            if Decimal(band[key]) < 0
        ]
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise FieldsRefused(faults)


def _ladder_faults(field: str, bands: Bands) -> Iterator[FieldRefused]:
    limits = [Decimal(band["lowerLimit"]) for band in bands]
    if min(limits) != 0:
        yield FieldRefused(field, "the lowest lowerLimit must be 0")
    for position, limit in enumerate(limits):
        if limit in limits[:position]:
            yield FieldRefused(
                f"{field}[{position}].lowerLimit", "each lowerLimit may occur only once"
            )


def check_end(row: Any) -> None:
    """Refuse an end that is not after the start."""
    if row.end_date is not None and row.end_date <= row.start_date:
        raise FieldRefused("endDate", "must be after startDate")


def check_owner(row: Any) -> None:
    """Refuse neither and both of plan and plan template (PRC-1)."""
    if (row.plan_id is None) == (row.plan_template_id is None):
        raise FieldRefused("planId", "exactly one of planId and planTemplateId is needed")


def check_alone(row: Any, alike: QuerySet, noun: str, about: str) -> None:
    """Name a price of the same thing in force at the same time; the database refuses it too."""
    rows = alike.exclude(pk=row.pk)
    rows = rows.filter(Q(end_date__isnull=True) | Q(end_date__gt=row.start_date))
    if row.end_date is not None:
        rows = rows.filter(start_date__lt=row.end_date)
    other = rows.order_by("start_date").first()
    if other is not None:
        named = f"{noun} {other.code or other.pk}, from {other.start_date:%Y-%m-%d}"
        until = f" to {other.end_date:%Y-%m-%d}" if other.end_date else ""
        raise FieldRefused("startDate", f"{named}{until}, is in force at this time for {about}")
