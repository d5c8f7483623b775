"""Minimum spends, and refunds of minimum spends billed in advance (billing.md 6).

Levels are nested (MIN-6): each Pricing first, then the Plan, which counts the pricing-level
top-ups as charges, so that no amount is counted twice. A Plan Group is the third level and counts
all that its plans are charged. What is owed for a scope and a period, less what the book says
was charged for it, is all there is to it; the records are in ``minimum_records``.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from billing.rating.accounts import Work
from billing.rating.book import BilledCharge
from billing.rating.drafts import Draft, PlanOnBill
from billing.rating.inputs import MinimumSpend, PlanGroup, PricingTerm
from billing.rating.kinds import by_days
from billing.rating.kinds import minimum_records as records
from billing.rating.kinds import minimum_scopes as scopes
from billing.rating.kinds.kind import LineKind
from billing.rating.kinds.minimum_scopes import ELIGIBLE, Scope, total
from billing.rating.lines import LineType
from billing.rating.records import pricing_facts
from organizations.kernel.money import ZERO, plain, round_money
from organizations.kernel.periods import DayRange, Period, local_date


def step(work: Work) -> Work:
    """Add the MINIMUM_SPEND and MINIMUM_SPEND_REFUND lines of the bill."""
    lines: list[Draft] = []
    has_advances = any(charge.in_advance for charge in work.book.charges)
    for plan in work.plans:
        if plan.term.group is None:
            lines += _of_plan(work, plan, has_advances)
    whole = work.plus(line for line in lines if line.subtotal)
    of_groups = (
        line
        for plan in work.plans
        if plan.term.group is not None
        for line in _of_group(whole, plan, plan.term.group)
    )
    return whole.plus(line for line in of_groups if line.subtotal)


def _of_plan(work: Work, plan: PlanOnBill, has_advances: bool) -> list[Draft]:
    """Return the lines of a plan: of its pricings first, then its own (MIN-6)."""
    charges = [
        draft
        for draft in work.drafts
        if draft.line_type in ELIGIBLE and plan.has(draft.attribution)
    ]
    ahead = total(draft for draft in charges if _is_ahead(work, draft))
    eligible = total(charges) - ahead
    lines: list[Draft] = []
    for pricing in plan.term.pricings:
        if pricing.minimum_spend is None and not has_advances:
            continue
        assessed, added = _assess_pricing(scopes.of_pricing(work, plan, pricing), pricing, charges)
        lines += assessed
        eligible += added
    inner = ahead
    if plan.starting is not None:
        coming = plan.starting.active.to_period(plan.schedule.zone)
        inner += total(line for line in lines if coming.contains(line.service_period.start))
    scope = scopes.of_plan(work, plan)
    if plan.ending is not None:
        paid = scope.charged(scope.period(plan.ending.active), in_advance=True)
        eligible += total(one for one in paid if one.line_type in ELIGIBLE)
    return lines + _assess(scope, eligible, inner, ahead)


def _of_group(work: Work, plan: PlanOnBill, group: PlanGroup) -> list[Draft]:
    """Return the lines of a plan group, which counts all that its plans are charged (GRP-3)."""
    scope = scopes.of_plan(work, plan)
    if scope.minimum is None and not work.book.of_subject(scope.subject):
        return []
    lines = [draft for draft in work.drafts if draft.account_plan_id == plan.term.id]
    ahead = [draft for draft in lines if _is_ahead(work, draft)]
    inner = scopes.of_group(work, group, plan.currency, ahead)
    eligible = ZERO
    if plan.ending is not None:
        period = scope.period(plan.ending.active)
        charged: list[Draft | BilledCharge] = [
            one for one in lines if period.contains(one.service_period.start)
        ]
        charged += scope.charged(period, in_advance=True)
        charged += scope.charged(period, in_advance=False)
        eligible = scopes.of_group(work, group, plan.currency, charged)
    return _assess(scope, eligible, inner, inner)


def _is_ahead(work: Work, draft: Draft) -> bool:
    """Whether the line is for the period to come, as a counter's running total in advance."""
    closes = work.bill.period.end
    return closes is not None and draft.service_period.start >= closes


