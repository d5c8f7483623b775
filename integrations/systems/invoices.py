"""PURE: a bill as systems outside see it: few lines, whole cents, and the bill's exact total (A4).

Usage lines are rolled up; each external line is rounded once to the decimals of the system, and
what rounding leaves is added to the largest line. When the sum cannot be the bill's total, nothing
is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

# Wide enough for sums of any number of amounts of 38 digits.
EXACT = Context(prec=100)
BY_AGGREGATION, BY_PRODUCT, BY_BILL = SPLITS = ("AGGREGATION", "PRODUCT", "BILL")
USAGE = frozenset({"USAGE"})


class TotalsDiffer(ValueError):
    """The lines cannot add up to the bill's total in the decimals of the system."""


@dataclass(frozen=True, slots=True)
class Item:
    """A line item of ours. ``product_id`` is the accounting product where there is one."""

    key: str
    kind: str
    description: str
    amount: Decimal
    quantity: Decimal
    product_id: str | None
    product_code: str | None
    product_name: str | None
    starts_at: datetime
    ends_at: datetime
    aggregation_id: str | None = None
    segment: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    record: Mapping[str, Any] = field(default_factory=dict, hash=False, compare=False)


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it is sent: whole minor units, and a key that stays the same when sent again."""

    key: str
    description: str
    amount: Decimal
    quantity: Decimal
    product_id: str | None
    product_code: str | None
    product_name: str | None
    starts_at: datetime
    ends_at: datetime
    kinds: tuple[str, ...] = ()
    items: int = 1
    unit: str = ""
    aggregation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """The account of a bill, as the account and the bill have it."""

    identity: str
    code: str
    name: str
    email: str = ""
    address: Mapping[str, Any] = field(default_factory=dict, hash=False)
    custom_fields: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Invoice:
    """A bill on its way out. ``lines`` add up to ``total`` exactly, in ``places`` decimals."""

    bill_id: str
    version: int
    account: Party
    currency: str
    total: Decimal
    items: tuple[Item, ...]
    bill_date: date
    start_date: date
    end_date: date
    lines: tuple[Line, ...] = ()
    places: int = 2
    due_date: date | None = None
    external_date: date | None = None
    external_reference: str | None = None
    purchase_order: str | None = None
    number: str | None = None
    is_approved: bool = False
    created_at: datetime | None = None
    record: Mapping[str, Any] = field(default_factory=dict, hash=False, compare=False)

    @property
    def invoice_date(self) -> date:
        """The date to print: the external one where the bill has one."""
        return self.external_date or self.bill_date


def prepared(
    invoice: Invoice,
    *,
    places: int,
    split: str = BY_AGGREGATION,
    with_zero_lines: bool = False,
    most_lines: int | None = None,
) -> Invoice:
    """Return the invoice with its lines; raises ``TotalsDiffer``.

    With more lines than the system takes usage is rolled up further, and in the end the last lines
    are one.
    """
    splits = SPLITS[SPLITS.index(split) :]
    for chosen in splits:
        lines = rolled_up(invoice.items, chosen)
        if not with_zero_lines:
            lines = [line for line in lines if line.amount or line.quantity]
        if most_lines is None or len(lines) <= most_lines:
            break
    else:
        assert most_lines is not None
        kept, rest = lines[: most_lines - 1], lines[most_lines - 1 :]
        lines = [*kept, _together("rest", "Further charges", rest)]
    whole = tuple(balanced(lines, invoice.total, places))
    # The column's decimals say nothing: -1.00 is what people and systems read.
    return replace(invoice, lines=whole, places=places, total=rounded(invoice.total, places))


def rolled_up(items: Iterable[Item], split: str) -> list[Line]:
    """Return the external lines, exact: usage put together as asked, the others one each."""
    key_of = _KEYS[split]
    found: dict[Hashable, list[Item]] = {}
    for item in items:
        key = key_of(item) if item.kind in USAGE else ("line", item.key)
        found.setdefault(key, []).append(item)
    return [_line(key, group, split) for key, group in found.items()]


def balanced(lines: Sequence[Line], total: Decimal, places: int) -> list[Line]:
    """Return the lines in whole minor units, adding up to the total; raises ``TotalsDiffer``."""
    unit = Decimal(1).scaleb(-places)
    if rounded(total, places) != total:
        raise TotalsDiffer(f"The total {total:f} has more than {places} decimals.")
    whole = [replace(line, amount=rounded(line.amount, places)) for line in lines]
    residual = EXACT.subtract(total, _sum(line.amount for line in whole))
    if not residual:
        return whole
    if not whole or abs(residual) > unit / 2 * len(whole):
        raise TotalsDiffer(
            f"The lines add up to {EXACT.subtract(total, residual):f}, the bill's total is "
            f"{total:f}."
        )
    largest = max(range(len(whole)), key=lambda i: (abs(whole[i].amount), -i))
    amount = rounded(EXACT.add(whole[largest].amount, residual), places)
    whole[largest] = replace(whole[largest], amount=amount)
    return whole


def rounded(amount: Decimal, places: int) -> Decimal:
    """Return the amount in whole minor units, halves to even."""
    return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN, context=EXACT)


def minor_units(amount: Decimal, places: int) -> int:
    """Return an amount that was rounded as a whole number: 12.30 is 1230 with two decimals."""
    units = amount.scaleb(places, context=EXACT)
    if units != units.to_integral_value():
        raise TotalsDiffer(f"{amount:f} has more than {places} decimals.")
    return int(units)


def _by_aggregation(item: Item) -> Hashable:
    return ("usage", item.product_id, item.aggregation_id, item.segment)


_KEYS: dict[str, Callable[[Item], Hashable]] = {
    BY_AGGREGATION: _by_aggregation,
    BY_PRODUCT: lambda item: ("usage", item.product_id),
    BY_BILL: lambda item: ("usage",),
}


def _line(key: Hashable, group: Sequence[Item], split: str) -> Line:
    first = group[0]
    text = "/".join(_word(part) for part in key) if isinstance(key, tuple) else str(key)
    if len(group) == 1:
        description = first.description
    elif split == BY_BILL:
        description = "Usage"
    elif split == BY_PRODUCT:
        description = f"Usage of {first.product_name or 'all products'}"
    else:
        description = first.description
    is_one_product = len({item.product_id for item in group}) == 1
    return Line(
        key=text,
        description=description,
        amount=_sum(item.amount for item in group),
        quantity=_sum(item.quantity for item in group),
        product_id=first.product_id if is_one_product else None,
        product_code=first.product_code if is_one_product else None,
        product_name=first.product_name if is_one_product else None,
        starts_at=min(item.starts_at for item in group),
        ends_at=max(item.ends_at for item in group),
        kinds=tuple(dict.fromkeys(item.kind for item in group)),
        items=len(group),
        unit=first.unit if len({item.unit for item in group}) == 1 else "",
        aggregation_id=(
            first.aggregation_id if len({item.aggregation_id for item in group}) == 1 else None
        ),
    )


def _together(key: str, description: str, lines: Sequence[Line]) -> Line:
    return replace(
        lines[0],
        key=key,
        description=f"{description} ({len(lines)})",
        amount=_sum(line.amount for line in lines),
        quantity=Decimal(1),
        product_id=None,
        product_code=None,
        product_name=None,
        starts_at=min(line.starts_at for line in lines),
        ends_at=max(line.ends_at for line in lines),
        kinds=tuple(dict.fromkeys(kind for line in lines for kind in line.kinds)),
        items=sum(line.items for line in lines),
        unit="",
        aggregation_id=None,
    )


def _word(part: Any) -> str:
    if isinstance(part, tuple):
        return ",".join(f"{name}={value}" for name, value in part)
    return "-" if part is None else str(part)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
