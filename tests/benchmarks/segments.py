"""Usage of a plan with a thousand segments, against that of a plan with ten.

Each price brings a segmentation of its own, equal to the others, as prices of many plans do.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

from django.db import connection

from billing.usage import store
from organizations.kernel import isolation
from tests import factories
from tests.benchmarks import Ratio, in_turn, scaled

MANY, FEW = 1000, 10
JUNE, JULY = datetime(2024, 6, 1, tzinfo=UTC), datetime(2024, 7, 1, tzinfo=UTC)
FILL = """
INSERT INTO billing_measurement
       (organization_id, received_at, account_id, meter_id, ts, uid, fields)
SELECT %s, %s, account, %s, %s, gen_random_uuid()::text,
       jsonb_build_object('tokens', 1, 'place', 'place-' || (random() * 1200)::int)
  FROM generate_series(1, %s) CROSS JOIN unnest(%s::uuid[]) AS account
"""


def run() -> Iterator[Ratio]:
    """Yield the row about segments."""
    organization = factories.make_organization()
    meter = factories.make_meter(organization)
    account_ids = [factories.make_account(organization).pk for _ in range(scaled(20))]
    with isolation.as_owner(), connection.cursor() as cursor:
        cursor.execute(FILL, [organization.pk, JUNE, meter.pk, JUNE, 1000, account_ids])
        cursor.execute("VACUUM (ANALYZE) billing_measurement")

    def seconds(segments: int) -> float:
        requests = _requests(account_ids, meter.pk, segments)
        began = time.perf_counter()
        store.quantities(organization.pk, requests)
        return time.perf_counter() - began

    ratio, many, few = in_turn(lambda: seconds(MANY), lambda: seconds(FEW))
    detail = f"{many:.2f} s against {few:.2f} s, {len(account_ids)} accounts"
    yield Ratio(f"{MANY:,} segments / {FEW} of the same usage", ratio, at_most=20, detail=detail)


def _requests(account_ids: list[UUID], meter_id: UUID, count: int) -> list[store.QuantityRequest]:
    places = [(f"place-{number}",) for number in range(count)]
    splits = [store.Segmentation(("place",), tuple(places)) for _ in places]
    return [
        store.QuantityRequest(
            (account_id,), meter_id, "tokens", store.Method.SUM, JUNE, JULY, split, place
        )
        for account_id in account_ids
        for split, place in zip(splits, places, strict=True)
    ]
