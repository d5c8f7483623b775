"""The counter prices of a plan as rating needs them, worked out once for however many accounts.

Nothing here reads the database; ``held`` does, for all accounts at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from msgspec.structs import replace

from billing.rating.inputs import Band, Counter, CounterPricingTerm
from billing.rating.schedule import EffectiveWindow, PricingCandidate, effective_windows
from catalog.models import CounterPricing
from organizations.kernel.periods import Period

Windows = tuple[Period | None, Period | None]


@dataclass(slots=True)
class CounterPrices:
    """The prices of counters on a plan and its template."""

    terms: tuple[CounterPricingTerm, ...] = ()
    candidates: tuple[PricingCandidate, ...] = ()
    _in_force: dict[Windows, tuple[CounterPricingTerm, ...]] = field(default_factory=dict)

    @property
    def counter_ids(self) -> set[UUID]:
        """The counters that have a price."""
        return {term.counter.id for term in self.terms}

    @property
    def bills_in_advance(self) -> bool:
        """Whether any running total is billed at the start of a period."""
        return any(term.running_total_in_advance for term in self.terms)

    def in_force(
        self, arrears: Period | None, coming: Period | None
    ) -> tuple[CounterPricingTerm, ...]:
        """Return the prices in force in a billing period and in the next, plan over template."""
        key = (arrears, coming)
        if key not in self._in_force:
            windows, ahead = self._windows(arrears), self._windows(coming)
            terms = (
                replace(term, windows=_of(term, windows), coming=_of(term, ahead))
                for term in self.terms
            )
            self._in_force[key] = tuple(term for term in terms if term.windows or term.coming)
        return self._in_force[key]

    def _windows(self, within: Period | None) -> list[EffectiveWindow]:
        return [] if within is None else effective_windows(self.candidates, within)


def _of(term: CounterPricingTerm, windows: Iterable[EffectiveWindow]) -> tuple[Period, ...]:
    return tuple(window.period for window in windows if window.pricing_id == term.id)


def price(rows: Iterable[CounterPricing], bands: dict[UUID, tuple[Band, ...]]) -> CounterPrices:
    """Return the prices; ``bands`` by pricing."""
    rows = list(rows)
    return CounterPrices(
        terms=tuple(_term(row, bands[row.pk]) for row in rows),
        candidates=tuple(
            PricingCandidate(
                pricing_id=row.pk,
                aggregation_id=row.counter_id,
                segment=(),
                on_plan=row.plan_id is not None,
                period=Period(row.start_date, row.end_date),
            )
            for row in rows
        ),
    )


def _term(row: CounterPricing, bands: tuple[Band, ...]) -> CounterPricingTerm:
    counter = row.counter
    return CounterPricingTerm(
        id=row.pk,
        version=row.version,
        counter=Counter(counter.pk, counter.name, counter.code, counter.unit),
        bands=bands,
        cumulative=row.is_cumulative,
        running_total_in_advance=row.running_total_bill_in_advance,
        prorate_running_total=row.pro_rate_running_total,
        prorate_debit=row.pro_rate_adjustment_debit,
        prorate_credit=row.pro_rate_adjustment_credit,
        description=row.description or None,
        accounting_product_id=row.accounting_product_id,
    )
