"""Usage that gives credit: lines below zero, capped by what else is charged (billing.md 3.4).

CRD-2, CRD-3: product credits first, capped by the other lines of their product; then global ones,
capped by those of the whole bill; each kind in order of the creation of its pricing. What is
capped away is lost. Minimum spends come after credits (18) and still belong to the cap: those
count that would be on the bill without any credit, to which credits can only add.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_DOWN, Decimal
from functools import lru_cache
from typing import Final

import msgspec

from billing.rating import telling
from billing.rating.accounts import Work
from billing.rating.drafts import Draft, PlanOnBill
from billing.rating.inputs import Band, PricingTerm, PricingType, UsageWindow
from billing.rating.kinds import minimum_spends, usage
from billing.rating.kinds.kind import LineKind, RecordKind
from billing.rating.lines import LineType
from billing.rating.telling import Facts, Step, Telling
from organizations.kernel.money import ZERO, Currency, plain

CAPPING: Final = frozenset(
    {
        LineType.USAGE,
        LineType.STANDING_CHARGE,
        LineType.COUNTER_RUNNING_TOTAL_CHARGE,
        LineType.COUNTER_ADJUSTMENT_DEBIT,
        LineType.COUNTER_ADJUSTMENT_CREDIT,
        LineType.MINIMUM_SPEND,
    }
)
_WORDS: Final = {
    PricingType.PRODUCT_CREDIT: "what else is charged for the product",
    PricingType.GLOBAL_CREDIT: "what else is charged on the bill",
}


def step(work: Work) -> Work:
    """Add the USAGE_CREDIT lines of the bill."""
    asked = sorted(_asked(work), key=lambda one: _order(one[1], one[2]))
    if not asked:
        return work
    charged = [draft for draft in minimum_spends.step(work).drafts if draft.line_type in CAPPING]
    given: list[Draft] = []
    for plan, pricing, window in asked:
        draft = usage.rate_window(
            plan,
            msgspec.structs.replace(pricing, bands=_giving(pricing.bands)),
            window,
            LineType.USAGE_CREDIT,
        )
        if draft is not None:
            cap = _cap(work, pricing.type, draft, [*charged, *given])
            given.append(_capped(work, pricing.type, draft, cap))
    return work.plus(given)


def _asked(work: Work) -> Iterator[tuple[PlanOnBill, PricingTerm, UsageWindow]]:
    for plan in work.plans:
        for pricing in plan.term.pricings:
            if pricing.type is not PricingType.DEBIT:
                for window in pricing.windows:
                    yield plan, pricing, window


def _order(pricing: PricingTerm, window: UsageWindow) -> tuple[object, ...]:
    """Ids are in order of creation."""
    is_global = pricing.type is PricingType.GLOBAL_CREDIT
    return (is_global, pricing.id, window.period.start)


@lru_cache(maxsize=4096)
def _giving(bands: tuple[Band, ...]) -> tuple[Band, ...]:
    """Return the bands with prices below zero, whichever sign they were written with."""
    return tuple(
        Band(band.id, band.lower_limit, -abs(band.fixed_price), -abs(band.unit_price))
        for band in bands
    )


def _cap(work: Work, kind: PricingType, credit: Draft, lines: list[Draft]) -> Decimal:
    """Return what may be given at most, in the bill's currency; never below zero."""
    within = credit.attribution.product
    counted = (
        work.converted(line.subtotal, line.currency, work.bill.bill_currency)
        for line in lines
        if kind is PricingType.GLOBAL_CREDIT or line.attribution.product == within
    )
    return max(ZERO, sum(counted, ZERO))


def _capped(work: Work, kind: PricingType, draft: Draft, cap: Decimal) -> Draft:
    """Return the line with no more than the cap given back, and never anything charged."""
    asked, bill_currency = -draft.subtotal, work.bill.bill_currency
    given = max(ZERO, asked)
    if work.converted(given, draft.currency, bill_currency) > cap:
        given = _within(work, draft.currency, cap)
    facts = draft.facts | {
        "kind": RECORD.name,
        "cappedBy": _WORDS[kind],
        "cap": plain(cap),
        "capCurrency": bill_currency.code,
    }
    if given != asked:
        facts["given"] = plain(given)
    return msgspec.structs.replace(draft, subtotal=ZERO - given, facts=facts)


def _within(work: Work, currency: Currency, cap: Decimal) -> Decimal:
    """Return the largest amount of a currency that is no more than the cap when converted."""
    bill_currency = work.bill.bill_currency
    if currency == bill_currency:
        return cap
    smallest = Decimal(1).scaleb(-currency.max_decimal_places)
    rate = work.rate(currency.code, bill_currency.code)
    amount = (cap / rate).quantize(smallest, ROUND_DOWN)
    while amount > 0 and work.converted(amount, currency, bill_currency) > cap:
        amount -= smallest
    return max(ZERO, amount)


# The record and what is told of it -------------------------------------------------------------


def _amount(facts: Facts) -> Decimal:
    return -Decimal(facts["given"]) if "given" in facts else usage.RECORD.amount(facts)


def _cap_text(facts: Facts) -> str:
    return f"{facts['cap']} {facts['capCurrency']}"


def _story(facts: Facts) -> tuple[str, list[Step]]:
    _, steps = usage.RECORD.story(facts)
    aggregation = facts["aggregation"]
    units = f"{facts['units']} {aggregation['unit']}"
    sentence = (
        f"{units} of {aggregation['name']} give a credit of {telling.money(facts)}, "
        f"at most {facts['cappedBy']}: {_cap_text(facts)}."
    )
    result = facts.get("given", "not reached")
    return sentence, [*steps, Step("At most", f"{facts['cappedBy']}: {_cap_text(facts)}", result)]


def _arithmetic(told: Telling) -> str:
    terms, exact = usage.bands_arithmetic(told)
    if "given" not in told.facts:
        return f"{terms} = {told.rounded(exact)}"
    return (
        f"{terms} = {telling.figure(exact)}, but no more than {told.facts['cappedBy']} "
        f"({_cap_text(told.facts)}) = {told.subtotal()}"
    )


RECORD: Final = RecordKind("usage-credit", _amount, _story, _arithmetic, usage.RECORD.origin)
KIND: Final = LineKind("credits", step, (LineType.USAGE_CREDIT,), (RECORD,))
