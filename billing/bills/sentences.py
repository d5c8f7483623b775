"""A line's calculation as one sentence of arithmetic: ``1,000 tokens x 0.10 = 100.00 USD``.

Pure. The figures are those stored with the line; nothing is calculated again but their sum. What
is said in the middle is the business of the kind of record (``rating/kinds``).
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Final

from billing.bills import line_words
from billing.bills.document.locales import DEFAULT, find
from billing.models import LineItem
from billing.rating import kinds
from billing.rating.telling import Telling
from organizations.kernel.money import working_precision

# Reads like the rows below it, which are plain arithmetic.
_LOCALE: Final = replace(find(DEFAULT), minus="-")


def sentence(line: LineItem) -> str:
    """Return how the amount came about, down to the amount in the bill's currency."""
    told = Telling(line, _LOCALE.number)
    with working_precision():
        if is_calculated(line):
            reason = kinds.record(line.calculation["kind"]).arithmetic(told)
        else:
            reason = f"{line_words.description(line)}: {told.subtotal()}"
        return f"{reason}{_conversion(line)}."


def is_calculated(line: LineItem) -> bool:
    """Whether a calculation made the line; memos are written by people."""
    return kinds.is_record(line.calculation.get("kind"))


def amount(value: Decimal, line: LineItem) -> str:
    """Return an amount in the line's currency, with its places and code."""
    return Telling(line, _LOCALE.number).amount(value)


def _conversion(line: LineItem) -> str:
    bill_currency = line.calculation.get("billCurrency")
    if not bill_currency or bill_currency["code"] == line.currency:
        return ""
    places = bill_currency["maxDecimalPlaces"]
    converted = _LOCALE.number(line.converted_subtotal, places=places)
    rate = _LOCALE.number(line.conversion_rate)
    return f", x {rate} = {converted} {bill_currency['code']}"
