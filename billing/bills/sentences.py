"""A line's calculation as one sentence of arithmetic: ``1,000 tokens x 0.10 = 100.00 USD``.

Pure. The figures are those stored with the line; nothing is calculated again but their sum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from billing.bills.document.locales import DEFAULT, find
from billing.models import LineItem
from billing.rating import records
from organizations.kernel.money import ZERO, eighteen_places, plain, working_precision
from organizations.kernel.wording import counted

Facts = Mapping[str, Any]
# Reads like the rows below it, which are plain arithmetic.
_LOCALE: Final = replace(find(DEFAULT), minus="-")


def sentence(line: LineItem) -> str:
    """Return how the amount came about, down to the amount in the bill's currency."""
    with working_precision():
        if is_calculated(line):
            reason = _REASONS[line.calculation["kind"]](line)
        else:
            reason = f"{line.description}: {amount(line.subtotal, line)}"
        return f"{reason}{_conversion(line)}."


def is_calculated(line: LineItem) -> bool:
    """Whether a calculation made the line; memos are written by people."""
    return line.calculation.get("kind") in _REASONS


def amount(value: Decimal, line: LineItem) -> str:
    """Return an amount in the line's currency, with its places and code."""
    return f"{_money(value, line)} {line.currency}"


def shares_text(shares: list[Facts]) -> str:
    """Return ``15/30 days``, or ``(15/30 + 31/31) days`` for several nominal periods."""
    fractions = [f"{share['activeDays']}/{share['nominalDays']}" for share in shares]
    text = " + ".join(fractions)
    return f"({text}) days" if len(fractions) > 1 else f"{text} days"


def _usage(line: LineItem) -> str:
    terms = ""
    exact = ZERO
    for band in line.band_usage:
        units, price = Decimal(band["bandUnits"]), Decimal(band["unitPrice"])
        # Negative where units that were counted before are taken back (TSP-2).
        fixed = Decimal(band["bandSubtotal"]) - Decimal(band["unitSubtotal"])
        exact += units * price + fixed
        label = f" {line.unit}" if line.unit and not terms else ""
        terms += f"{' + ' if terms else ''}{_LOCALE.number(units)}{label} x {_money(price, line)}"
        if fixed:
            terms += f" {'-' if fixed < 0 else '+'} {_money(fixed.copy_abs(), line)} fixed"
    measured = counted(line.calculation["eventCount"], "measurements")
    return f"{terms} = {_rounded(exact, line)}, from {measured}"


def _prorated(line: LineItem) -> str:
    facts = line.calculation
    days = shares_text(facts["shares"])
    kept = ""
    if "atLeast" in facts:
        kept = (
            f", but at least {_fact(facts['atLeast'], line)}, because the bill of the period "
            "has given it back"
        )
    return f"{_fact(facts['amount'], line)} x {days}{kept} = {amount(line.subtotal, line)}"


def _top_up(line: LineItem) -> str:
    facts = line.calculation
    days = shares_text(facts["shares"])
    return (
        f"{_fact(facts['amount'], line)} minimum spend x {days} "
        f"- {_fact(facts['eligible'], line)} charged = {amount(line.subtotal, line)}"
    )


def _refund(line: LineItem) -> str:
    facts = line.calculation
    excess = ""
    if "excess" in facts:
        excess = f", with {_fact(facts['excess'], line)} asked for above the minimum "
    return (
        f"{_fact(facts['advance'], line)} minimum spend was billed in advance and "
        f"{_fact(facts['eligible'], line)} charged: the smaller is given back{excess or ' '}"
        f"= {amount(line.subtotal, line)}"
    )


def _rounded(exact: Decimal, line: LineItem) -> str:
    """Return the sum, and what it was rounded to where that is another figure."""
    if exact == line.subtotal:
        return amount(line.subtotal, line)
    return f"{plain(eighteen_places(exact))}, rounded to {amount(line.subtotal, line)}"


def _conversion(line: LineItem) -> str:
    bill_currency = line.calculation.get("billCurrency")
    if not bill_currency or bill_currency["code"] == line.currency:
        return ""
    places = bill_currency["maxDecimalPlaces"]
    converted = _LOCALE.number(line.converted_subtotal, places=places)
    rate = _LOCALE.number(line.conversion_rate)
    return f", x {rate} = {converted} {bill_currency['code']}"


def _fact(value: str, line: LineItem) -> str:
    return _money(Decimal(value), line)


def _money(value: Decimal, line: LineItem) -> str:
    currency = line.calculation.get("currency")
    return _LOCALE.number(value, places=currency["maxDecimalPlaces"] if currency else 2)


_REASONS: Final[Mapping[str, Callable[[LineItem], str]]] = {
    records.USAGE: _usage,
    records.PRORATED: _prorated,
    records.TOP_UP: _top_up,
    records.REFUND: _refund,
}
