"""What the steps hand to each other: account plans as they bear on the bill, and line drafts.

A draft is a line item before conversion and numbering. Its subtotal is rounded already (MON-5 a),
because minimum spends compare with what the customer really sees.
"""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import msgspec

from billing.rating.bands import Portion
from billing.rating.inputs import (
    AccountPlanTerm,
    Aggregation,
    ChildBilling,
    Pool,
    PricingTerm,
    RatingInput,
    Segment,
)
from billing.rating.lines import LineType
from billing.rating.movements import Movement
from billing.rating.schedule import BillingPeriod, DayShare, PlanSchedule
from billing.rating.subjects import Attribution, Subject, SubjectKind
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
    currency with its rounding. ``attribution`` is that of every line of the plan.
    """

    term: AccountPlanTerm
    currency: Currency
    schedule: PlanSchedule
    ending: BillingPeriod | None
    starting: BillingPeriod | None
    attribution: Attribution

    @property
    def subject(self) -> Subject:
        """What is charged where it is the plan, or the plan group, as a whole."""
        if self.term.group is not None:
            return Subject(SubjectKind.PLAN_GROUP, self.term.group.id)
        return Subject(SubjectKind.PLAN, self.term.plan_id)

    def has(self, attribution: Attribution) -> bool:
        """Whether a line is of this account plan; the plans of a group share one (GRP-4)."""
        if attribution.account_plan_id != self.term.id:
            return False
        return self.term.plan_group_id is None or attribution.plan_id == self.term.plan_id

    def rounded(self, amount: Decimal, name: str) -> Decimal:
        """Round the subtotal of the line called ``name`` (MON-5 a); a refusal says which it was.

        Raises ``RoundingNotPermitted`` (MON-4) and ``AmountTooLarge``.
        """
        return rounded(amount, self.currency, name, self.attribution)


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A line item to be.

    ``facts`` open its calculation record and name its kind of record; ``portions`` are its band
    breakdown, charged for the days of ``shares`` where there are any. ``pricing`` is the price of
    an account plan that was applied, for steps that rate a part of the line again; ``aggregation``
    and ``segment`` say what was measured. ``movements`` are stored with the bill. ``pool`` says
    whose usage it is where accounts of a family are told apart.
    """

    line_type: LineType
    subject: Subject
    attribution: Attribution
    currency: Currency
    description: str
    subtotal: Decimal
    service_period: Period
    facts: dict[str, object]
    quantity: Decimal = ONE
    units: Decimal = ONE
    unit: str = ""
    portions: tuple[Portion, ...] = ()
    shares: tuple[DayShare, ...] = ()
    pricing: PricingTerm | None = None
    aggregation: Aggregation | None = None
    segment: Segment = ()
    movements: tuple[Movement, ...] = ()
    rate: Decimal | None = None
    pool: Pool | None = None

    @property
    def account_plan_id(self) -> UUID | None:
        return self.attribution.account_plan_id


def rounded(amount: Decimal, currency: Currency, name: str, attribution: Attribution) -> Decimal:
    """Round the subtotal of the line called ``name`` (MON-5 a); a refusal says which it was.

    Raises ``RoundingNotPermitted`` (MON-4) and ``AmountTooLarge``.
    """
    try:
        return round_money(amount, currency)
    except (RoundingNotPermitted, AmountTooLarge) as refusal:
        raise refusal.of(named(name, attribution)) from None


def named(name: str, attribution: Attribution) -> str:
    """Return a line in words: its name and its product's."""
    return f"{name} of {attribution.product.name}" if attribution.product else name


def plans_on_bill(bill: RatingInput) -> tuple[PlanOnBill, ...]:
    """Return the account plans of the bill with their billing periods (PER-3)."""
    return tuple(_plan_on_bill(bill, term) for term in bill.account_plans)


def _plan_on_bill(bill: RatingInput, term: AccountPlanTerm) -> PlanOnBill:
    schedule = PlanSchedule(term.cycle, term.period, bill.timezone, term.billed_to, term.begins)
    boundary = bill.key.boundary
    currency = bill.currencies.get(term.currency) or Currency(term.currency)
    family = term.family
    is_shown = family is not None and family.is_of_child and family.mode is ChildBilling.BREAKDOWN
    attribution = Attribution(
        account_id=term.account_id,
        child_account_id=term.account_id if is_shown else None,
        child_account_code=term.account_code if is_shown else None,
        account_plan_id=term.id,
        plan_id=term.plan_id,
        plan_group_id=term.plan_group_id,
        contract_id=term.contract_id,
        product=term.product,
    )
    return PlanOnBill(
        term,
        currency,
        schedule,
        schedule.ending(boundary),
        schedule.starting(boundary),
        attribution,
    )
