"""A line from its calculation record alone: the amounts again, or the story in words.

``recompute`` reads only the record, never today's prices, so a difference from the stored line
means that one of the two was changed. ``explain_record`` tells the same steps to a person. What
differs between kinds of records is in ``kinds``.
"""

from __future__ import annotations

from decimal import Decimal

from billing.rating import kinds
from billing.rating.lines import Record
from billing.rating.records import currency_of
from billing.rating.telling import Explanation, Facts, Step, amount, count, money
from organizations.kernel.money import convert, round_money, working_precision


def recompute(calculation: Record) -> tuple[Decimal, Decimal]:
    """Return subtotal and converted subtotal, calculated again from the record (MON-5).

    Raises ``KeyError`` for a record of an unknown kind or with a fact missing.
    """
    facts: Facts = calculation
    with working_precision():
        exact = kinds.record(facts["kind"]).amount(facts)
        subtotal = round_money(exact, currency_of(facts["currency"]))
        rate = Decimal(facts["conversionRate"])
        return subtotal, convert(subtotal, rate, currency_of(facts["billCurrency"]))


def explain_record(calculation: Record) -> Explanation:
    """Return the record as a sentence and a table; figures are those of the record."""
    facts: Facts = calculation
    with working_precision():
        sentence, steps = kinds.record(facts["kind"]).story(facts)
    return Explanation(sentence, (*steps, *_closing_steps(facts)))


def origin(calculation: Record) -> tuple[Step, ...]:
    """Return the steps in front of the story: the price, how it was measured."""
    facts: Facts = calculation
    return tuple(kinds.record(facts["kind"]).origin(facts))


def _closing_steps(facts: Facts) -> list[Step]:
    currency, bill_currency = facts["currency"], facts["billCurrency"]
    steps = [Step("Subtotal", _rounding_words(currency), money(facts))]
    if currency["code"] != bill_currency["code"]:
        reckoning = (
            f"{facts['subtotal']} x {facts['conversionRate']}, {_rounding_words(bill_currency)}"
        )
        result = amount(facts["convertedSubtotal"], bill_currency)
        steps.append(Step("In the bill's currency", reckoning, result))
    return steps


def _rounding_words(currency: Facts) -> str:
    places = count(currency["maxDecimalPlaces"], "decimal place")
    return f"rounded to {places} ({currency['roundingMode']})"