def _assess_pricing(
    scope: Scope, pricing: PricingTerm, charges: Sequence[Draft]
) -> tuple[list[Draft], Decimal]:
    """Return the lines of a pricing-level minimum, and what it adds to the plan's charges."""
    lines: list[Draft] = []
    added = ZERO
    for window in pricing.windows:
        days = _days(scope.plan, window.period)
        if not days.days:
            continue
        eligible = total(
            draft
            for draft in charges
            if draft.attribution.pricing_id == pricing.id
            and draft.segment == pricing.segment
            and draft.service_period == window.period
        )
        line, advance = _settle(scope, days, eligible)
        if line is not None:
            lines.append(line)
            added += advance + line.subtotal
    if scope.minimum is not None and scope.minimum.in_advance:
        for coming in pricing.coming:
            days = _days(scope.plan, coming)
            if days.days:
                lines += _advance(scope, scope.minimum, days)
    return lines, added


def _assess(scope: Scope, eligible: Decimal, inner: Decimal, ahead: Decimal) -> list[Draft]:
    """Return the lines of a plan or group: settled for the past, advanced for the next.

    ``eligible`` counts toward the minimum of the period that ends; ``inner`` and ``ahead`` are
    those of ``_advance``.
    """
    plan, lines = scope.plan, []
    if plan.ending is not None:
        line, _ = _settle(scope, plan.ending.active, eligible)
        if line is not None:
            lines.append(line)
    if plan.starting is not None and scope.minimum is not None and scope.minimum.in_advance:
        lines += _advance(scope, scope.minimum, plan.starting.active, inner, ahead)
    return lines


def _settle(scope: Scope, days: DayRange, eligible: Decimal) -> tuple[Draft | None, Decimal]:
    """Return the line that settles a past period, and what was billed for it in advance.

    MIN-3: only an advance line that really exists is refunded, whatever the flags say now.
    Without one the customer still owes the minimum, so the shortfall is billed (MIN-2).
    """
    period = scope.period(days)
    advances = [
        charge
        for charge in scope.charged(period, in_advance=True)
        if charge.line_type == LineType.MINIMUM_SPEND and charge.subject == scope.subject
    ]
    if advances:
        advance = total(advances)
        excess = _excess(scope, days, advances, advance, eligible)
        facts = records.refund_facts(advance, eligible, excess)
        # MIN-4: give back the overlap; charges below zero make it a charge.
        amount = -min(advance, eligible) - excess
        return _draft(LineType.MINIMUM_SPEND_REFUND, scope, amount, period, facts), advance
    if scope.minimum is None:
        return None, ZERO
    shares = scope.plan.schedule.shares(days)
    amount = max(ZERO, scope.due(scope.minimum, days) - eligible)
    facts = records.top_up_facts(scope.minimum.amount, shares, eligible)
    return _draft(LineType.MINIMUM_SPEND, scope, amount, period, facts), ZERO


def _excess(
    scope: Scope,
    days: DayRange,
    advances: Sequence[BilledCharge],
    advance: Decimal,
    eligible: Decimal,
) -> Decimal:
    """Return what an advance asks for above the minimum and the charges, to be given back too.

    It does so where it was calculated after the bill of its period (``_still_owed``). One on a
    locked bill, or from before the account plan was ended, is not corrected here (DAT-6).
    """
    is_final = any(charge.is_locked or _outlasts(charge, scope) for charge in advances)
    if scope.minimum is None or is_final:
        return ZERO
    due = round_money(scope.due(scope.minimum, days), scope.plan.currency)
    return max(ZERO, advance - max(due, eligible))


