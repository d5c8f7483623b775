"""What the customers use on one day: a pure function of the day, so that figures repeat.

Chance is seeded with day, customer and meter, and everything is computed with whole numbers:
every machine and Python version makes the same measurements. Customers work in their own
daytime and less on weekends, they grow or shrink slowly, and no two days are quite alike.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from billing.usage.reception import Item
from config.demonstration.customers import CUSTOMERS, Customer
from config.demonstration.months import Months
from config.demonstration.subscriptions import Stay, stay

MILLISECONDS_A_DAY = 86_400_000
MILLISECONDS_AN_HOUR = 3_600_000
METER_OF_PLAN = {
    "models": "inference",
    "gpu": "gpu_usage",
    "storage": "storage_usage",
    "support": "support_sessions",
}
# Measurements on a working day, by meter and size.
PER_DAY = {
    "inference": {"XL": 195, "L": 98, "M": 52, "S": 21, "XS": 6},
    "gpu_usage": {"XL": 72, "L": 44, "M": 24, "S": 8},
    "storage_usage": {"XL": 48, "L": 24, "M": 16, "S": 10, "XS": 5},
    "support_sessions": {"XL": 6, "L": 3, "M": 2, "S": 1},
}
# In percent of a working day, Monday to Sunday.
WEEK = {
    "inference": (100, 104, 106, 103, 94, 52, 47),
    "gpu_usage": (100, 103, 104, 102, 98, 74, 70),
    "storage_usage": (100,) * 7,
    "support_sessions": (20, 15, 13, 13, 12, 0, 0),
}
# How often each hour of the local day is drawn; the nights are quiet, not silent.
DAYTIME = [
    hour
    for hour, times in enumerate(
        (2, 1, 1, 1, 1, 2, 4, 7, 11, 15, 17, 16, 13, 15, 17, 17, 15, 12, 9, 8, 7, 6, 4, 3)
    )
    for _ in range(times)
]
ROUND_THE_CLOCK = list(range(24))
TOKENS = {"XL": 18_000_000, "L": 5_000_000, "M": 900_000, "S": 180_000, "XS": 40_000}
MODELS = ["cumulus-large"] * 3 + ["cumulus-small"] * 5 + ["stratus-embed"] * 2
GPU_MINUTES = {"XL": 290, "L": 80, "M": 34, "S": 20}
GPUS = {
    "XL": ["H100"] * 6 + ["A100"] * 3 + ["L4"],
    "L": ["H100"] * 2 + ["A100"] * 5 + ["L4"] * 3,
    "M": ["A100"] * 4 + ["L4"] * 6,
    "S": ["A100"] + ["L4"] * 9,
}
JOBS = {"XL": 84, "L": 38, "M": 13, "S": 4}
STORED_GB = {"XL": 900_000, "L": 120_000, "M": 15_000, "S": 1_500, "XS": 110}
EGRESS_MB = {"XL": 40_000, "L": 12_000, "M": 1_600, "S": 620, "XS": 240}
REQUESTS = {"XL": 900_000, "L": 150_000, "M": 10_000, "S": 1_700, "XS": 200}
SEVERITIES = ["question"] * 6 + ["degraded"] * 3 + ["outage"]
GROWTH_FROM = date(2025, 1, 1)
BUSY_DAYS = {"cinder-games": (14, 15), "arkadia-travel": (1, 2)}  # a launch, a sale: each month

Maps = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Chance:
    """Draws of one customer, meter and day; ``level`` is the amount of use in per mille."""

    draw: Callable[[], float]
    customer: Customer
    level: int

    def whole(self, below: int) -> int:
        """Return a whole number from 0 up to but not including ``below``."""
        return int(self.draw() * below)

    def pick(self, choices: list[Any]) -> Any:
        """Return one of the choices."""
        return choices[self.whole(len(choices))]

    def amount(self, typical: dict[str, int]) -> int:
        """Return an amount around what is typical for the size: 40 to 160 % of it."""
        spread = 400 + self.whole(1201)
        return typical[self.customer.size] * self.level * spread // 1_000_000


def measurements(day: date, months: Months, scale: Decimal) -> list[Item]:
    """Return the day's measurements in order of time, each with a uid that sorts like its time.

    On the present day they end with ``months.now``; ``scale`` thins them out.
    """
    drawn = [
        (at, customer, meter, maps)
        for customer, period in _stays(months)
        if period.contains(day)
        for meter in _meters(customer)
        for at, maps in _of_customer(day, customer, meter, scale)
    ]
    drawn.sort(key=lambda one: (one[0], one[1].code, one[2]))
    midnight = datetime(day.year, day.month, day.day, tzinfo=months.now.tzinfo)
    ends = (months.now - midnight) // timedelta(milliseconds=1)
    return [
        Item(
            meter=meter,
            account=customer.code,
            ts=_timestamp(day, at),
            uid=f"{day:%Y%m%d}-{number:06}",
            **maps,
        )
        for number, (at, customer, meter, maps) in enumerate(drawn, start=1)
        if at < ends
    ]


@lru_cache
def _stays(months: Months) -> tuple[tuple[Customer, Stay], ...]:
    return tuple((customer, stay(customer, months)) for customer in CUSTOMERS)


@lru_cache
def _meters(customer: Customer) -> tuple[str, ...]:
    return tuple(METER_OF_PLAN[plan.split("-")[0]] for plan in customer.plans)


def _of_customer(
    day: date, customer: Customer, meter: str, scale: Decimal
) -> Iterator[tuple[int, Maps]]:
    """Yield (milliseconds since midnight, the maps of the measurement), in no order."""
    draw = random.Random(f"{day} {customer.code} {meter}").random
    chance = Chance(draw, customer, _level(day, customer, chance_of_day=int(draw() * 201)))
    hours = ROUND_THE_CLOCK if meter == "storage_usage" else DAYTIME
    for _ in range(_count(day, customer, meter, scale, chance)):
        hour = (chance.pick(hours) - customer.hours_from_utc) % 24
        at = hour * MILLISECONDS_AN_HOUR + chance.whole(MILLISECONDS_AN_HOUR)
        yield at, MAKERS[meter](chance)


def _count(day: date, customer: Customer, meter: str, scale: Decimal, chance: Chance) -> int:
    """Return how many measurements; a fraction of one is one as often as it says."""
    percent = PER_DAY[meter][customer.size] * WEEK[meter][day.weekday()]
    millionths = int(percent * scale * 10_000)
    return millionths // 1_000_000 + (chance.whole(1_000_000) < millionths % 1_000_000)


def _level(day: date, customer: Customer, *, chance_of_day: int) -> int:
    """Return the level of use in per mille: growth, the customer's own trend, the day's mood."""
    days = (day - GROWTH_FROM).days
    trend = int(random.Random(customer.code).random() * 9) - 2  # -2 to 6 in 10,000 a day
    growth = max(300, 1000 + days * trend // 10)
    busy = 3 if day.day in BUSY_DAYS.get(customer.code, ()) else 1
    return growth * (900 + chance_of_day) * busy // 1000


def _timestamp(day: date, at: int) -> str:
    seconds, milliseconds = divmod(at, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{day}T{hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}Z"


def _inference(chance: Chance) -> Maps:
    tokens = chance.amount(TOKENS)
    return {
        "what": {"model": chance.pick(MODELS)},
        "where": {"region": chance.customer.region},
        "measure": {
            "input_tokens": tokens,
            "output_tokens": tokens * (16 + chance.whole(17)) // 100,
        },
    }


def _gpu_usage(chance: Chance) -> Maps:
    size = chance.customer.size
    return {
        "what": {"gpu_type": chance.pick(GPUS[size])},
        "where": {"region": chance.customer.region},
        "measure": {
            "gpu_hours": Decimal(chance.amount(GPU_MINUTES) * 100 // 60).scaleb(-2),
            "parallel_jobs": 1 + chance.whole(JOBS[size]),
        },
    }


def _storage_usage(chance: Chance) -> Maps:
    size = chance.customer.size
    stored = STORED_GB[size] * chance.level // 1000
    return {
        "where": {"region": chance.customer.region},
        "measure": {
            "gb_hours": Decimal(stored * 2400 // PER_DAY["storage_usage"][size]).scaleb(-2),
            "egress_gb": Decimal(chance.amount(EGRESS_MB)).scaleb(-3),
            "requests": chance.amount(REQUESTS),
        },
    }


def _support_session(chance: Chance) -> Maps:
    return {
        "what": {"severity": chance.pick(SEVERITIES)},
        "metadata": {"ticket": f"T-{10_000 + chance.whole(90_000)}"},
        "measure": {"minutes": 15 + 5 * chance.whole(24)},
    }


MAKERS: dict[str, Callable[[Chance], Maps]] = {
    "inference": _inference,
    "gpu_usage": _gpu_usage,
    "storage_usage": _storage_usage,
    "support_sessions": _support_session,
}
