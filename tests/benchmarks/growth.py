"""Ingest and one account's chart, with 1,000,000 measurements stored and with 10,000,000."""

import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg

from billing.usage import store
from tests.benchmarks import ROUNDS, Ratio, ingest, scaled, workload
from tests.benchmarks.serving import serving
from tests.benchmarks.workload import Workload, database_url

SMALL, LARGE = 1_000_000, 10_000_000
PER_ACCOUNT = 2000
BATCH = 250_000
UTC_ZONE = ZoneInfo("UTC")

# What other accounts have used this month, in the order in which it came; uids are older than
# those that will be sent.
FILL_MEASUREMENTS = """
    INSERT INTO billing_measurement
        (organization_id, account_id, meter_id, ts, received_at, uid, fields)
    SELECT %(organization)s, md5('account' || (n %% %(accounts)s))::uuid, %(meter)s,
        %(month)s::timestamptz + %(elapsed)s::interval * (n::float / %(total)s),
        now(), '00000000-' || lpad(n::text, 12, '0'),
        jsonb_build_object('context_tokens', n %% 8000, 'generated_tokens', (n %% 900) / 4.0,
            'model', 'model-' || n %% 5, 'region', 'eu-west')
    FROM generate_series(%(first)s::bigint, %(latest)s::bigint) n
"""
FILL_CLAIMS = """
    INSERT INTO billing_uidclaim
    SELECT %(organization)s, '00000000-' || lpad(n::text, 12, '0'), now()
    FROM generate_series(%(first)s::bigint, %(latest)s::bigint) n
"""
BARE_CHART = """
    SELECT date_trunc('day', ts), sum((fields ->> 'context_tokens')::numeric)
    FROM billing_measurement
    WHERE organization_id = %s AND account_id = %s AND meter_id = %s AND ts >= %s AND ts < %s
    GROUP BY 1 ORDER BY 1
"""


def run() -> Iterator[Ratio]:
    """Yield the rows about growth and about an account's month by day."""
    usage = workload.make()
    small, large = scaled(SMALL, least=20_000), scaled(LARGE, least=200_000)
    account_id = UUID(int=int.from_bytes(b"the account shown"[:16], "big"))
    with serving() as port:
        ingest.rate(port, usage, 20_000, 1000, 4)
        _fill(usage, 0, small, large)
        _fill_account(usage, account_id)
        rate_at_small = _median(lambda: ingest.rate(port, usage, _sent(), 1000, 4))
        bare_at_small, chart_at_small = _chart_seconds(usage, account_id)
        _fill(usage, small, large, large)
        rate_at_large = _median(lambda: ingest.rate(port, usage, _sent(), 1000, 4))
        bare_at_large, chart_at_large = _chart_seconds(usage, account_id)
    yield Ratio(f"ingest with {large:,} stored / with {small:,}", rate_at_large / rate_at_small,
                at_least=0.75,
                detail=f"{rate_at_large:,.0f} a second against {rate_at_small:,.0f}")  # fmt: skip
    for stored, chart, bare in (
        (small, chart_at_small, bare_at_small), (large, chart_at_large, bare_at_large)
    ):  # fmt: skip
        yield Ratio(f"an account's month by day with {stored:,} stored / bare SQL", chart / bare,
                    at_most=3, detail=_milliseconds(chart, bare))  # fmt: skip
    # "No slower" with room for the noise of milliseconds.
    yield Ratio(f"an account's month by day with {large:,} stored / with {small:,}",
                chart_at_large / chart_at_small, at_most=1.25,
                detail=_milliseconds(chart_at_large, chart_at_small))  # fmt: skip


def _sent() -> int:
    return scaled(100_000, least=8_000)


def _median(measured: Callable[[], float]) -> float:
    return statistics.median(measured() for _ in range(ROUNDS))


def _fill(usage: Workload, first: int, until: int, total: int) -> None:
    """Store measurements of other accounts, spread over this month."""
    now = datetime.now(UTC)
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    with psycopg.connect(database_url(), autocommit=True) as connection:
        for start in range(first, until, BATCH):
            values = {
                "organization": usage.organization_id,
                "meter": usage.meter_id,
                "accounts": max(1, total // PER_ACCOUNT),
                "month": month,
                "elapsed": now - month,
                "total": total,
                "first": start,
                "latest": min(start + BATCH, until) - 1,
            }
            connection.execute(FILL_MEASUREMENTS, values)
            connection.execute(FILL_CLAIMS, values)
        connection.execute("ANALYZE billing_measurement, billing_uidclaim")


def _fill_account(usage: Workload, account_id: UUID) -> None:
    """Store the month of the account that is shown: 2,000 measurements among all others."""
    now = datetime.now(UTC)
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    rows = [
        store.Measurement(
            account_id, usage.meter_id, month + (now - month) * n / PER_ACCOUNT, None,
            f"shown-{n}", {"context_tokens": n, "model": "model-1"},
        )
        for n in range(PER_ACCOUNT)
    ]  # fmt: skip
    store.append(usage.organization_id, rows, at=now)


def _chart_seconds(usage: Workload, account_id: UUID) -> tuple[float, float]:
    """Return the warm medians of the bare SQL and of the store's chart."""
    end_at = datetime.now(UTC)
    start_at = end_at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    end_at += timedelta(days=1)

    def chart() -> None:
        store.daily_sums(
            usage.organization_id, account_id, usage.meter_id, ["context_tokens"],
            start_at=start_at, end_at=end_at, zone=UTC_ZONE,
        )  # fmt: skip

    with psycopg.connect(database_url(), autocommit=True) as connection:

        def bare() -> None:
            values = [usage.organization_id, account_id, usage.meter_id, start_at, end_at]
            connection.execute(BARE_CHART, values).fetchall()

        pairs = [(_seconds(bare), _seconds(chart)) for _ in range(60)][10:]
    return statistics.median(b for b, _ in pairs), statistics.median(c for _, c in pairs)


def _seconds(call: Callable[[], None]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def _milliseconds(one: float, other: float) -> str:
    return f"{one * 1000:.1f} ms against {other * 1000:.1f} ms"