def _advance(
    scope: Scope,
    minimum: MinimumSpend,
    days: DayRange,
    inner: Decimal = ZERO,
    ahead: Decimal = ZERO,
) -> list[Draft]:
    """Return the advance line; none when a bill made before this one has settled the minimum.

    ``inner`` is what this bill charges in advance inside the scope (MIN-6); ``ahead`` is the part
    of it that is no minimum spend.
    """
    due, period = scope.due(minimum, days), scope.period(days)
    charged = scope.charged(period, in_advance=False)
    if _is_settled(charged, scope, due, ahead):
        return []
    shares = scope.plan.schedule.shares(days)
    facts = by_days.facts("minimum spend", minimum.amount, shares, in_advance=True)
    amount = max(due, _still_owed(charged, scope, due, inner))
    if amount > due:
        facts["atLeast"] = plain(amount)
    return [_draft(LineType.MINIMUM_SPEND, scope, amount, period, facts)]


def _is_settled(
    charged: Sequence[BilledCharge], scope: Scope, due: Decimal, ahead: Decimal
) -> bool:
    """Say whether the bill of this period was made first, and asked for the minimum (INV-J).

    Without an advance it billed the shortfall, or the charges reached the minimum and nothing
    was given back for it. With one it never bills a shortfall, and gives back what is charged.
    """
    own = {charge.line_type for charge in charged if charge.subject == scope.subject}
    if LineType.MINIMUM_SPEND in own:
        return True
    if LineType.MINIMUM_SPEND_REFUND in own:
        return False
    if not scope.is_settled_by_charges:
        return False
    # A shortfall below what the currency can express was not billed either.
    asked = round_money(due, scope.plan.currency)
    return bool(charged) and ahead + scope.eligible(charged) >= asked > ZERO


def _still_owed(
    charged: Sequence[BilledCharge], scope: Scope, due: Decimal, inner: Decimal
) -> Decimal:
    """Return what is left to ask for where the bill of the period was made with an advance.

    An account plan that was ended since owes less in advance than that bill has given back of
    the old advance (DAT-6). Advance, charges and refund still make the larger of the minimum and
    the charges (INV-J). A bill that has itself to be calculated again for the end decides nothing.
    """
    refunds = [
        charge
        for charge in charged
        if charge.line_type == LineType.MINIMUM_SPEND_REFUND and charge.subject == scope.subject
    ]
    if not refunds or any(_outlasts(one, scope) and not one.is_locked for one in charged):
        return ZERO
    eligible = inner + scope.eligible(charged)
    return max(due, eligible) - eligible - total(refunds)


def _outlasts(charge: BilledCharge, scope: Scope) -> bool:
    """Whether it was calculated before the account plan was ended, for days that are gone now."""
    ends, until = scope.plan.term.period.end, charge.service_period.end
    return ends is not None and until is not None and until > ends


def _draft(
    line_type: LineType, scope: Scope, amount: Decimal, period: Period, facts: dict[str, object]
) -> Draft:
    pricing = scope.pricing
    if pricing is not None:
        facts["pricing"] = pricing_facts(pricing)
    description = _description(scope, line_type)
    return Draft(
        line_type=line_type,
        subject=scope.subject,
        attribution=scope.attribution,
        currency=scope.plan.currency,
        description=description,
        subtotal=scope.plan.rounded(amount, description),
        service_period=period,
        facts=facts,
        pricing=pricing,
        aggregation=pricing.aggregation if pricing else None,
        segment=pricing.segment if pricing else (),
    )


def _description(scope: Scope, line_type: LineType) -> str:
    """MIN-9: the words given for the minimum, else the scope's name and what the line does."""
    if scope.minimum is not None and scope.minimum.description:
        return scope.minimum.description
    if line_type is LineType.MINIMUM_SPEND_REFUND:
        return f"{scope.name} Minimum Spend Refund"
    return f"{scope.name} Minimum Spend Adjustment"


def _days(plan: PlanOnBill, period: Period) -> DayRange:
    """Floor a window to days (PER-10); a window of the engine always has an end."""
    if period.end is None:
        raise ValueError("A window of a billing period has an end.")
    zone = plan.schedule.zone
    return DayRange(local_date(period.start, zone), local_date(period.end, zone))


KIND: Final = LineKind(
    "minimum spends",
    step,
    (LineType.MINIMUM_SPEND, LineType.MINIMUM_SPEND_REFUND),
    (records.TOP_UP, records.REFUND, by_days.RECORD),
)
