"""Step: standing charges, in advance or in arrears, by days (billing.md 5)."""

from __future__ import annotations

from collections.abc import Sequence

from billing.rating.drafts import Draft, PlanOnBill
from billing.rating.inputs import RatingInput, StandingCharge
from billing.rating.lines import LineType
from billing.rating.proration import prorate
from billing.rating.records import prorated_facts
from billing.rating.schedule import BillingPeriod


def charge_standing(
    bill: RatingInput, plans: Sequence[PlanOnBill], drafts: Sequence[Draft]
) -> list[Draft]:
    """Return the STANDING_CHARGE lines of the bill."""
    lines = []
    for plan in plans:
        charge = plan.term.standing_charge
        if charge is None:
            continue
        for period in due_periods(plan, charge.in_advance):
            if is_charged(charge, period.number):
                lines.append(_standing_charge(plan, charge, period))
    return [line for line in lines if line.subtotal]


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
        plan=plan,
        description=description,
        subtotal=plan.rounded(prorate(charge.amount, shares), description),
        service_period=period.active.to_period(plan.schedule.zone),
        accounting_product_id=charge.accounting_product_id or plan.term.product.id,
        facts=prorated_facts("standing charge", charge.amount, shares, charge.in_advance),
    )
