"""make_x(**overrides) for rating values, with ids that differ on every call."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from billing.rating.book import BilledCharge, Book, charges_of
from billing.rating.cycles import BillFrequency, BillKey, Cycle
from billing.rating.inputs import (
    AccountPlanTerm,
    Aggregation,
    Band,
    Counter,
    CounterPricingTerm,
    PricingTerm,
    Product,
    RatingInput,
    UsageWindow,
)
from billing.rating.lines import LineType, RatedBill
from billing.rating.subjects import Attribution, Subject, SubjectKind
from organizations.kernel.money import Currency
from organizations.kernel.periods import DayRange, Period

MONTHLY = Cycle(BillFrequency.MONTHLY, 1, date(2022, 1, 1))
JULY_1 = date(2024, 7, 1)


def at(text: str) -> datetime:
    """An instant in UTC from a date, or a date and time."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def between(start: str, end: str | None = None) -> Period:
    return Period(at(start), at(end) if end else None)


JUNE = between("2024-06-01", "2024-07-01")


def make_bands(*bands: tuple[Any, Any, Any]) -> tuple[Band, ...]:
    """Bands from (lower limit, fixed price, unit price)."""
    return tuple(Band(uuid4(), *(Decimal(str(number)) for number in band)) for band in bands)


def make_aggregation(**overrides: Any) -> Aggregation:
    values = {"id": uuid4(), "name": "Requests", "code": "requests", "method": "SUM", "unit": "req"}
    return Aggregation(**values | overrides)


def make_pricing(quantity: Any = None, period: Period = JUNE, **overrides: Any) -> PricingTerm:
    """A pricing at 1.00 a unit with one window, June, of the given quantity."""
    number = None if quantity is None else Decimal(str(quantity))
    values = {
        "id": uuid4(),
        "version": 3,
        "aggregation": make_aggregation(),
        "bands": make_bands((0, 0, 1)),
        "windows": (UsageWindow(period, number, event_count=2),),
    }
    return PricingTerm(**values | overrides)


def make_counter_pricing(**overrides: Any) -> CounterPricingTerm:
    """A price of 2.00 a seat, in advance and prorated, without windows."""
    values = {
        "id": uuid4(),
        "version": 1,
        "counter": Counter(uuid4(), "Seats", "seats", "seats"),
        "bands": make_bands((0, 0, 2)),
    }
    return CounterPricingTerm(**values | overrides)


def make_term(**overrides: Any) -> AccountPlanTerm:
    values = {
        "id": uuid4(),
        "account_id": uuid4(),
        "plan_id": uuid4(),
        "plan_template_id": uuid4(),
        "product": Product(uuid4(), "Storage", "storage"),
        "currency": "USD",
        "period": between("2024-01-01"),
        "cycle": MONTHLY,
    }
    return AccountPlanTerm(**values | overrides)


def make_bill(*terms: AccountPlanTerm, boundary: date = JULY_1, **overrides: Any) -> RatingInput:
    """The bill of a monthly cycle on the boundary, June's by default."""
    cycle = terms[0].cycle if terms else MONTHLY
    opens = cycle.boundary(cycle.number_after(boundary) - 2)
    values = {
        "account_id": uuid4(),
        "account_code": "acme",
        "key": BillKey(cycle.frequency, cycle.interval, boundary),
        "period": DayRange(opens, boundary).to_period(UTC),
        "timezone": UTC,
        "bill_currency": Currency("USD"),
        "account_plans": terms,
    }
    return RatingInput(**values | overrides)


def make_advance(term: AccountPlanTerm, period: Period, amount: Any) -> BilledCharge:
    """The minimum spend of a plan as another bill carries it in advance."""
    return BilledCharge(
        bill_id=None,
        bill_name="another",
        bill_date=period.start.date(),
        line_type=LineType.MINIMUM_SPEND,
        subject=Subject(SubjectKind.PLAN, term.plan_id),
        attribution=Attribution(term.account_id, term.id, term.plan_id),
        service_period=period,
        subtotal=Decimal(amount),
        in_advance=True,
    )


def book_of(*bills: RatedBill) -> Book:
    """The book of an account that has these other bills."""
    return Book(tuple(charge for bill in bills for charge in charges_of(bill)))
