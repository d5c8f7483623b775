"""Step: minimum spends and refunds of minimum spends billed in advance (billing.md 6).

Levels are nested (MIN-6): each Pricing first, then the Plan, which counts the pricing-level
top-ups as charges, so that no amount is counted twice. A Plan Group would be the third level and
count what the Plan level returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from billing.rating.drafts import Draft, PlanOnBill
from billing.rating.inputs import (
    AdvanceMinimum,
    ArrearsCharge,
    MinimumSpend,
    PricingTerm,
    RatingInput,
)
from billing.rating.lines import LineType
from billing.rating.proration import prorate
from billing.rating.records import pricing_facts, prorated_facts, refund_facts, top_up_facts
from billing.rating.usage import accounting_product_id
from organizations.kernel.money import ZERO, plain, round_money
from organizations.kernel.periods import DayRange, Period, local_date

# MIN-5: charges that count toward a minimum; standing charges and fees do not.
ELIGIBLE = frozenset(
    {
        LineType.USAGE,
        LineType.USAGE_CREDIT,
        LineType.OVERAGE_USAGE,
        LineType.COUNTER_RUNNING_TOTAL_CHARGE,
        LineType.COUNTER_ADJUSTMENT_DEBIT,
        LineType.COUNTER_ADJUSTMENT_CREDIT,
    }
)


@dataclass(frozen=True, slots=True)
class _Scope:
    """What one minimum spend covers: a whole plan, or one of its pricings."""

    plan: PlanOnBill
    pricing: PricingTerm | None
    minimum: MinimumSpend | None
    name: str
    accounting_product_id: UUID

    @property
    def pricing_id(self) -> UUID | None:
        return self.pricing.id if self.pricing else None


def assess_minimum_spends(
    bill: RatingInput, plans: Sequence[PlanOnBill], drafts: Sequence[Draft]
) -> list[Draft]:
    """Return the MINIMUM_SPEND and MINIMUM_SPEND_REFUND lines of the bill."""
    lines: list[Draft] = []
    for plan in plans:
        charges = [draft for draft in drafts if draft.plan is plan and draft.line_type in ELIGIBLE]
        eligible = sum((draft.subtotal for draft in charges), ZERO)
        of_pricings: list[Draft] = []
        for pricing in plan.term.pricings:
            if pricing.minimum_spend is None and not bill.advance_minimums:
                continue
            scope = _pricing_scope(plan, pricing)
            assessed, added = _assess_pricing(bill, scope, pricing, charges)
            of_pricings += assessed
            eligible += added
        lines += of_pricings
        lines += _assess_plan(bill, plan, eligible, of_pricings)
    return [line for line in lines if line.subtotal]


def _assess_pricing(
    bill: RatingInput, scope: _Scope, pricing: PricingTerm, charges: Sequence[Draft]
) -> tuple[list[Draft], Decimal]:
    """Return the lines of a pricing-level minimum, and what it adds to the plan's charges."""
    lines: list[Draft] = []
    added = ZERO
    for window in pricing.windows:
        days = _days(scope.plan, window.period)
        if not days.days:
            continue
        eligible = sum(
            (
                draft.subtotal
                for draft in charges
                if draft.pricing is pricing and draft.service_period == window.period
            ),
            ZERO,
        )
        line, advance = _settle(bill, scope, days, eligible)
        if line is not None:
            lines.append(line)
            added += advance + line.subtotal
    if pricing.minimum_spend is not None and pricing.minimum_spend.in_advance:
        for coming in pricing.coming:
            days = _days(scope.plan, coming)
            if days.days:
                lines += _advance(bill, scope, pricing.minimum_spend, days)
    return lines, added


def _assess_plan(
    bill: RatingInput, plan: PlanOnBill, eligible: Decimal, of_pricings: Sequence[Draft]
) -> list[Draft]:
    """Return the lines of a plan-level minimum: settled for the past, advanced for the next.

    ``of_pricings`` are the lines of the pricing-level minimums on this bill.
    """
    scope = _plan_scope(plan)
    lines: list[Draft] = []
    if plan.ending is not None:
        line, _ = _settle(bill, scope, plan.ending.active, eligible)
        if line is not None:
            lines.append(line)
    if plan.starting is not None and scope.minimum is not None and scope.minimum.in_advance:
        days = plan.starting.active
        coming = days.to_period(plan.schedule.zone)
        inner = (
            line.subtotal for line in of_pricings if coming.contains(line.service_period.start)
        )
        lines += _advance(bill, scope, scope.minimum, days, inner=sum(inner, ZERO))
    return lines


