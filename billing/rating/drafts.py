"""What the steps hand to each other: account plans as they bear on the bill, and line drafts.

A draft is a line item before conversion and numbering. Its subtotal is rounded already (MON-5 a),
because minimum spends compare with what the customer really sees.
"""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import msgspec

from billing.rating.bands import Portion
from billing.rating.inputs import AccountPlanTerm, PricingTerm, RatingInput, Segment
from billing.rating.lines import LineType
from billing.rating.schedule import BillingPeriod, PlanSchedule
from organizations.kernel.money import (
    ONE,
    AmountTooLarge,
    Currency,
    RoundingNotPermitted,
    round_money,
)
from organizations.kernel.periods import Period


class PlanOnBill(msgspec.Struct, frozen=True, gc=False):
    """One account plan with the period that this bill ends and the one that it opens.

    Both are ``None`` where the plan has no active day in them (DAT-5). ``currency`` is the pricing
    currency with its rounding.
    """

    term: AccountPlanTerm
    currency: Currency
    schedule: PlanSchedule
    ending: BillingPeriod | None
    starting: BillingPeriod | None

    def rounded(self, amount: Decimal, name: str) -> Decimal:
        """Round the subtotal of the line called ``name`` (MON-5 a); a refusal says which it was.

        Raises ``RoundingNotPermitted`` (MON-4) and ``AmountTooLarge``.
        """
        try:
            return round_money(amount, self.currency)
        except (RoundingNotPermitted, AmountTooLarge) as refusal:
            raise refusal.of(self.named(name)) from None

    def named(self, name: str) -> str:
        """Return a line in words: its name and its product's."""
        return f"{name} of {self.term.product.name}"


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A line item to be. ``facts`` open its calculation record; ``portions`` its band breakdown."""

    line_type: LineType
    plan: PlanOnBill
    description: str
    subtotal: Decimal
    service_period: Period
    accounting_product_id: UUID | None
    facts: dict[str, object]
    quantity: Decimal = ONE
    units: Decimal = ONE
    unit: str = ""
    pricing: PricingTerm | None = None
    portions: tuple[Portion, ...] = ()

    @property
    def segment(self) -> Segment:
        return () if self.pricing is None else self.pricing.segment


def plans_on_bill(bill: RatingInput) -> list[PlanOnBill]:
    """Return the account plans of the bill with their billing periods (PER-3)."""
    return [_plan_on_bill(bill, term) for term in bill.account_plans]


def _plan_on_bill(bill: RatingInput, term: AccountPlanTerm) -> PlanOnBill:
    schedule = PlanSchedule(term.cycle, term.period, bill.timezone)
    boundary = bill.key.boundary
    currency = bill.currencies.get(term.currency) or Currency(term.currency)
    return PlanOnBill(
        term, currency, schedule, schedule.ending(boundary), schedule.starting(boundary)
    )
