"""Ingest with derived fields, against the same meter without."""

from collections.abc import Iterator

from tests.benchmarks import Ratio, in_turn, scaled, workload
from tests.benchmarks.ingest import rate
from tests.benchmarks.serving import serving

DERIVED = [
    ("MEASURE", "total", "1", "context_tokens + generated_tokens"),
    ("COST", "cost", "USD", "(context_tokens * 0.15 + generated_tokens * 0.6) / 1000000"),
    ("WHAT", "place", None, 'ts.hour < 6 ? "night" : region + "-" + model'),
]
FIELDS = [
    {"category": category, "code": code, "name": code, "unit": unit, "calculation": calculation}
    for category, code, unit, calculation in DERIVED
]


def run() -> Iterator[Ratio]:
    """Yield the row about derived fields."""
    plain, derived = workload.make(), workload.make(derived_fields=FIELDS)
    count = scaled(200_000, least=8_000)
    with serving() as port:
        for usage in (plain, derived):
            rate(port, usage, 20_000, 1000, 4)  # connections, caches
        ratio, ours, other = in_turn(
            lambda: rate(port, derived, count, 1000, 4), lambda: rate(port, plain, count, 1000, 4)
        )
    yield Ratio("three derived fields, 1,000 a request / none", ratio, at_least=0.6,
                detail=f"{ours:,.0f} a second against {other:,.0f}")  # fmt: skip
