"""The record of a fixed amount charged by days (STC-4, MIN-7): of several kinds of lines."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from billing.rating import telling
from billing.rating.kinds.kind import RecordKind
from billing.rating.proration import prorate
from billing.rating.records import shares_facts
from billing.rating.schedule import DayShare
from billing.rating.telling import Facts, Step, Telling, days_of, figure
from organizations.kernel.money import plain


def facts(
    subject: str, amount: Decimal, shares: Sequence[DayShare], in_advance: bool
) -> dict[str, object]:
    """Return the facts; ``subject`` says what the amount is, as in "A subject of 20.00 USD"."""
    return {
        "kind": RECORD.name,
        "subject": subject,
        "amount": plain(amount),
        "inAdvance": in_advance,
        "shares": shares_facts(shares),
    }


def prorated(facts: Facts) -> Decimal:
    """Return the exact amount for the days of a record with ``amount`` and ``shares``."""
    return prorate(Decimal(facts["amount"]), days_of(facts))


def proration_step(facts: Facts) -> Step:
    """Return the row of the explanation that says how the days were counted."""
    fractions = " + ".join(f"{share.active_days}/{share.nominal_days}" for share in days_of(facts))
    return Step("By days", f"{facts['amount']} x ({fractions}) days", figure(prorated(facts)))


def _amount(facts: Facts) -> Decimal:
    """An advance stays at what the bill of its period has given back of it (``atLeast``)."""
    amount = prorated(facts)
    return max(amount, Decimal(facts["atLeast"])) if "atLeast" in facts else amount


def _story(facts: Facts) -> tuple[str, list[Step]]:
    when = "in advance" if facts["inAdvance"] else "in arrears"
    subject = facts["subject"]
    sentence = (
        f"A {subject} of {telling.money(facts, 'amount')}, billed {when} "
        f"for {telling.days_words(days_of(facts))}, comes to {telling.money(facts)}."
    )
    steps = [proration_step(facts)]
    if "atLeast" in facts:
        reckoning = "at least what the bill of the period leaves to pay"
        steps.append(Step("Given back already", reckoning, facts["atLeast"]))
    return sentence, steps


def _arithmetic(told: Telling) -> str:
    facts = told.facts
    kept = ""
    if "atLeast" in facts:
        kept = (
            f", but at least {told.fact('atLeast')}, because the bill of the period "
            "has given it back"
        )
    days = telling.shares_text(facts["shares"])
    return f"{told.fact('amount')} x {days}{kept} = {told.subtotal()}"


RECORD: Final = RecordKind("prorated", _amount, _story, _arithmetic)
