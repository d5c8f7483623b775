"""Counters of a golden situation: what plans charge for units, and what the account holds."""

from __future__ import annotations

from datetime import date, tzinfo
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from billing.rating import schedule
from billing.rating.counting import Values, before
from billing.rating.inputs import Band, Counter, CounterPricingTerm
from organizations.kernel.periods import Period, local_midnight

Json = dict[str, Any]


def identify(name: str) -> UUID:
    return uuid5(NAMESPACE_URL, name)


def flags(price: Json) -> dict[str, bool]:
    """``prorate`` is one word for all three flags, or an object with some of them."""
    prorate = price.get("prorate", True)
    if not isinstance(prorate, dict):
        prorate = dict.fromkeys(("running_total", "debit", "credit"), prorate)
    return {
        "running_total_in_advance": price.get("in_advance", True),
        "prorate_running_total": prorate.get("running_total", True),
        "prorate_debit": prorate.get("debit", True),
        "prorate_credit": prorate.get("credit", True),
    }


def values(counter: Json) -> Values:
    return tuple((date.fromisoformat(day), value) for day, value in counter.get("values", []))


def held(plans: list[Json]) -> dict[tuple[UUID, UUID], Values]:
    """What the account holds; counters of one name on several plans are one counter."""
    found: dict[tuple[UUID, UUID], Values] = {}
    for plan in plans:
        for counter in plan.get("counters", []):
            if counter.get("values"):
                found[identify("account"), identify(counter["name"])] = values(counter)
    return found


def begins_with_units(plan: Json) -> bool:
    start = date.fromisoformat(plan["from"][:10])
    return any(
        before(values(counter), start)
        for counter in plan.get("counters", [])
        if any(flags(price)["running_total_in_advance"] for price in counter["prices"])
    )


def terms(
    plan: Json, timing: schedule.PlanSchedule, boundary: date, zone: tzinfo
) -> tuple[CounterPricingTerm, ...]:
    found = []
    for counter in plan.get("counters", []):
        candidates = [
            schedule.PricingCandidate(
                pricing_id=price_id(plan, counter, price),
                aggregation_id=identify(counter["name"]),
                segment=(),
                on_plan=price.get("on", "plan") == "plan",
                period=_period(price, zone),
            )
            for price in counter["prices"]
        ]
        windows = schedule.usage_windows(candidates, timing, boundary)
        coming = schedule.coming_windows(candidates, timing, boundary)
        for price in counter["prices"]:
            own = price_id(plan, counter, price)
            found.append(
                CounterPricingTerm(
                    id=own,
                    version=1,
                    counter=Counter(
                        identify(counter["name"]),
                        counter["name"],
                        counter["name"],
                        counter.get("unit", "seats"),
                    ),
                    bands=tuple(
                        Band(identify(f"{own} {position}"), *map(Decimal, band))
                        for position, band in enumerate(price["bands"])
                    ),
                    cumulative=price.get("cumulative", False),
                    description=price.get("description"),
                    windows=tuple(one.period for one in windows if one.pricing_id == own),
                    coming=tuple(one.period for one in coming if one.pricing_id == own),
                    **flags(price),
                )
            )
    return tuple(found)


def price_id(plan: Json, counter: Json, price: Json) -> UUID:
    return identify(f"{plan['name']} {counter['name']} {counter['prices'].index(price)}")


def _period(price: Json, zone: tzinfo) -> Period:
    starts, ends = price.get("from", "2000-01-01"), price.get("to")
    return Period(
        local_midnight(date.fromisoformat(starts), zone),
        local_midnight(date.fromisoformat(ends), zone) if ends else None,
    )
