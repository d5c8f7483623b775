"""A miniature of the snapshot: a billing situation written in JSON -> ``RatingInput``s.

It plans with the same pure functions as the real one (``schedule``, ``terms``), sums the dated
usage of each window, and hands the advance minimum spends of one bill to the next. What may be
written in a situation is described in ``tests/golden/rating/README.md``.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from billing.rating import schedule, terms
from billing.rating.accounts import AccountInput
from billing.rating.book import BilledCharge, Book, charges_of
from billing.rating.cycles import BillFrequency, BillKey, Cycle
from billing.rating.inputs import (
    AccountPlanTerm,
    Aggregation,
    Band,
    GroupMember,
    PlanGroup,
    PricingTerm,
    PricingType,
    Product,
    QuantityRounding,
    RatingInput,
    UsageWindow,
)
from billing.rating.lines import LineType, RatedBill
from billing.rating.pipeline import rate
from organizations.kernel.money import ConversionRate, Currency, RoundingMode
from organizations.kernel.periods import Period, local_midnight, parse_timezone
from tests.billing.rating import situations_counters

Json = dict[str, Any]
ADVANCES = (LineType.MINIMUM_SPEND, LineType.COUNTER_RUNNING_TOTAL_CHARGE)


def identify(name: str) -> UUID:
    """The same name always has the same id."""
    return uuid5(NAMESPACE_URL, name)


def instant(text: str, zone: tzinfo) -> datetime:
    """A date is local midnight; a date and time is local time, or UTC when it ends in Z."""
    if len(text) == 10:
        return local_midnight(date.fromisoformat(text), zone)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def period(start: str, end: str | None, zone: tzinfo) -> Period:
    return Period(instant(start, zone), instant(end, zone) if end else None)


class Situation:
    """One golden file: rates its bills one after the other."""

    def __init__(self, given: Json) -> None:
        self.given = given
        self.zone = parse_timezone(given.get("timezone", "UTC"))
        self.currencies = {
            code: Currency(code, places, RoundingMode(mode))
            for code, (places, mode) in given.get("currencies", {}).items()
        }
        bill_currency = given.get("bill_currency", "USD")
        self.bill_currency = self.currencies.get(bill_currency, Currency(bill_currency))
        self.advances: list[BilledCharge] = []

    def cycle(self, plan: Json) -> Cycle:
        frequency, interval, epoch = plan.get("cycle", ["MONTHLY", 1, "2022-01-01"])
        return Cycle(BillFrequency(frequency), interval, date.fromisoformat(epoch))

    def schedules(self) -> list[schedule.ScheduledPlan]:
        return [
            schedule.ScheduledPlan(
                id=identify(plan["name"]),
                cycle=self.cycle(plan),
                period=period(plan["from"], plan.get("to"), self.zone),
                bills_in_advance=situations_counters.begins_with_units(plan)
                or any(
                    level.get(charge, {}).get("in_advance", False)
                    for level in (plan, *plan.get("pricings", []))
                    for charge in ("standing_charge", "minimum_spend")
                ),
            )
            for plan in self.given["plans"] + self.given.get("groups", [])
        ]

    def due(self, on: str) -> list[schedule.DueBill]:
        return schedule.due_bills(self.schedules(), date.fromisoformat(on), self.zone)

    def bill(self, bill_date: str) -> RatedBill:
        """Rate the bill of the first plan's cycle and remember its advance minimum spends."""
        bill, book = self.rating_input(bill_date), Book(tuple(self.advances))
        held = situations_counters.held(self.given["plans"])
        rated = rate(bill, book, AccountInput((bill,), book, held=held))
        self.advances += [
            charge
            for charge in charges_of(rated)
            if "groups" in self.given or (charge.line_type in ADVANCES and charge.in_advance)
        ]
        return rated

    def rating_input(self, bill_date: str) -> RatingInput:
        boundary = date.fromisoformat(bill_date)
        cycle = self.cycle(self.given["plans"][0])
        key = BillKey(cycle.frequency, cycle.interval, boundary)
        carried = schedule.contributing(self.schedules(), key, self.zone)
        ids = [plan.id for plan in carried]
        return RatingInput(
            account_id=identify("account"),
            account_code="acme",
            key=key,
            period=schedule.bill_period(carried or self.schedules(), key, self.zone),
            timezone=self.zone,
            bill_currency=self.bill_currency,
            account_plans=tuple(
                self.term(plan, boundary)
                for plan in self.given["plans"]
                if identify(plan["name"]) in ids
            )
            + tuple(
                self.group(group)
                for group in self.given.get("groups", [])
                if identify(group["name"]) in ids
            ),
            currencies=self.currencies,
            conversion_rates=tuple(
                ConversionRate(source, target, multiplier)
                for source, target, multiplier in self.given.get("conversions", [])
            ),
        )

    def term(self, plan: Json, boundary: date) -> AccountPlanTerm:
        cycle = self.cycle(plan)
        own = period(plan["from"], plan.get("to"), self.zone)
        timing = schedule.PlanSchedule(cycle, own, self.zone)
        candidates = [self.candidate(plan, pricing) for pricing in plan.get("pricings", [])]
        windows = schedule.usage_windows(candidates, timing, boundary)
        coming = schedule.coming_windows(candidates, timing, boundary)
        standing = plan.get("standing_charge", {})
        product = plan.get("product", "Storage")
        group = plan.get("group")
        return AccountPlanTerm(
            id=identify(group or plan["name"]),
            plan_group_id=identify(group + " group") if group else None,
            account_id=identify("account"),
            plan_id=identify(plan["name"] + " plan"),
            plan_template_id=identify("template"),
            product=Product(identify(product), product, product.lower()),
            currency=plan.get("currency", "USD"),
            period=own,
            cycle=cycle,
            standing_charge=terms.standing_charge(
                charge_settings(standing),
                organization_in_advance=False,
                interval=standing.get("interval", 1),
                offset=standing.get("offset", 0),
            ),
            minimum_spend=minimum_spend(plan),
            pricings=tuple(
                self.pricing(plan, pricing, windows, coming) for pricing in plan.get("pricings", [])
            ),
            counter_pricings=situations_counters.terms(plan, timing, boundary, self.zone),
        )

    def group(self, group: Json) -> AccountPlanTerm:
        """The charges of a plan group itself; its plans name it."""
        members = [plan for plan in self.given["plans"] if plan.get("group") == group["name"]]
        return AccountPlanTerm(
            id=identify(group["name"]),
            account_id=identify("account"),
            plan_id=None,
            plan_template_id=None,
            product=None,
            currency=group.get("currency", "USD"),
            period=period(group["from"], group.get("to"), self.zone),
            cycle=self.cycle(group),
            standing_charge=terms.standing_charge(
                charge_settings(group.get("standing_charge", {})), organization_in_advance=False
            ),
            minimum_spend=minimum_spend(group),
            plan_group_id=identify(group["name"] + " group"),
            group=PlanGroup(
                identify(group["name"] + " group"),
                group["name"],
                tuple(
                    GroupMember(identify(plan["name"] + " plan"), plan.get("currency", "USD"))
                    for plan in members
                ),
            ),
        )

    def candidate(self, plan: Json, pricing: Json) -> schedule.PricingCandidate:
        return schedule.PricingCandidate(
            pricing_id=pricing_id(plan, pricing),
            aggregation_id=identify(pricing.get("measures", "usage")),
            segment=tuple(pricing.get("segment", {}).items()),
            on_plan=pricing.get("on", "plan") == "plan",
            period=period(pricing.get("from", "2000-01-01"), pricing.get("to"), self.zone),
        )

    def pricing(
        self,
        plan: Json,
        pricing: Json,
        windows: list[schedule.EffectiveWindow],
        coming: list[schedule.EffectiveWindow],
    ) -> PricingTerm:
        own_id = pricing_id(plan, pricing)
        return PricingTerm(
            id=own_id,
            version=1,
            aggregation=aggregation(pricing),
            bands=tuple(
                Band(identify(f"{own_id} {position}"), *map(Decimal, band))
                for position, band in enumerate(pricing["bands"])
            ),
            cumulative=pricing.get("cumulative", False),
            tiers_span_plan=pricing.get("tiers_span_plan", False),
            type=PricingType(pricing.get("type", "DEBIT")),
            segment=tuple(pricing.get("segment", {}).items()),
            description=pricing.get("description"),
            minimum_spend=minimum_spend(pricing),
            windows=tuple(
                self.window(plan, pricing, window.period)
                for window in windows
                if window.pricing_id == own_id
            ),
            coming=tuple(window.period for window in coming if window.pricing_id == own_id),
        )

    def window(self, plan: Json, pricing: Json, inside: Period) -> UsageWindow:
        """Sum the usage of one aggregation and segment in one window, as the snapshot would."""
        usage = [
            (instant(when, self.zone), Decimal(quantity))
            for other in plan["pricings"]
            if measured_alike(pricing, other)
            for when, quantity in other.get("usage", [])
        ]
        found = [quantity for when, quantity in usage if inside.contains(when)]
        # Every situation that spans the plan has quantityPerUnit 1, so quantities are units.
        before = sum((quantity for when, quantity in usage if when < inside.start), Decimal(0))
        default = pricing.get("default_value")
        no_data = None if default is None else Decimal(default)
        return UsageWindow(inside, sum(found, Decimal(0)) if found else no_data, len(found), before)


