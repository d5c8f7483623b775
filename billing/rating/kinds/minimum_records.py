"""The records of minimum spends: the shortfall billed in arrears, the refund of an advance."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from billing.rating import telling
from billing.rating.kinds.by_days import prorated, proration_step
from billing.rating.kinds.kind import RecordKind
from billing.rating.records import shares_facts
from billing.rating.schedule import DayShare
from billing.rating.telling import Facts, Step, Telling, days_of, figure, money
from organizations.kernel.money import ZERO, plain


def top_up_facts(
    amount: Decimal, shares: Sequence[DayShare], eligible: Decimal
) -> dict[str, object]:
    """Return the facts of a minimum spend assessed at the end of its period (MIN-2)."""
    return {
        "kind": TOP_UP.name,
        "subject": "minimum spend",
        "amount": plain(amount),
        "shares": shares_facts(shares),
        "eligible": plain(eligible),
    }


def refund_facts(advance: Decimal, eligible: Decimal, excess: Decimal = ZERO) -> dict[str, object]:
    """Return the facts of the return of a minimum spend billed in advance (MIN-3).

    ``excess``, rarely there, is what the advance asks for above what is due for the period now.
    """
    facts: dict[str, object] = {
        "kind": REFUND.name,
        "subject": "minimum spend",
        "advance": plain(advance),
        "eligible": plain(eligible),
    }
    return facts | {"excess": plain(excess)} if excess else facts


def _top_up_amount(facts: Facts) -> Decimal:
    return max(ZERO, prorated(facts) - Decimal(facts["eligible"]))


def _top_up_story(facts: Facts) -> tuple[str, list[Step]]:
    sentence = (
        f"The minimum spend of {money(facts, 'amount')} for "
        f"{telling.days_words(days_of(facts))}, less charges of {money(facts, 'eligible')}, "
        f"leaves {money(facts)} to pay."
    )
    due = figure(prorated(facts))
    shortfall = Step(
        "Shortfall", f"{due} - {facts['eligible']} charged", figure(_top_up_amount(facts))
    )
    return sentence, [proration_step(facts), shortfall]


def _top_up_arithmetic(told: Telling) -> str:
    days = telling.shares_text(told.facts["shares"])
    return (
        f"{told.fact('amount')} minimum spend x {days} "
        f"- {told.fact('eligible')} charged = {told.subtotal()}"
    )


def _refund_amount(facts: Facts) -> Decimal:
    overlap = min(Decimal(facts["advance"]), Decimal(facts["eligible"]))
    return -overlap - Decimal(facts.get("excess", ZERO))


def _refund_story(facts: Facts) -> tuple[str, list[Step]]:
    sentence = (
        f"The minimum spend of {money(facts, 'advance')} was billed in advance; charges of "
        f"{money(facts, 'eligible')} count toward it, so the smaller of the two is given back."
    )
    reckoning = f"the smaller of {facts['advance']} and {facts['eligible']}"
    if "excess" in facts:
        reckoning = f"{reckoning}, and {facts['excess']} above the minimum"
    return sentence, [Step("Refund", reckoning, figure(_refund_amount(facts)))]


def _refund_arithmetic(told: Telling) -> str:
    excess = ""
    if "excess" in told.facts:
        excess = f", with {told.fact('excess')} asked for above the minimum "
    return (
        f"{told.fact('advance')} minimum spend was billed in advance and "
        f"{told.fact('eligible')} charged: the smaller is given back{excess or ' '}"
        f"= {told.subtotal()}"
    )


TOP_UP: Final = RecordKind("top-up", _top_up_amount, _top_up_story, _top_up_arithmetic)
REFUND: Final = RecordKind("refund", _refund_amount, _refund_story, _refund_arithmetic)
