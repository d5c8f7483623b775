"""A locked bill beside the same bill as it would be calculated today; nothing is stored."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from billing.bills import as_of_today, differences
from billing.models import Bill, LineItem
from billing.rating import late
from billing.rating.late import Change, Held
from billing.rating.lines import MEASURED, RatedLine
from organizations.kernel.money import eighteen_places

# What changes an amount besides the usage itself.
_PRICE = frozenset({"bands", "pricing", "aggregation", "rounding", "days", "currency"})
PRICE_CHANGED = (
    "Prices or plans changed since the bill was calculated; the amount contains that change as "
    "well, so somebody has to decide."
)


@dataclass(frozen=True, slots=True)
class Found:
    """One charge that differs, with what a row about it says; ``note``: why somebody must ask."""

    change: Change
    about: dict[str, Any]
    note: str = ""


def compare(bill: Bill, kept: Iterable[str]) -> list[Found]:
    """Return the charges for usage that differ. Raises what keeps the bill from being rated.

    ``kept`` are charges to return even where nothing differs any more.
    """
    taken, calculated = as_of_today.calculate(bill)
    rated = [line for one in calculated for line in one.rated.lines]
    stored = list(bill.line_items.order_by("sequence_number", "id"))
    lines = {late.usage_key(held): (line, None) for line, held in _measured(stored)}
    for line in rated:
        held = _of_rated(line)
        if held.measured is not None:
            before = lines.get(late.usage_key(held), (None, None))[0]
            lines[late.usage_key(held)] = (before, line)
    changes = late.changes([_of_stored(line) for line in stored], list(map(_of_rated, rated)),
                           kept=kept)  # fmt: skip
    names = taken.names.products
    return [_found(change, *lines[key], names) for key, change in changes.items()]


def _measured(lines: Iterable[LineItem]) -> Iterable[tuple[LineItem, Held]]:
    held = ((line, _of_stored(line)) for line in lines)
    return ((line, one) for line, one in held if one.measured is not None)


def _of_stored(line: LineItem) -> Held:
    is_measured = line.line_item_type in MEASURED
    measured = line.aggregation_id or line.compound_aggregation_id if is_measured else None
    return Held(
        line.line_item_type, line.line_key, line.account_plan_id, line.pricing_id, measured,
        line.currency, line.quantity, line.units, line.subtotal,
    )  # fmt: skip


def _of_rated(line: RatedLine) -> Held:
    measured = line.aggregation_id or line.compound_aggregation_id
    return Held(
        line.line_type.value, line.line_key, line.account_plan_id, line.pricing_id,
        measured if line.line_type in MEASURED else None, line.currency,
        eighteen_places(line.quantity), eighteen_places(line.units), line.subtotal,
    )  # fmt: skip


def _found(
    change: Change, stored: LineItem | None, now: RatedLine | None, names: dict[Any, Any]
) -> Found:
    about = _of(now) if now is not None else _before(stored)
    name = names.get(about["product_id"], ("", ""))
    about["product_name"] = name[1] or ""
    about["line_item_id"] = stored.pk if stored else None
    if stored is None:
        return Found(change, about)
    is_changed = now is None or any(
        one.field in _PRICE for one in differences.of_lines(stored, now)
    )
    return Found(change, about, PRICE_CHANGED if is_changed else "")


def _of(line: RatedLine) -> dict[str, Any]:
    return _about(line, line.aggregation_id or line.compound_aggregation_id,
                  line.service_period.start, line.service_period.end) | {
        "accounting_product_id": line.accounting_product_id,
        "segment": dict(line.segment),
    }  # fmt: skip


def _before(line: LineItem | None) -> dict[str, Any]:
    if line is None:
        raise ValueError("A charge is on one of the two bills.")
    return _about(line, line.aggregation_id or line.compound_aggregation_id,
                  line.service_period_start, line.service_period_end) | {
        "accounting_product_id": line.accounting_product_id,
        "segment": line.segment,
    }  # fmt: skip


def _about(line: Any, measured: UUID | None, start: datetime, end: datetime) -> dict[str, Any]:
    same = ("description", "product_id", "contract_id", "plan_id", "account_plan_id",
            "pricing_id", "meter_id", "unit", "currency")  # fmt: skip
    return {
        **{name: getattr(line, name) for name in same},
        "aggregation_id": measured,
        "service_period_start": start,
        "service_period_end": end,
    }
