"""The quantities of a snapshot: collected while bills are planned, read all at once.

``terms`` asks for every window of every price and returns a function that gives the rated terms
once the answers are there, so that the store sees one list of requests for all accounts.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from billing.bills import contract_terms, families
from billing.bills.calculating import Calculator
from billing.bills.compounds import CompoundMeasure
from billing.bills.measures import Measure
from billing.bills.planning import PlannedBill, PlanOfAccount
from billing.bills.priced_plans import PriceInForce
from billing.bills.rated_before import RatedBefore
from billing.bills.reading import AttachedPlan, Member
from billing.rating.families import pool
from billing.rating.inputs import (
    AccountPlanTerm,
    Aggregation,
    ChildBilling,
    FamilyRole,
    PricingTerm,
    PricingType,
    UsageWindow,
)
from billing.rating.quantities import to_units
from billing.rating.schedule import PlanSchedule, due_boundary
from billing.usage import store
from organizations.kernel.errors import DomainError
from organizations.kernel.money import working_precision
from organizations.kernel.periods import Period

Terms = Callable[[], tuple[AccountPlanTerm, ...]]
# One number for an aggregation; for a compound one for each that it refers to, None for nothing.
Asked = int | tuple[int | None, ...]
# Of which accounts all usage of a window, and of which some of it.
Whose = tuple[tuple[UUID, ...], store.Spans]


class QueryGaveNothing(DomainError):
    """A query that somebody wrote gave nothing that can be billed (usage.md 9.8)."""

    code = "CUSTOM_SQL_FAILED"

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"The custom SQL aggregation of {field}: {why}.")


class Quantities:
    """Requests to the store, and the answers once ``read`` was called."""

    def __init__(
        self, rated: RatedBefore | None = None, calculator: Calculator | None = None
    ) -> None:
        self._rated = rated or RatedBefore()
        self.calculator = calculator or Calculator()
        self._requests: list[store.QuantityRequest] = []
        self._defaults: list[Decimal | None] = []
        self._answers: list[store.Quantity] = []
        self._blocks: dict[tuple[Any, ...], _PlanAsked] = {}

    def ask(self, measure: Measure, plan: AttachedPlan, period: Period, whose: Whose) -> int:
        """Ask for one quantity; returns the number under which the answer will stand."""
        request = measure.request(whose[0], period, whose[1])
        wanted, excluded = contract_terms.filters(plan)
        if wanted or excluded:
            request = msgspec.structs.replace(request, filters=wanted, excluded=excluded)
        self._requests.append(request)
        self._defaults.append(measure.default_value)
        return len(self._requests) - 1

    def ask_all(
        self, compound: CompoundMeasure, plan: AttachedPlan, period: Period, whose: Whose
    ) -> Asked:
        """Ask for the base values of a compound aggregation, in the order of its references."""
        return tuple(
            None if one.measure is None else self.ask(one.measure, plan, period, whose)
            for one in compound.references
        )

    def read(self, organization_id: UUID) -> None:
        """Read everything that was asked, with one call."""
        self._answers = store.quantities(organization_id, self._requests)

    def answer(self, number: int) -> tuple[Decimal | None, int]:
        """Return the quantity and its event count; without data the default value (BND-5)."""
        quantity = self._answers[number]
        if quantity.refusal:
            raise QueryGaveNothing(self._requests[number].field, quantity.refusal)
        if quantity.value is None:
            return self._defaults[number], 0
        return quantity.value, quantity.event_count

    def terms(self, bill: PlannedBill, cuts: Sequence[datetime] = ()) -> Terms:
        """Ask for what the bill rates; call the result after ``read``.

        ``cuts`` are instants where credits of the account begin or end (DRW-3).
        """
        asked = [self._ask(plan, bill, cuts) for plan in bill.plans]
        return lambda: tuple(term() for term in asked)

    def _ask(
        self, plan: PlanOfAccount, bill: PlannedBill, cuts: Sequence[datetime]
    ) -> Callable[[], AccountPlanTerm]:
        role = plan.attached.family
        if role is None or role.share_of is None:
            return _PlanAsked(self, plan, bill, self._rated, cuts).term
        # Children share one block: it is asked for once, however many they are.
        key = (plan.attached.key, bill.key.boundary, bill.timezone, plan.reaches_back_to)
        if key not in self._blocks:
            self._blocks[key] = _PlanAsked(self, plan, bill, self._rated, ())
        return self._blocks[key].share(role.share_of)


class _PlanAsked:
    """One account plan on one bill: the prices in force and the numbers of their quantities."""

    def __init__(
        self,
        quantities: Quantities,
        plan: PlanOfAccount,
        bill: PlannedBill,
        rated: RatedBefore,
        cuts: Sequence[datetime],
    ) -> None:
        self._quantities = quantities
        self._rated = rated
        self._plan = plan
        self._bill = bill
        self._cuts = cuts
        boundary = bill.key.boundary
        schedule = PlanSchedule(plan.cycle, plan.period, bill.zone, plan.billed_to)
        arrears = schedule.arrears(boundary)
        if arrears and plan.reaches_back_to:
            arrears = Period(plan.reaches_back_to, arrears.end)
        self._begins = arrears.start if arrears else None
        coming = schedule.coming(boundary)
        in_force = plan.priced.in_force(arrears, coming)
        self._counters = plan.priced.counters.in_force(arrears, coming)
        self._asked = self._ask(in_force)
        self._asked_members = self._ask_members(in_force)
        self._asked_cuts = self._ask_cuts(in_force)
        spans = any(price.price.tiers_span_plan for price in in_force)
        earlier = _earlier(plan, schedule, boundary) if spans else []
        role = plan.attached.family
        is_of_child = role is not None and role.is_of_child
        billed = bill.account.id if is_of_child else plan.attached.account_id
        self._asked_earlier = self._ask(_not_rated(earlier, rated.periods_of(plan, billed)))
        self._block: AccountPlanTerm | None = None

    def _ask(self, prices: Iterable[PriceInForce]) -> list[tuple[PriceInForce, list[Asked]]]:
        return [
            (price, [self._ask_one(price.measure, period) for period in price.windows])
            for price in prices
        ]

    def _ask_cuts(
        self, prices: Iterable[PriceInForce]
    ) -> dict[tuple[UUID, Period], list[tuple[datetime, Period, Asked]]]:
        """Ask, for each window that a credit cuts, for the quantity up to each cut."""
        found: dict[tuple[UUID, Period], list[tuple[datetime, Period, Asked]]] = {}
        for price in prices if self._cuts else ():
            for window in price.windows:
                inside = [one.start for one in window.split(self._cuts)[1:]]
                if inside:
                    found[price.price.id, window] = [
                        (cut, part, self._ask_one(price.measure, part))
                        for cut in inside
                        for part in (Period(window.start, cut),)
                    ]
        return found

    def _ask_members(
        self, prices: Iterable[PriceInForce]
    ) -> dict[tuple[UUID, Period], list[tuple[Member, Asked]]]:
        """Ask, for each window of a block that is shared, what each account used (PAR-5)."""
        role = self._plan.attached.family
        if role is None or role.pool is None or role.mode is ChildBilling.SUMMARY:
            return {}
        found: dict[tuple[UUID, Period], list[tuple[Member, Asked]]] = {}
        for price in prices:
            for window in price.windows:
                asked = found[price.price.id, window] = []
                for member in role.pool.members:
                    is_whole, spans = families.usage_of_member(role.pool, member.id, window)
                    if is_whole or spans:
                        whose = ((member.id,) if is_whole else (), spans)
                        asked.append((member, self._ask_one(price.measure, window, whose)))
        return found

    def _ask_one(
        self, measure: Measure | CompoundMeasure, period: Period, whose: Whose | None = None
    ) -> Asked:
        plan = self._plan.attached
        whose = whose or families.usage_of(plan, period)
        if isinstance(measure, CompoundMeasure):
            return self._quantities.ask_all(measure, plan, period, whose)
        return self._quantities.ask(measure, plan, period, whose)

    def _window(self, price: PriceInForce, period: Period, asked: Asked) -> UsageWindow:
        """Return a window with its quantity; a compound calculates its own from the answers."""
        if isinstance(asked, int):
            return UsageWindow(period, *self._quantities.answer(asked))
        answers = [
            (None, 0) if number is None else self._quantities.answer(number) for number in asked
        ]
        calculator = self._quantities.calculator
        return calculator.window(price.measure, period, answers, self._plan, self._bill)

    def term(self) -> AccountPlanTerm:
        plan, priced = self._plan, self._plan.priced
        role = plan.attached.family
        return AccountPlanTerm(
            id=plan.attached.id,
            account_id=plan.attached.account_id,
            plan_id=None if priced.group else priced.id,
            plan_template_id=priced.template_id,
            product=priced.product,
            currency=priced.currency,
            period=plan.period,
            cycle=plan.cycle,
            billed_to=plan.billed_to,
            begins=plan.begins,
            standing_charge=priced.standing_charge,
            minimum_spend=priced.minimum_spend,
            pricings=tuple(
                self._pricing(price, numbers)
                for price, numbers in self._asked
                if price.windows or price.coming
            ),
            account_code=role.code if role else self._bill.account.code,
            counter_pricings=self._counters,
            plan_group_id=plan.attached.plan_group_id,
            contract_id=plan.attached.contract_id,
            group=priced.group,
            family=FamilyRole(role.mode, role.is_of_child) if role else None,
        )

    def share(self, account_id: UUID) -> Callable[[], AccountPlanTerm]:
        """Return what gives the term on a child's bill: usage alone, of which a share is kept."""
        return partial(self._share, account_id)

    def _share(self, account_id: UUID) -> AccountPlanTerm:
        if self._block is None:
            whole = self.term()
            self._block = msgspec.structs.replace(
                whole,
                standing_charge=None,
                minimum_spend=None,
                counter_pricings=(),
                group=None,
                pricings=tuple(
                    msgspec.structs.replace(price, minimum_spend=None)
                    for price in whole.pricings
                    if price.type is PricingType.DEBIT
                ),
            )
        role = FamilyRole(ChildBilling.CHILD, share_of=account_id)
        return msgspec.structs.replace(self._block, family=role)

    def _pricing(self, in_force: PriceInForce, asked: Sequence[Asked]) -> PricingTerm:
        price = in_force.price
        windows = [
            self._window(in_force, period, one)
            for period, one in zip(in_force.windows, asked, strict=True)
        ]
        if self._asked_cuts:
            windows = [self._cut(in_force, window) for window in windows]
        if self._asked_members:
            windows = [self._told_apart(in_force, window) for window in windows]
        if price.tiers_span_plan:
            windows = [
                msgspec.structs.replace(
                    window, units_before=self._units_before(price, window.period)
                )
                for window in windows
            ]
        return PricingTerm(
            id=price.id,
            version=price.version,
            aggregation=price.aggregation,
            bands=price.bands,
            cumulative=price.cumulative,
            tiers_span_plan=price.tiers_span_plan,
            type=price.type,
            segment=price.segment,
            description=price.description,
            accounting_product_id=price.accounting_product_id,
            minimum_spend=price.minimum_spend,
            windows=tuple(windows),
            coming=in_force.coming,
            overage_bands=price.overage_bands,
        )

    def _told_apart(self, in_force: PriceInForce, window: UsageWindow) -> UsageWindow:
        asked = self._asked_members.get((in_force.price.id, window.period), ())
        used = []
        for member, one in asked:
            own = self._window(in_force, window.period, one)
            # The default value of an aggregation is what the family has without usage, once.
            is_default = isinstance(one, int) and not own.event_count
            used.append((member.id, member.code, None if is_default else own.quantity))
        return msgspec.structs.replace(window, pool=pool(used))

    def _cut(self, in_force: PriceInForce, window: UsageWindow) -> UsageWindow:
        cuts = self._asked_cuts.get((in_force.price.id, window.period), ())
        return msgspec.structs.replace(
            window,
            cuts=tuple(
                (cut, self._window(in_force, part, asked).quantity) for cut, part, asked in cuts
            ),
        )

    def _units_before(self, price: PricingTerm, period: Period) -> Decimal:
        """Return the units of all earlier windows of the same usage (TSP-2, TSP-5).

        What stands on locked bills is what was rated; late usage of their time was not.
        """
        total = self._rated.units(self._plan, price, before=self._begins)
        for other, numbers in [*self._asked_earlier, *self._asked]:
            aggregation = other.price.aggregation
            if (aggregation.id, other.price.segment) != (price.aggregation.id, price.segment):
                continue
            for window, one in zip(other.windows, numbers, strict=True):
                if window.start >= period.start:
                    continue
                quantity = self._window(other, window, one).quantity
                if quantity is not None:
                    total += _units(quantity, aggregation)
        return total


def _units(quantity: Decimal, aggregation: Aggregation) -> Decimal:
    with working_precision():
        return to_units(
            quantity,
            aggregation.quantity_per_unit,
            aggregation.rounding,
            name=aggregation.name,
        )


def _not_rated(prices: Iterable[PriceInForce], rated: Sequence[Period]) -> list[PriceInForce]:
    """Return the prices with what locked bills have rated cut out of their windows."""
    return [
        replace(
            price,
            windows=tuple(piece for window in price.windows for piece in window.subtract(rated)),
        )
        for price in prices
    ]


def _earlier(plan: PlanOfAccount, schedule: PlanSchedule, boundary: date) -> list[PriceInForce]:
    """Return the prices in force in all billing periods of the plan before the one ending here."""
    found: list[PriceInForce] = []
    cycle = plan.cycle
    closes = due_boundary(cycle, schedule.start_day)
    while closes < boundary:
        found += plan.priced.in_force(schedule.arrears(closes), None)
        closes = cycle.boundary(cycle.number_after(closes))
    return found