def measured_alike(pricing: Json, other: Json) -> bool:
    return (pricing.get("measures", "usage"), pricing.get("segment")) == (
        other.get("measures", "usage"),
        other.get("segment"),
    )


def pricing_id(plan: Json, pricing: Json) -> UUID:
    """Ids in order of creation, as those of rows: by the plan's name, then as written."""
    position = plan["pricings"].index(pricing)
    return UUID(bytes=plan["name"].encode()[:10].ljust(10) + position.to_bytes(6))


def aggregation(pricing: Json) -> Aggregation:
    name = pricing.get("measures", "usage")
    return Aggregation(
        id=identify(name),
        name=name,
        code=name,
        method="SUM",
        unit=pricing.get("unit", "unit"),
        quantity_per_unit=Decimal(pricing.get("quantity_per_unit", 1)),
        rounding=QuantityRounding(pricing.get("rounding", "NONE")),
    )


def charge_settings(charge: Json) -> terms.ChargeSettings:
    amount = charge.get("amount")
    return terms.ChargeSettings(
        amount=None if amount is None else Decimal(amount),
        in_advance=charge.get("in_advance"),
        description=charge.get("description"),
    )


def minimum_spend(level: Json) -> Any:
    return terms.minimum_spend(
        charge_settings(level.get("minimum_spend", {})), organization_in_advance=False
    )
