"""How calculations are told: steps, sentences and the words in them. Pure.

``Telling`` is a stored line about to be told: its facts, and how figures are written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Protocol

from billing.rating.inputs import QuantityRounding
from billing.rating.schedule import DayShare
from organizations.kernel.money import eighteen_places, plain

# Records come back from JSON; what they hold is checked by reading it.
Facts = Mapping[str, Any]

PLACES_WITHOUT_SETTINGS: Final = 2


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


class StoredLine(Protocol):
    """What is told of a row of the table of line items."""

    description: str
    unit: str
    subtotal: Decimal
    currency: str
    band_usage: Any
    calculation: Any


class WriteNumber(Protocol):
    """Writes an exact number with at least ``places`` decimals."""

    def __call__(self, value: Decimal, *, places: int = 0) -> str: ...


@dataclass(frozen=True, slots=True)
class Telling:
    """A stored line with a way of writing numbers."""

    line: StoredLine
    number: WriteNumber

    @property
    def facts(self) -> Facts:
        facts: Facts = self.line.calculation
        return facts

    def money(self, value: Decimal) -> str:
        """Write an amount with the places of the line's currency."""
        currency = self.facts.get("currency")
        places = currency["maxDecimalPlaces"] if currency else PLACES_WITHOUT_SETTINGS
        return self.number(value, places=places)

    def fact(self, name: str) -> str:
        """Write an amount of the record."""
        return self.money(Decimal(self.facts[name]))

    def amount(self, value: Decimal) -> str:
        """Write an amount in the line's currency, with its places and code."""
        return f"{self.money(value)} {self.line.currency}"

    def subtotal(self) -> str:
        """Write what the line comes to."""
        return self.amount(self.line.subtotal)

    def rounded(self, exact: Decimal) -> str:
        """Write a sum, and what it was rounded to where that is another figure."""
        if exact == self.line.subtotal:
            return self.subtotal()
        return f"{figure(exact)}, rounded to {self.subtotal()}"


def days_of(facts: Facts) -> list[DayShare]:
    """Return the shares of nominal periods that a record was charged for."""
    return [DayShare(share["activeDays"], share["nominalDays"]) for share in facts["shares"]]


def shares_text(shares: Sequence[Facts]) -> str:
    """Return ``15/30 days``, or ``(15/30 + 31/31) days`` for several nominal periods.

    Without shares nothing depends on days.
    """
    if not shares:
        return "in full"
    fractions = [f"{share['activeDays']}/{share['nominalDays']}" for share in shares]
    text = " + ".join(fractions)
    return f"({text}) days" if len(fractions) > 1 else f"{text} days"


def days_words(shares: Sequence[DayShare]) -> str:
    """Return ``30 days in full`` or ``15 of 30 days``."""
    active = sum(share.active_days for share in shares)
    if all(share.active_days == share.nominal_days for share in shares):
        return f"{count(active, 'day')} in full"
    return f"{active} of {count(sum(share.nominal_days for share in shares), 'day')}"


def money(facts: Facts, fact: str = "subtotal") -> str:
    """Write an amount of a record as on a bill: 1,250.00 USD."""
    return amount(facts[fact], facts["currency"])


def amount(text: str, currency: Facts) -> str:
    """Write an amount of a currency; what has more places than the currency keeps them."""
    places = max(currency["maxDecimalPlaces"], len(text.partition(".")[2]))
    return f"{Decimal(text):,.{places}f} {currency['code']}"


def count(number: int, noun: str) -> str:
    """Return ``1 day`` or ``2 days``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def figure(value: Decimal) -> str:
    """Write a number plainly, with no more places than are stored."""
    return plain(eighteen_places(value))


def with_unit(units: str, unit: str) -> str:
    """Return units with their label; one that begins with a number is multiplied by it."""
    if not unit:
        return units
    return f"{units} \N{MULTIPLICATION SIGN} {unit}" if unit[:1].isdigit() else f"{units} {unit}"


def pricing_text(pricing: Facts) -> str:
    """Return how a price reads its bands."""
    if pricing["cumulative"]:
        text = "each band's units at that band's price"
    else:
        text = "all units at the price of the band they reach"
    return f"{text}, counted since the plan started" if pricing.get("tiersSpanPlan") else text


def aggregation_text(aggregation: Facts) -> str:
    """Return how the quantity was measured and becomes units."""
    method = aggregation["method"] or "calculated"
    text = f"{method} of {aggregation['name']}, {aggregation['quantityPerUnit']} a unit"
    if aggregation.get("query"):
        text = f"{text}: {' '.join(aggregation['query'].split())}"
    rounding = QuantityRounding(aggregation["rounding"])
    return text if rounding is QuantityRounding.NONE else f"{text}, rounded {rounding.value}"


def counter_text(counter: Facts) -> str:
    """Return what was counted, in which unit."""
    return f"{counter['name']}, in {counter['unit']}"


def bands_text(bands: Sequence[Facts]) -> str:
    """Return ``above 0: 0.10; above 1000: 5 + 0.05``, a fixed price in front of the unit price."""
    return "; ".join(
        f"above {band['lowerLimit']}: "
        + (f"{band['fixedPrice']} + " if Decimal(band["fixedPrice"]) else "")
        + band["unitPrice"]
        for band in bands
    )


def rounding_text(currency: Facts) -> str:
    """Return how amounts of a currency are rounded."""
    return f"{currency['maxDecimalPlaces']} decimals, {currency['roundingMode']}"
