"""A line from its calculation record alone: the amounts again, or the story in words.

``recompute`` reads only the record, never today's prices, so a difference from the stored line
means that one of the two was changed. ``explain_record`` tells the same steps to a person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from billing.rating import bands, records
from billing.rating.inputs import Band, QuantityRounding
from billing.rating.lines import Record
from billing.rating.proration import prorate
from billing.rating.quantities import to_units
from billing.rating.schedule import DayShare
from organizations.kernel.money import (
    ZERO,
    Currency,
    RoundingMode,
    convert,
    eighteen_places,
    plain,
    round_money,
    working_precision,
)

# Records come back from JSON; what they hold is checked by reading it.
Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One row of an explanation: what, how it is reckoned, and what comes out."""

    label: str
    reckoning: str
    result: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a line came about: one sentence, then the steps in order."""

    sentence: str
    steps: tuple[Step, ...]


def recompute(calculation: Record) -> tuple[Decimal, Decimal]:
    """Return subtotal and converted subtotal, calculated again from the record (MON-5).

    Raises ``KeyError`` for a record of an unknown kind or with a fact missing.
    """
    facts: Facts = calculation
    with working_precision():
        subtotal = round_money(_AMOUNTS[facts["kind"]](facts), _currency(facts["currency"]))
        rate = Decimal(facts["conversionRate"])
        return subtotal, convert(subtotal, rate, _currency(facts["billCurrency"]))


def explain_record(calculation: Record) -> Explanation:
    """Return the record as a sentence and a table; figures are those of the record."""
    facts: Facts = calculation
    with working_precision():
        sentence, steps = _STORIES[facts["kind"]](facts)
    return Explanation(sentence, (*steps, *_closing_steps(facts)))


def _usage_amount(facts: Facts) -> Decimal:
    return bands.charge(_portions(facts))


def _portions(facts: Facts) -> list[bands.Portion]:
    aggregation = facts["aggregation"]
    units = to_units(
        Decimal(facts["quantity"]),
        Decimal(aggregation["quantityPerUnit"]),
        QuantityRounding(aggregation["rounding"]),
        name=aggregation["name"],
    )
    return bands.split(
        units,
        bands.ladder(tuple(_band(band) for band in facts["bands"])),
        cumulative=facts["pricing"]["cumulative"],
        spans_plan=facts["pricing"]["tiersSpanPlan"],
        before=Decimal(facts["unitsBefore"]),
    )


def _prorated_amount(facts: Facts) -> Decimal:
    return prorate(Decimal(facts["amount"]), _shares(facts))


def _billed_by_days(facts: Facts) -> Decimal:
    """An advance stays at what the bill of its period has given back of it (``atLeast``)."""
    amount = _prorated_amount(facts)
    return max(amount, Decimal(facts["atLeast"])) if "atLeast" in facts else amount


def _top_up_amount(facts: Facts) -> Decimal:
    return max(ZERO, _prorated_amount(facts) - Decimal(facts["eligible"]))


def _refund_amount(facts: Facts) -> Decimal:
    overlap = min(Decimal(facts["advance"]), Decimal(facts["eligible"]))
    return -overlap - Decimal(facts.get("excess", ZERO))


def _usage_story(facts: Facts) -> tuple[str, list[Step]]:
    aggregation = facts["aggregation"]
    units = f"{facts['units']} {aggregation['unit']}"
    portions = _portions(facts)
    sentence = (
        f"{units} of {aggregation['name']} from {_count(facts['eventCount'], 'measurement')}, "
        f"priced in {_count(len(portions), 'band')}, come to {_money(facts)}."
    )
    method = f"{aggregation['method'] or 'calculated'} of {aggregation['name']}"
    steps = [
        Step("Quantity", method, facts["quantity"]),
        Step("Units", _units_reckoning(facts), units),
    ]
    if facts["pricing"]["tiersSpanPlan"]:
        steps.append(Step("Rated before", "units since the plan started", facts["unitsBefore"]))
    return sentence, steps + [_band_step(portion) for portion in portions]


def _units_reckoning(facts: Facts) -> str:
    per_unit = facts["aggregation"]["quantityPerUnit"]
    rounding = _ROUNDING_WORDS[QuantityRounding(facts["aggregation"]["rounding"])]
    return f"{facts['quantity']} / {per_unit}, {rounding}"


def _band_step(portion: bands.Portion) -> Step:
    band, units, fixed_count = portion
    reckoning = f"{_figure(units)} x {plain(band.unit_price)}"
    if fixed_count and band.fixed_price:
        sign = "+" if fixed_count > 0 else "-"
        reckoning = f"{reckoning} {sign} {plain(band.fixed_price)} fixed"
    label = f"Band above {plain(band.lower_limit)}"
    return Step(label, reckoning, _figure(bands.charge([portion])))


def _prorated_story(facts: Facts) -> tuple[str, list[Step]]:
    when = "in advance" if facts["inAdvance"] else "in arrears"
    subject = facts["subject"]
    sentence = (
        f"A {subject} of {_money(facts, 'amount')}, billed {when} "
        f"for {_days_words(_shares(facts))}, comes to {_money(facts)}."
    )
    steps = [_proration_step(facts)]
    if "atLeast" in facts:
        reckoning = "at least what the bill of the period leaves to pay"
        steps.append(Step("Given back already", reckoning, facts["atLeast"]))
    return sentence, steps


def _top_up_story(facts: Facts) -> tuple[str, list[Step]]:
    sentence = (
        f"The minimum spend of {_money(facts, 'amount')} for {_days_words(_shares(facts))}, "
        f"less charges of {_money(facts, 'eligible')}, "
        f"leaves {_money(facts)} to pay."
    )
    due = _figure(_prorated_amount(facts))
    shortfall = Step(
        "Shortfall", f"{due} - {facts['eligible']} charged", _figure(_top_up_amount(facts))
    )
    return sentence, [_proration_step(facts), shortfall]


def _refund_story(facts: Facts) -> tuple[str, list[Step]]:
    sentence = (
        f"The minimum spend of {_money(facts, 'advance')} was billed in advance; charges of "
        f"{_money(facts, 'eligible')} count toward it, so the smaller of the two is given back."
    )
    reckoning = f"the smaller of {facts['advance']} and {facts['eligible']}"
    if "excess" in facts:
        reckoning = f"{reckoning}, and {facts['excess']} above the minimum"
    return sentence, [Step("Refund", reckoning, _figure(_refund_amount(facts)))]


def _proration_step(facts: Facts) -> Step:
    fractions = " + ".join(f"{share.active_days}/{share.nominal_days}" for share in _shares(facts))
    reckoning = f"{facts['amount']} x ({fractions}) days"
    return Step("By days", reckoning, _figure(_prorated_amount(facts)))


def _closing_steps(facts: Facts) -> list[Step]:
    currency, bill_currency = facts["currency"], facts["billCurrency"]
    steps = [Step("Subtotal", _rounding_words(currency), _money(facts))]
    if currency["code"] != bill_currency["code"]:
        reckoning = (
            f"{facts['subtotal']} x {facts['conversionRate']}, {_rounding_words(bill_currency)}"
        )
        result = _amount(facts["convertedSubtotal"], bill_currency)
        steps.append(Step("In the bill's currency", reckoning, result))
    return steps


def _rounding_words(currency: Facts) -> str:
    places = _count(currency["maxDecimalPlaces"], "decimal place")
    return f"rounded to {places} ({currency['roundingMode']})"


def _days_words(shares: Sequence[DayShare]) -> str:
    active = sum(share.active_days for share in shares)
    if all(share.active_days == share.nominal_days for share in shares):
        return f"{_count(active, 'day')} in full"
    return f"{active} of {_count(sum(share.nominal_days for share in shares), 'day')}"


def _money(facts: Facts, fact: str = "subtotal") -> str:
    return _amount(facts[fact], facts["currency"])


def _amount(text: str, currency: Facts) -> str:
    """Write money as on a bill, 1,250.00 USD; what has more places than the currency keeps them."""
    places = max(currency["maxDecimalPlaces"], len(text.partition(".")[2]))
    return f"{Decimal(text):,.{places}f} {currency['code']}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _figure(value: Decimal) -> str:
    return plain(eighteen_places(value))


def _shares(facts: Facts) -> list[DayShare]:
    return [DayShare(share["activeDays"], share["nominalDays"]) for share in facts["shares"]]


def _band(facts: Facts) -> Band:
    return Band(
        UUID(facts["id"]),
        Decimal(facts["lowerLimit"]),
        Decimal(facts["fixedPrice"]),
        Decimal(facts["unitPrice"]),
    )


def _currency(facts: Facts) -> Currency:
    return Currency(facts["code"], facts["maxDecimalPlaces"], RoundingMode(facts["roundingMode"]))


_ROUNDING_WORDS: Final = {
    QuantityRounding.UP: "rounded up",
    QuantityRounding.DOWN: "rounded down",
    QuantityRounding.NEAREST: "rounded to the nearest whole unit",
    QuantityRounding.NONE: "not rounded",
}
_AMOUNTS: Final[Mapping[str, Callable[[Facts], Decimal]]] = {
    records.USAGE: _usage_amount,
    records.PRORATED: _billed_by_days,
    records.TOP_UP: _top_up_amount,
    records.REFUND: _refund_amount,
}
_STORIES: Final[Mapping[str, Callable[[Facts], tuple[str, list[Step]]]]] = {
    records.USAGE: _usage_story,
    records.PRORATED: _prorated_story,
    records.TOP_UP: _top_up_story,
    records.REFUND: _refund_story,
}
