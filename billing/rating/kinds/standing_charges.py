"""Standing charges, in advance or in arrears, by days (billing.md 5)."""

from __future__ import annotations

from typing import Final

from billing.rating.accounts import Work
from billing.rating.drafts import Draft, PlanOnBill
from billing.rating.inputs import StandingCharge
from billing.rating.kinds import by_days
from billing.rating.kinds.kind import LineKind
from billing.rating.lines import LineType
from billing.rating.proration import prorate
from billing.rating.schedule import BillingPeriod


def step(work: Work) -> Work:
    """Add the STANDING_CHARGE lines of the bill."""
    lines = []
    for plan in work.plans:
        charge = plan.term.standing_charge
        if charge is None:
            continue
        for period in due_periods(plan, charge.in_advance):
            if is_charged(charge, period.number):
                lines.append(_standing_charge(plan, charge, period))
    return work.plus(line for line in lines if line.subtotal)


def due_periods(plan: PlanOnBill, in_advance: bool) -> list[BillingPeriod]:
    """Return the billing periods of the plan whose charge stands on this bill (DAT-1).

    A period without a bill on its first day (the plan started between boundaries) could not be
    billed in advance: this bill carries it together with the coming one (DAT-4).
    """
    if not in_advance:
        return [plan.ending] if plan.ending else []
    late = [plan.ending] if plan.ending and not plan.ending.opens_with_a_bill else []
    return late + ([plan.starting] if plan.starting else [])


def is_charged(charge: StandingCharge, number: int) -> bool:
    """Whether billing period ``number`` of the plan bears the charge (STC-2)."""
    return number >= charge.offset and (number - charge.offset) % charge.interval == 0


def _standing_charge(plan: PlanOnBill, charge: StandingCharge, period: BillingPeriod) -> Draft:
    shares = plan.schedule.shares(period.active)
    description = charge.description or "Standing Charge"
    return Draft(
        line_type=LineType.STANDING_CHARGE,
        subject=plan.subject,
        attribution=plan.attribution.accounted(charge.accounting_product_id),
        currency=plan.currency,
        description=description,
        subtotal=plan.rounded(prorate(charge.amount, shares), description),
        service_period=plan.schedule.service(period.active),
        facts=by_days.facts("standing charge", charge.amount, shares, charge.in_advance),
    )


KIND: Final = LineKind("standing charges", step, (LineType.STANDING_CHARGE,), (by_days.RECORD,))
