"""Grants: a balance in units, not in money, makes usage free before it is rated (BAL-15).

The currency of such a balance is called like the unit of what was measured. The line of usage
shows the whole quantity and the units that are left to rate; what was granted is drawn from the
balance, and is worth nothing on the bill.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from billing.rating import coverage
from billing.rating.account_terms import Credit, CreditWindow
from billing.rating.accounts import Work
from billing.rating.drafts import Draft, PlanOnBill
from billing.rating.inputs import PricingTerm, PricingType, UsageWindow
from billing.rating.kinds.kind import LineKind, RecordKind
from billing.rating.lines import LineType
from billing.rating.movements import Movement
from billing.rating.quantities import to_units
from billing.rating.subjects import Attribution, Subject, SubjectKind
from billing.rating.telling import Facts, Step, Telling
from organizations.kernel.money import ZERO, plain, round_money

MOVEMENT: Final = "balance"


def step(work: Work) -> Work:
    """Let grants take units out of the windows of usage, and add a line for each."""
    for credit in work.account.credits:
        if is_grant(work, credit):
            work = _grant(work, credit)
    return work


def is_grant(work: Work, credit: Credit) -> bool:
    """Whether a balance is in units that are measured on the bill."""
    if credit.subject.kind is not SubjectKind.BALANCE:
        return False
    if credit.currency == work.bill.bill_currency.code:
        return False
    return any(
        pricing.aggregation.unit == credit.currency
        for plan in work.plans
        if plan.term.currency != credit.currency
        for pricing in plan.term.pricings
    )


def _grant(work: Work, credit: Credit) -> Work:
    currency = work.currency(credit.currency)
    moved: list[Movement] = []
    given: list[tuple[str, Decimal]] = []
    plans = list(work.plans)
    for window in credit.windows:
        left = coverage.left(work, credit, window, moved)
        taken = ZERO
        for place, plan in enumerate(plans):
            pricings = []
            for pricing in plan.term.pricings:
                windows = []
                for one in pricing.windows:
                    units = ZERO
                    if _is_meant(credit, plan, pricing):
                        asked = _inside(pricing, one, window)
                        room = asked if credit.is_unlimited else min(asked, left - taken)
                        units = round_money(max(ZERO, room), currency)
                    if units:
                        taken += units
                        given.append((pricing.aggregation.name, units))
                        one = msgspec.structs.replace(one, granted=one.granted + units)
                    windows.append(one)
                pricings.append(msgspec.structs.replace(pricing, windows=tuple(windows)))
            term = msgspec.structs.replace(plan.term, pricings=tuple(pricings))
            plans[place] = msgspec.structs.replace(plan, term=term)
        if taken:
            part = Subject(credit.subject.kind, credit.subject.id, window.part)
            moved.append(Movement(MOVEMENT, part, taken, coverage.counts_at(work, window)))
    if not given:
        return work
    return work.with_plans(plans).plus([_draft(work, credit, given, moved)])


def _is_meant(credit: Credit, plan: PlanOnBill, pricing: PricingTerm) -> bool:
    product = plan.term.product
    return (
        pricing.type is PricingType.DEBIT
        and pricing.aggregation.unit == credit.currency
        and LineType.USAGE in credit.line_types
        and (not credit.product_ids or (product is not None and product.id in credit.product_ids))
        and credit.contract_id in (None, plan.attribution.contract_id)
    )


def _inside(pricing: PricingTerm, usage: UsageWindow, window: CreditWindow) -> Decimal:
    """Return the units of usage that fall into the window of the grant."""
    common = usage.period.intersect(window.period)
    if common is None or usage.quantity is None:
        return ZERO
    known = dict(usage.cuts)
    first = known.get(common.start) if common.start != usage.period.start else ZERO
    last = known.get(common.end) if common.end and common.end != usage.period.end else None
    ends_inside = common.end is not None and common.end != usage.period.end
    until = (last or ZERO) if ends_inside else usage.quantity
    units = _units(pricing, until) - _units(pricing, first or ZERO)
    return max(ZERO, min(units, _units(pricing, usage.quantity) - usage.granted))


def _units(pricing: PricingTerm, quantity: Decimal) -> Decimal:
    aggregation = pricing.aggregation
    return to_units(
        quantity, aggregation.quantity_per_unit, aggregation.rounding, name=aggregation.name
    )


def _draft(
    work: Work, credit: Credit, given: list[tuple[str, Decimal]], moved: list[Movement]
) -> Draft:
    total = sum((units for _, units in given), ZERO)
    return Draft(
        line_type=LineType.BALANCE_CONSUMED,
        subject=credit.subject,
        attribution=Attribution(work.bill.account_id, contract_id=credit.contract_id).accounted(
            *credit.accounting_product_ids
        ),
        currency=work.currency(credit.currency),
        description=credit.description,
        subtotal=-total,
        service_period=work.bill.period,
        facts={
            "kind": RECORD.name,
            "left": plain(work.left(credit.subject)),
            "granted": [{"usage": name, "units": plain(units)} for name, units in given],
        },
        movements=tuple(moved),
        rate=ZERO,
    )


def _amount(facts: Facts) -> Decimal:
    return -sum((Decimal(one["units"]) for one in facts["granted"]), ZERO)


def _story(facts: Facts) -> tuple[str, list[Step]]:
    code = facts["currency"]["code"]
    sentence = (
        f"The balance had {facts['left']} {code} left; {plain(-_amount(facts))} {code} of usage "
        "are free."
    )
    steps = [Step("Left before", "in the balance", facts["left"])]
    return sentence, steps + [Step("Free", one["usage"], one["units"]) for one in facts["granted"]]


def _arithmetic(told: Telling) -> str:
    parts = ", ".join(f"{one['units']} of {one['usage']}" for one in told.facts["granted"])
    return f"Free from {told.fact('left')} left in the balance: {parts} = {told.subtotal()}"


RECORD: Final = RecordKind("grant", _amount, _story, _arithmetic)
KIND: Final = LineKind("grants", step, (), (RECORD,))
