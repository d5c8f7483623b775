"""What one minimum spend covers: a pricing, a plan, or a plan group (MIN-6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from billing.rating.accounts import Work
from billing.rating.book import BilledCharge
from billing.rating.drafts import Draft, PlanOnBill
from billing.rating.inputs import MinimumSpend, PlanGroup, PricingTerm
from billing.rating.lines import LineType
from billing.rating.proration import prorate
from billing.rating.subjects import Attribution, Subject
from organizations.kernel.money import ZERO, Currency
from organizations.kernel.periods import DayRange, Period

# MIN-5: charges that count toward a minimum; standing charges and fees do not.
ELIGIBLE: Final = frozenset(
    {
        LineType.USAGE,
        LineType.USAGE_CREDIT,
        LineType.OVERAGE_USAGE,
        LineType.COUNTER_RUNNING_TOTAL_CHARGE,
        LineType.COUNTER_ADJUSTMENT_DEBIT,
        LineType.COUNTER_ADJUSTMENT_CREDIT,
    }
)
# What counts toward the minimum of a group: those, with the minimums of its plans (MIN-6).
OF_GROUPS: Final = ELIGIBLE | {LineType.MINIMUM_SPEND, LineType.MINIMUM_SPEND_REFUND}


@dataclass(frozen=True, slots=True)
class Scope:
    """A whole plan or plan group, or one pricing. The work's book knows what other bills charge."""

    work: Work
    plan: PlanOnBill
    pricing: PricingTerm | None
    minimum: MinimumSpend | None
    name: str
    subject: Subject
    attribution: Attribution

    def charged(self, period: Period, *, in_advance: bool) -> list[BilledCharge]:
        """Return what other bills charge the plan for service that began in the period."""
        found = self.work.book.charged(
            account_plan_id=self.plan.term.id, starting_in=period, in_advance=in_advance
        )
        if self.plan.term.group is not None:
            return found
        return [charge for charge in found if self.plan.has(charge.attribution)]

    def period(self, days: DayRange) -> Period:
        return self.plan.schedule.service(days)

    def due(self, minimum: MinimumSpend, days: DayRange) -> Decimal:
        """Return the exact minimum for the days (MIN-7)."""
        return prorate(minimum.amount, self.plan.schedule.shares(days))

    def eligible(self, charged: Iterable[BilledCharge]) -> Decimal:
        """Add up what counts toward the minimum of the scope (MIN-5, MIN-6)."""
        if self.plan.term.group is not None:
            return of_group(self.work, self.plan.term.group, self.plan.currency, charged)
        if self.pricing is None:  # with the minimums of its pricings
            return total(one for one in charged if one.line_type in ELIGIBLE or one.pricing_id)
        return total(
            one
            for one in charged
            if one.line_type in ELIGIBLE
            and one.pricing_id == self.pricing.id
            and one.subject.detail == self.subject.detail
        )

    @property
    def is_settled_by_charges(self) -> bool:
        """Whether charges of a period come from the bill that closes it, and from no other.

        Of a group with plans of several rhythms, shorter bills charge in between (GRP-7).
        """
        group = self.plan.term.group
        return group is None or group.has_one_cycle


def of_plan(work: Work, plan: PlanOnBill) -> Scope:
    """Return the scope of a plan or plan group as a whole."""
    minimum, group, product = plan.term.minimum_spend, plan.term.group, plan.term.product
    accounted = plan.attribution.accounted(minimum.accounting_product_id if minimum else None)
    name = group.name if group else product.name if product else ""
    return Scope(work, plan, None, minimum, name, plan.subject, accounted)


def of_pricing(work: Work, plan: PlanOnBill, pricing: PricingTerm) -> Scope:
    """The accounting product of a pricing-level minimum is that of its usage (15.5)."""
    name, subject = pricing.aggregation.name, Subject.pricing(pricing)
    accounted = plan.attribution.priced_by(pricing)
    return Scope(work, plan, pricing, pricing.minimum_spend, name, subject, accounted)


def of_group(
    work: Work, group: PlanGroup, currency: Currency, lines: Iterable[Draft | BilledCharge]
) -> Decimal:
    """Add up what the plans of a group are charged, in the group's currency (GRP-9)."""
    currencies = {member.plan_id: work.currency(member.currency) for member in group.members}
    amount = ZERO
    for line in lines:
        source = currencies.get(line.attribution.plan_id) if line.attribution.plan_id else None
        if source is not None and line.line_type in OF_GROUPS:
            amount += work.converted(line.subtotal, source, currency)
    return amount


def total(lines: Iterable[Draft | BilledCharge]) -> Decimal:
    return sum((line.subtotal for line in lines), ZERO)
