"""Why a bill's total differs from the one before it: causes with exact amounts that add up. Pure.

Lines of both bills are put together by what they charge. Where usage and its price changed both,
the usage is priced once more from the older record: what that comes to is due to the usage, the
rest of the difference to the price, and to the conversion rate where that is another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, NamedTuple

from billing.rating.lines import LineType
from billing.rating.recompute import recompute
from billing.rating.telling import PLACES_WITHOUT_SETTINGS, Facts
from organizations.kernel.money import ZERO, plain, working_precision


class Cause(StrEnum):
    """Why an amount is another one."""

    USAGE = "USAGE"
    PRICE = "PRICE"
    PLAN = "PLAN"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class BilledLine:
    """What is compared of a line. ``amount`` is in the bill's currency.

    ``subject`` says what is charged whatever its price: aggregation and segment of usage, a plan's
    charge, a counter, and whose account. ``account_plan`` is the id of the attached plan.
    """

    line_type: str
    subject: tuple[str, ...]
    name: str
    account_plan: str | None
    plan_name: str
    units: Decimal
    unit: str
    amount: Decimal
    starts_at: datetime
    record: Facts


@dataclass(frozen=True, slots=True)
class Effect:
    """One cause: by how much it moves the total, and what to say of it without the amount."""

    cause: Cause
    amount: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class Account:
    """Every effect, the largest first; together they are ``difference`` exactly."""

    difference: Decimal
    effects: tuple[Effect, ...]

    def main(self) -> Cause | None:
        """Return the cause that moves most money in all, ``None`` where nothing moves."""
        moved: dict[Cause, Decimal] = defaultdict(Decimal)
        for effect in self.effects:
            moved[effect.cause] += abs(effect.amount)
        return max(moved, key=lambda cause: moved[cause]) if moved else None

    def told(self, at_most: int = 3) -> tuple[Effect, ...]:
        """Return at most so many effects that add up; the smaller ones are one, as the rest."""
        if len(self.effects) <= at_most:
            return self.effects
        shown = self.effects[: at_most - 1]
        rest = self.difference - sum((one.amount for one in shown), ZERO)
        return (*shown, Effect(Cause.OTHER, rest, "Other changes"))


def compare(
    before: Iterable[BilledLine],
    after: Iterable[BilledLine],
    *,
    began: Collection[str] = (),
    ended: Collection[str] = (),
) -> Account:
    """Return why the lines of a bill come to another total than those of the bill before.

    ``began`` and ``ended`` are attached plans that did so between the two: a plan without lines
    is not over for that.
    """
    pairs: dict[tuple[str, ...], _Pair] = {}
    old, new = list(before), list(after)
    for line in old:
        pairs.setdefault(_key(line), _Pair([], [])).before.append(line)
    for line in new:
        pairs.setdefault(_key(line), _Pair([], [])).after.append(line)
    plans = _Plans(began, ended)
    with working_precision():
        found = [effect for pair in pairs.values() for effect in _effects(pair, plans)]
        effects = sorted(_joined(found), key=lambda one: (-abs(one.amount), one.text))
        difference = _total(new) - _total(old)
    return Account(difference, tuple(effects))


class _Pair(NamedTuple):
    before: list[BilledLine]
    after: list[BilledLine]

    @property
    def any(self) -> BilledLine:
        return (self.after or self.before)[0]

    @property
    def difference(self) -> Decimal:
        return _total(self.after) - _total(self.before)


class _Plans(NamedTuple):
    began: Collection[str]
    ended: Collection[str]


def _key(line: BilledLine) -> tuple[str, ...]:
    """Return what puts lines together; prepayments, fees and memos go by kind."""
    family = _FAMILY.get(line.line_type)
    return (family,) if family else (_measured_type(line.line_type), *line.subject)


def _measured_type(line_type: str) -> str:
    return "COUNTER" if line_type in _COUNTERS else line_type


def _effects(pair: _Pair, plans: _Plans) -> list[Effect]:
    line = pair.any
    family = _FAMILY.get(line.line_type)
    if family:
        text = f"{family}: {_each(pair)}"
        return [Effect(Cause.OTHER, pair.difference, text)]
    if not pair.before and line.account_plan in plans.began:
        return [Effect(Cause.PLAN, pair.difference, f"The plan {line.plan_name} began")]
    if not pair.after and line.account_plan in plans.ended:
        return [Effect(Cause.PLAN, pair.difference, f"The plan {line.plan_name} ended")]
    if line.line_type in _USED or line.line_type in _COUNTERS:
        return _of_usage(pair)
    return [_of_plan_charge(pair)]


def _of_usage(pair: _Pair) -> list[Effect]:
    """Split a difference between usage, price and conversion."""
    if _is_the_same(pair):
        return []
    old_units, new_units = _units(pair.before), _units(pair.after)
    if not (pair.before and pair.after):
        return [Effect(Cause.USAGE, pair.difference, _usage_text(pair, old_units, new_units))]
    same_price = _prices(pair.before) == _prices(pair.after)
    repriced = None if same_price else _at_old_price(pair)
    if repriced is None:
        # Without a price to part them by, what was used explains it when it is another figure.
        if same_price or old_units != new_units:
            text = _usage_text(pair, old_units, new_units)
            return [Effect(Cause.USAGE, pair.difference, text)]
        return [Effect(Cause.PRICE, pair.difference, _price_text(pair))]
    usage = repriced - _total(pair.before)
    rest = _total(pair.after) - repriced
    price = _at_old_rate(pair.before, pair.after) - repriced
    return [
        Effect(Cause.USAGE, usage, _usage_text(pair, old_units, new_units)),
        Effect(Cause.PRICE, price, _price_text(pair)),
        Effect(Cause.OTHER, rest - price, "The conversion rate changed"),
    ]


def _is_the_same(pair: _Pair) -> bool:
    """Whether one line has the units, amount and conversion rate of the other: nothing moved."""
    if len(pair.before) != 1 or len(pair.after) != 1:
        return False
    old, new = pair.before[0], pair.after[0]
    rates = {Decimal(line.record.get("conversionRate", 1)) for line in (old, new)}
    return (old.units, old.amount) == (new.units, new.amount) and len(rates) == 1


def _at_old_price(pair: _Pair) -> Decimal | None:
    """Return what the newer quantity costs by the older record; ``None`` where none can say."""
    records = [line.record for line in (*pair.before, *pair.after)]
    if len(pair.before) != 1 or any(record.get("kind") != "usage" for record in records):
        return None
    old, new = pair.before[0].record, pair.after[0].record
    measured = {name: new[name] for name in _MEASURED if name in new}
    if len(pair.after) > 1:
        if "compound" in new or old["aggregation"]["method"] not in _ADDING_UP:
            return None
        quantities = (Decimal(line.record["quantity"]) for line in pair.after)
        measured["quantity"] = plain(sum(quantities, ZERO))
    kept = {name: value for name, value in old.items() if name not in _MEASURED}
    _, converted = recompute({**kept, **measured})
    return converted


def _at_old_rate(before: Sequence[BilledLine], after: Sequence[BilledLine]) -> Decimal:
    """Return what the newer lines come to at the older conversion rate."""
    rate = before[0].record["conversionRate"]
    if all(Decimal(line.record["conversionRate"]) == Decimal(rate) for line in after):
        return _total(after)
    return sum((recompute({**line.record, "conversionRate": rate})[1] for line in after), ZERO)


def _of_plan_charge(pair: _Pair) -> Effect:
    """Standing charges and minimum spends of a plan, by what they were and are."""
    name = f"{_WORDS.get(pair.any.line_type, pair.any.name)} of {pair.any.plan_name or 'the plan'}"
    cause = Cause.PLAN if pair.any.line_type == LineType.STANDING_CHARGE else Cause.OTHER
    if pair.before and pair.after and _prices(pair.before) != _prices(pair.after):
        cause = Cause.PRICE
    return Effect(cause, pair.difference, f"{name}: {_each(pair)}")


def _each(pair: _Pair) -> str:
    return f"{_figure(_total(pair.after))} instead of {_figure(_total(pair.before))}"


def _figure(value: Decimal) -> str:
    """Write an amount with at least two places, and no more than it has."""
    places = max(PLACES_WITHOUT_SETTINGS, len(plain(value).partition(".")[2]))
    return f"{value:,.{places}f}"


def _usage_text(pair: _Pair, old: Decimal, new: Decimal) -> str:
    name, unit = pair.any.name, pair.any.unit
    if old == new:
        return f"Usage of {name} fell differently among the prices"
    verb = "rose" if new > old else "fell"
    return f"Usage of {name} {verb} by {_units_text(abs(new - old))} {unit}".rstrip()


def _units_text(value: Decimal) -> str:
    text = plain(value)
    return f"{value:,.{len(text.partition('.')[2])}f}"


def _price_text(pair: _Pair) -> str:
    old = _prices(pair.before)
    changed = [line.starts_at for line in pair.after if _price(line) not in old]
    since = f" from {min(changed):%Y-%m-%d}" if changed else ""
    return f"The price of {pair.any.name} changed{since}"


def _prices(lines: Sequence[BilledLine]) -> set[str]:
    return {_price(line) for line in lines}


def _price(line: BilledLine) -> str:
    """Return the price behind a line, without ids and what was measured with it."""
    record = line.record
    bands = [
        tuple(Decimal(band[name]) for name in ("lowerLimit", "fixedPrice", "unitPrice"))
        for band in record.get("bands", ())
    ]
    rules = record.get("pricing", {})
    aggregation = record.get("aggregation", {})
    facts: tuple[Any, ...] = (
        bands,
        rules.get("cumulative"),
        aggregation.get("quantityPerUnit"),
        aggregation.get("rounding"),
        record.get("amount"),
        Decimal(record.get("conversionRate", 1)),
    )
    return repr(facts)


def _joined(effects: Iterable[Effect]) -> list[Effect]:
    """Put effects of the same words together, and leave out those that move nothing."""
    sums: dict[tuple[Cause, str], Decimal] = defaultdict(Decimal)
    for effect in effects:
        sums[effect.cause, effect.text] += effect.amount
    return [Effect(cause, amount, text) for (cause, text), amount in sums.items() if amount]


def _units(lines: Iterable[BilledLine]) -> Decimal:
    return sum((line.units for line in lines), ZERO)


def _total(lines: Iterable[BilledLine]) -> Decimal:
    return sum((line.amount for line in lines), ZERO)


# What of a usage record was measured; all else is its price.
_MEASURED: Final = frozenset(
    {"quantity", "granted", "unitsBefore", "compound", "eventCount", "units"}
)
_ADDING_UP: Final = frozenset({"SUM", "COUNT"})
_USED: Final = frozenset({LineType.USAGE, LineType.USAGE_CREDIT})
_COUNTERS: Final = frozenset(
    {
        LineType.COUNTER_RUNNING_TOTAL_CHARGE,
        LineType.COUNTER_ADJUSTMENT_DEBIT,
        LineType.COUNTER_ADJUSTMENT_CREDIT,
    }
)
# Told together, as they come and go with the calendar and not with a price.
_FAMILY: Final[dict[str, str]] = {
    LineType.COMMITMENT_FEE: "Prepayment fees",
    LineType.COMMITMENT_CONSUMED: "Paid from prepayments",
    LineType.OVERAGE_SURCHARGE: "Usage beyond prepayments",
    LineType.OVERAGE_USAGE: "Usage beyond prepayments",
    LineType.BALANCE_FEE: "Balance fees",
    LineType.BALANCE_CONSUMED: "Paid from balances",
    LineType.AD_HOC: "Single charges",
    LineType.CREDIT_MEMO: "Credits",
    LineType.DEBIT_MEMO: "Debits",
    "CREDIT_DEDUCTION": "Credits",
    "MANUAL_ADJUSTMENT": "Adjustments",
}
_WORDS: Final[dict[str, str]] = {
    LineType.STANDING_CHARGE: "Standing charge",
    LineType.MINIMUM_SPEND: "Minimum spend",
    LineType.MINIMUM_SPEND_REFUND: "Refund of the minimum spend",
}