def _settle(
    bill: RatingInput, scope: _Scope, days: DayRange, eligible: Decimal
) -> tuple[Draft | None, Decimal]:
    """Return the line that settles a past period, and what was billed for it in advance.

    MIN-3: only an advance line that really exists is refunded, whatever the flags say now.
    Without one the customer still owes the minimum, so the shortfall is billed (MIN-2).
    """
    period = days.to_period(scope.plan.schedule.zone)
    advances = _advances(bill.advance_minimums, scope, period)
    if advances:
        advance = sum((fact.amount for fact in advances), ZERO)
        excess = _excess(scope, days, advances, advance, eligible)
        return _refund(scope, period, advance, eligible, excess), advance
    if scope.minimum is None:
        return None, ZERO
    return _top_up(scope, scope.minimum, days, eligible), ZERO


def _advances(
    facts: Iterable[AdvanceMinimum], scope: _Scope, period: Period
) -> list[AdvanceMinimum]:
    """Find by where the advance began: its end may have moved since, with the plan's (DAT-6)."""
    return [
        fact
        for fact in facts
        if fact.account_plan_id == scope.plan.term.id
        and fact.pricing_id == scope.pricing_id
        and period.contains(fact.period.start)
    ]


def _top_up(scope: _Scope, minimum: MinimumSpend, days: DayRange, eligible: Decimal) -> Draft:
    shares = scope.plan.schedule.shares(days)
    amount = max(ZERO, prorate(minimum.amount, shares) - eligible)
    facts = top_up_facts(minimum.amount, shares, eligible)
    return _draft(LineType.MINIMUM_SPEND, scope, amount, _period(scope, days), facts)


def _excess(
    scope: _Scope,
    days: DayRange,
    advances: Sequence[AdvanceMinimum],
    advance: Decimal,
    eligible: Decimal,
) -> Decimal:
    """Return what an advance asks for above the minimum and the charges, to be given back too.

    It does so where it was calculated after the bill of its period (``_still_owed``). One on a
    locked bill, or from before the account plan was ended, is not corrected here (DAT-6).
    """
    is_final = any(fact.is_locked or _outlasts(fact, scope) for fact in advances)
    if scope.minimum is None or is_final:
        return ZERO
    due = prorate(scope.minimum.amount, scope.plan.schedule.shares(days))
    return max(ZERO, advance - max(round_money(due, scope.plan.currency), eligible))


def _outlasts(fact: AdvanceMinimum | ArrearsCharge, scope: _Scope) -> bool:
    """Whether it was calculated before the account plan was ended, for days that are gone now."""
    ends = scope.plan.term.period.end
    return ends is not None and fact.period.end is not None and fact.period.end > ends


def _advance(
    bill: RatingInput, scope: _Scope, minimum: MinimumSpend, days: DayRange, inner: Decimal = ZERO
) -> list[Draft]:
    """Return the advance line; none when a bill made before this one has settled the minimum.

    ``inner`` is what this bill asks for in advance at the levels inside the scope (MIN-6).
    """
    shares = scope.plan.schedule.shares(days)
    due = prorate(minimum.amount, shares)
    charged = _charged_in_arrears(bill, scope, days)
    if _is_settled(charged, scope, due):
        return []
    facts = prorated_facts("minimum spend", minimum.amount, shares, in_advance=True)
    amount = max(due, _still_owed(charged, scope, due, inner))
    if amount > due:
        facts["atLeast"] = plain(amount)
    return [_draft(LineType.MINIMUM_SPEND, scope, amount, _period(scope, days), facts)]


def _charged_in_arrears(bill: RatingInput, scope: _Scope, days: DayRange) -> list[ArrearsCharge]:
    """Return what the bill of the period, made before this one, carries for the account plan."""
    period = _period(scope, days)
    return [
        fact
        for fact in bill.arrears_charges
        if fact.account_plan_id == scope.plan.term.id and period.contains(fact.period.start)
    ]


