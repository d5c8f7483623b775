"""A lookup in a derived field: what finding one value costs when its table is remembered."""

from collections.abc import Iterator
from decimal import Decimal
from time import perf_counter

from catalog.lookups import published
from organizations.kernel import isolation
from organizations.models import Organization
from tests.benchmarks import Ratio, scaled, workload
from tests.catalog.lookup_rows import make_revision, make_table

ROWS = 2000
MOST_MICROSECONDS = 2.0


def run() -> Iterator[Ratio]:
    """Yield the allowed time over the time of one lookup."""
    organization = Organization.objects.get(pk=workload.make().organization_id)
    with isolation.within(organization.pk):
        table = make_table(organization, code="rates")
        rows = [{"country": f"c{n}", "rate": Decimal(n)} for n in range(ROWS)]
        make_revision(table, rows, status="PUBLISHED")
        tables = published.Tables(organization.pk)
        keys = [(f"c{n}",) for n in range(ROWS)]
        rounds = scaled(500, least=50)
        tables.find("rates", "rate", keys[0])
        begun = perf_counter()
        for _ in range(rounds):
            for key in keys:
                tables.find("rates", "rate", key)
        cost = (perf_counter() - begun) / (rounds * ROWS) * 1_000_000
    yield Ratio("2 microseconds / one lookup", MOST_MICROSECONDS / cost, at_least=1,
                detail=f"{cost:.2f} microseconds")  # fmt: skip
