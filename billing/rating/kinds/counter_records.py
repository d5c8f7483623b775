"""The records of counters: a running total, and a change of the number of units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from billing.rating import band_rows, bands, counting, telling
from billing.rating.inputs import Band, CounterPricingTerm
from billing.rating.kinds.kind import RecordKind
from billing.rating.records import band_facts, bands_of, shares_facts
from billing.rating.schedule import DayShare
from billing.rating.telling import Facts, Step, Telling, days_of, figure
from organizations.kernel.money import plain
from organizations.kernel.wording import counted


def total_facts(
    price: CounterPricingTerm, held: int, day: date, shares: Sequence[DayShare]
) -> dict[str, object]:
    """Return the facts of what was held before a day."""
    return {
        "kind": TOTAL.name,
        **_price_facts(price),
        "from": "0",
        "to": str(held),
        "date": day.isoformat(),
        "inAdvance": price.running_total_in_advance,
        "shares": shares_facts(shares),
    }


def change_facts(
    price: CounterPricingTerm, held: int, now: int, day: date, shares: Sequence[DayShare]
) -> dict[str, object]:
    """Return the facts of an adjustment on a day."""
    return {
        "kind": CHANGE.name,
        **_price_facts(price),
        "from": str(held),
        "to": str(now),
        "date": day.isoformat(),
        "shares": shares_facts(shares),
    }


def _price_facts(price: CounterPricingTerm) -> dict[str, object]:
    counter = price.counter
    return {
        "pricing": {
            "id": str(price.id),
            "version": price.version,
            "cumulative": price.cumulative,
        },
        "bands": band_facts(bands.ladder(price.bands)),
        "counter": {
            "id": str(counter.id),
            "name": counter.name,
            "code": counter.code,
            "unit": counter.unit,
        },
    }


@dataclass(frozen=True, slots=True)
class _Price:
    """The price of a record."""

    bands: tuple[Band, ...]
    cumulative: bool


def _portions(facts: Facts) -> list[bands.Portion]:
    price = _Price(bands_of(facts), facts["pricing"]["cumulative"])
    return counting.portions(int(facts["from"]), int(facts["to"]), price)


def _amount(facts: Facts) -> Decimal:
    return counting.charged(_portions(facts), days_of(facts))


def _steps(facts: Facts, first: Step) -> list[Step]:
    """Return the given row, one for each band, and how the days were counted."""
    portions = _portions(facts)
    steps = [first]
    steps += [
        Step(f"Band above {plain(row.lower_limit)}", row.reckoning(figure, plain),
             figure(row.amount))
        for row in band_rows.of_portions(portions)
    ]  # fmt: skip
    if facts["shares"]:
        reckoning = f"{figure(bands.charge(portions))} x {telling.shares_text(facts['shares'])}"
        steps.append(Step("By days", reckoning, figure(_amount(facts))))
    return steps


def _days_words(facts: Facts) -> str:
    if not facts["shares"]:
        return "in full, whatever the days"
    return f"for {telling.days_words(days_of(facts))}"


def _total_story(facts: Facts) -> tuple[str, list[Step]]:
    counter, when = facts["counter"], "in advance" if facts["inAdvance"] else "in arrears"
    held = f"{facts['to']} {counter['unit']}"
    sentence = (
        f"{held} of {counter['name']} held before {facts['date']}, billed {when} "
        f"{_days_words(facts)}, come to {telling.money(facts)}."
    )
    return sentence, _steps(facts, Step("Held", f"before {facts['date']}", held))


def _change_story(facts: Facts) -> tuple[str, list[Step]]:
    counter = facts["counter"]
    sentence = (
        f"{counter['name']} went from {facts['from']} to {facts['to']} {counter['unit']} on "
        f"{facts['date']}; the difference, charged {_days_words(facts)}, "
        f"comes to {telling.money(facts)}."
    )
    change = Step("Change", f"{facts['from']} to {facts['to']}, on {facts['date']}", _sign(facts))
    return sentence, _steps(facts, change)


def _sign(facts: Facts) -> str:
    difference = int(facts["to"]) - int(facts["from"])
    return f"{difference:+,} {facts['counter']['unit']}"


def _arithmetic(told: Telling) -> str:
    facts = told.facts
    rows = band_rows.of_portions(_portions(facts))
    terms = [row.reckoning(told.number, told.money) for row in rows]
    terms[:1] = [_with_unit(told, rows[0])] if rows else ["0"]
    whole = " + ".join(terms)
    if any(share["activeDays"] != share["nominalDays"] for share in facts["shares"]):
        whole = f"({whole})" if len(terms) > 1 or rows[0].fixed else whole
        whole = f"{whole} x {telling.shares_text(facts['shares'])}"
    return f"{whole} = {told.rounded(_amount(facts))}"


def _with_unit(told: Telling, row: band_rows.BandRow) -> str:
    return row.reckoning(
        lambda units: telling.with_unit(told.number(units), told.line.unit), told.money
    )


def _origin(facts: Facts) -> list[Step]:
    price = telling.pricing_text(facts["pricing"])
    return [Step("Price", price, counted(len(facts["bands"]), "bands"))]


TOTAL: Final = RecordKind("counter-total", _amount, _total_story, _arithmetic, _origin)
CHANGE: Final = RecordKind("counter-change", _amount, _change_story, _arithmetic, _origin)