def _is_settled(charged: Sequence[ArrearsCharge], scope: _Scope, due: Decimal) -> bool:
    """Say whether the bill of this period was made first, and asked for the minimum (INV-J).

    Without an advance it billed the shortfall, or the charges reached the minimum and nothing
    was given back for it. With one it never bills a shortfall, and gives back what is charged.
    """
    own = {fact.kind for fact in charged if fact.pricing_id == scope.pricing_id}
    if LineType.MINIMUM_SPEND in own:
        return True
    if LineType.MINIMUM_SPEND_REFUND in own:
        return False
    # A shortfall below what the currency can express was not billed either.
    asked = round_money(due, scope.plan.currency)
    return bool(charged) and _eligible(charged, scope) >= asked > ZERO


def _still_owed(
    charged: Sequence[ArrearsCharge], scope: _Scope, due: Decimal, inner: Decimal
) -> Decimal:
    """Return what is left to ask for where the bill of the period was made with an advance.

    An account plan that was ended since owes less in advance than that bill has given back of
    the old advance (DAT-6). Advance, charges and refund still make the larger of the minimum and
    the charges (INV-J). A bill that has itself to be calculated again for the end decides nothing.
    """
    refunds = [
        fact.amount
        for fact in charged
        if fact.kind == LineType.MINIMUM_SPEND_REFUND and fact.pricing_id == scope.pricing_id
    ]
    if not refunds or any(_outlasts(fact, scope) and not fact.is_locked for fact in charged):
        return ZERO
    eligible = inner + _eligible(charged, scope)
    return max(due, eligible) - eligible - sum(refunds, ZERO)


def _eligible(charged: Sequence[ArrearsCharge], scope: _Scope) -> Decimal:
    """Add up what counts toward the minimum of the scope (MIN-5, MIN-6)."""
    counted = (
        fact.amount
        for fact in charged
        if (fact.kind in ELIGIBLE or (scope.pricing is None and fact.pricing_id is not None))
        and scope.pricing_id in (None, fact.pricing_id)
    )
    return sum(counted, ZERO)


def _refund(
    scope: _Scope, period: Period, advance: Decimal, eligible: Decimal, excess: Decimal
) -> Draft:
    """MIN-4: give back the overlap of advance and charges; negative charges make it a charge."""
    amount = -min(advance, eligible) - excess
    facts = refund_facts(advance, eligible, excess)
    return _draft(LineType.MINIMUM_SPEND_REFUND, scope, amount, period, facts)


def _draft(
    line_type: LineType, scope: _Scope, amount: Decimal, period: Period, facts: dict[str, object]
) -> Draft:
    if scope.pricing is not None:
        facts["pricing"] = pricing_facts(scope.pricing)
    description = _description(scope, line_type)
    return Draft(
        line_type=line_type,
        plan=scope.plan,
        description=description,
        subtotal=scope.plan.rounded(amount, description),
        service_period=period,
        accounting_product_id=scope.accounting_product_id,
        facts=facts,
        pricing=scope.pricing,
    )


def _description(scope: _Scope, line_type: LineType) -> str:
    """MIN-9: the words given for the minimum, else the scope's name and what the line does."""
    if scope.minimum is not None and scope.minimum.description:
        return scope.minimum.description
    if line_type is LineType.MINIMUM_SPEND_REFUND:
        return f"{scope.name} Minimum Spend Refund"
    return f"{scope.name} Minimum Spend Adjustment"


def _plan_scope(plan: PlanOnBill) -> _Scope:
    product = plan.term.product
    minimum = plan.term.minimum_spend
    own = minimum.accounting_product_id if minimum is not None else None
    return _Scope(plan, None, minimum, product.name, own or product.id)


def _pricing_scope(plan: PlanOnBill, pricing: PricingTerm) -> _Scope:
    """The accounting product of a pricing-level minimum is that of its usage (15.5)."""
    return _Scope(
        plan,
        pricing,
        pricing.minimum_spend,
        pricing.aggregation.name,
        accounting_product_id(pricing, plan.term.product),
    )


def _days(plan: PlanOnBill, period: Period) -> DayRange:
    """Floor a window to days (PER-10); a window of the engine always has an end."""
    if period.end is None:
        raise ValueError("A window of a billing period has an end.")
    zone = plan.schedule.zone
    return DayRange(local_date(period.start, zone), local_date(period.end, zone))


def _period(scope: _Scope, days: DayRange) -> Period:
    return days.to_period(scope.plan.schedule.zone)
