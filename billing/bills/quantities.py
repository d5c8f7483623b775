"""The quantities of a snapshot: collected while bills are planned, read all at once.

``terms`` asks for every window of every price and returns a function that gives the rated terms
once the answers are there, so that the store sees one list of requests for all accounts.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, tzinfo
from decimal import Decimal
from uuid import UUID

from billing.bills.planning import PlannedBill, PlanOfAccount
from billing.bills.priced_plans import Measure
from billing.rating.inputs import AccountPlanTerm, PricingTerm, UsageWindow
from billing.rating.quantities import to_units
from billing.rating.schedule import EffectiveWindow, PlanSchedule, due_boundary
from billing.usage import store
from organizations.kernel.money import ZERO, working_precision
from organizations.kernel.periods import Period

Terms = Callable[[], tuple[AccountPlanTerm, ...]]


class Quantities:
    """Requests to the store, and the answers once ``read`` was called."""

    def __init__(self) -> None:
        self._requests: list[store.QuantityRequest] = []
        self._defaults: list[Decimal | None] = []
        self._answers: list[store.Quantity] = []

    def ask(self, measure: Measure, account_id: UUID, period: Period) -> int:
        """Ask for one quantity; returns the number under which the answer will stand."""
        self._requests.append(measure.request(account_id, period))
        self._defaults.append(measure.default_value)
        return len(self._requests) - 1

    def read(self, organization_id: UUID) -> None:
        """Read everything that was asked, with one call."""
        self._answers = store.quantities(organization_id, self._requests)

    def answer(self, number: int) -> tuple[Decimal | None, int]:
        """Return the quantity and its event count; without data the default value (BND-5)."""
        quantity = self._answers[number]
        if quantity.value is None:
            return self._defaults[number], 0
        return quantity.value, quantity.event_count

    def terms(self, bill: PlannedBill) -> Terms:
        """Ask for what the bill rates; call the result after ``read``."""
        asked = [
            _PlanAsked(self, plan, bill.account.code, bill.key.boundary, bill.zone)
            for plan in bill.plans
        ]
        return lambda: tuple(plan.term() for plan in asked)


class _PlanAsked:
    """One account plan on one bill: the windows it rates and the numbers of their quantities."""

    def __init__(
        self,
        quantities: Quantities,
        plan: PlanOfAccount,
        account_code: str,
        boundary: date,
        zone: tzinfo,
    ) -> None:
        self._quantities = quantities
        self._plan = plan
        self._account_code = account_code
        schedule = PlanSchedule(plan.cycle, plan.period, zone)
        priced = plan.priced
        self._windows = [
            (window, self._ask(window)) for window in priced.windows(schedule.arrears(boundary))
        ]
        self._coming = priced.windows(schedule.coming(boundary)) if _looks_ahead(plan) else []
        self._earlier = (
            [(window, self._ask(window)) for window in _earlier_windows(plan, schedule, boundary)]
            if any(price.tiers_span_plan for price in priced.prices.values())
            else []
        )

    def _ask(self, window: EffectiveWindow) -> int:
        measure = self._plan.priced.measures[window.pricing_id]
        return self._quantities.ask(measure, self._plan.attached.account_id, window.period)

    def term(self) -> AccountPlanTerm:
        plan, priced = self._plan, self._plan.priced
        return AccountPlanTerm(
            id=plan.attached.id,
            account_id=plan.attached.account_id,
            plan_id=priced.id,
            plan_template_id=priced.template_id,
            product=priced.product,
            currency=priced.currency,
            period=plan.period,
            cycle=plan.cycle,
            standing_charge=priced.standing_charge,
            minimum_spend=priced.minimum_spend,
            pricings=tuple(self._pricings()),
            account_code=self._account_code,
        )

    def _pricings(self) -> Iterator[PricingTerm]:
        windows: dict[UUID, list[UsageWindow]] = {}
        for window, number in self._windows:
            price = self._plan.priced.prices[window.pricing_id]
            quantity, event_count = self._quantities.answer(number)
            before = self._units_before(price, window) if price.tiers_span_plan else ZERO
            windows.setdefault(window.pricing_id, []).append(
                UsageWindow(window.period, quantity, event_count, before)
            )
        coming: dict[UUID, list[Period]] = {}
        for window in self._coming:
            coming.setdefault(window.pricing_id, []).append(window.period)
        for pricing_id, price in self._plan.priced.prices.items():
            if pricing_id in windows or pricing_id in coming:
                yield replace(
                    price,
                    windows=tuple(windows.get(pricing_id, ())),
                    coming=tuple(coming.get(pricing_id, ())),
                )

    def _units_before(self, price: PricingTerm, window: EffectiveWindow) -> Decimal:
        """Return the units of all earlier windows of the same usage (TSP-2, TSP-5)."""
        total = ZERO
        for earlier, number in [*self._earlier, *self._windows]:
            other = self._plan.priced.prices[earlier.pricing_id]
            same_usage = (other.aggregation.id, other.segment) == (
                price.aggregation.id,
                price.segment,
            )
            quantity, _ = self._quantities.answer(number)
            if not same_usage or earlier.period.start >= window.period.start or quantity is None:
                continue
            aggregation = other.aggregation
            with working_precision():
                total += to_units(
                    quantity,
                    aggregation.quantity_per_unit,
                    aggregation.rounding,
                    name=aggregation.name,
                )
        return total


def _looks_ahead(plan: PlanOfAccount) -> bool:
    """Whether a pricing bills a minimum spend for the coming period (MIN-3)."""
    return any(
        price.minimum_spend is not None and price.minimum_spend.in_advance
        for price in plan.priced.prices.values()
    )


def _earlier_windows(
    plan: PlanOfAccount, schedule: PlanSchedule, boundary: date
) -> list[EffectiveWindow]:
    """Return the windows of all billing periods of the plan before the one that ends here."""
    windows: list[EffectiveWindow] = []
    cycle = plan.cycle
    closes = due_boundary(cycle, schedule.start_day)
    while closes < boundary:
        windows += plan.priced.windows(schedule.arrears(closes))
        closes = cycle.boundary(cycle.number_after(closes))
    return windows
