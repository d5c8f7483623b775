"""HTTP to stored, against COPY, serializers with bulk_create, and one-row INSERTs."""

from collections.abc import Iterator

from tests.benchmarks import Ratio, baselines, in_turn, load, scaled, workload
from tests.benchmarks.serving import serving
from tests.benchmarks.workload import Workload


def run() -> Iterator[Ratio]:
    """Yield the rows about ingest."""
    usage = workload.make()
    with serving() as port:
        rate(port, usage, 20_000, 1000, 4)  # connections, caches
        yield from _in_thousands(port, usage)
        yield from _in_hundreds(port, usage)
        yield from _one_by_one(port, usage)


def _in_thousands(port: int, usage: Workload) -> Iterator[Ratio]:
    count = scaled(200_000, least=8_000)
    ratio, ours, copied = in_turn(
        lambda: rate(port, usage, count, 1000, 4), lambda: baselines.copy_rate(usage, count)
    )
    yield Ratio("HTTP to stored, 1,000 a request / COPY", ratio, at_least=0.8,
                detail=_compared(ours, copied))  # fmt: skip
    slower = max(4_000, count // 5)
    with serving("tests.benchmarks.orm_service:application") as other:
        rate(other, usage, 4_000, 1000, 4)
        ratio, ours, through_orm = in_turn(
            lambda: rate(port, usage, count, 1000, 4),
            lambda: rate(other, usage, slower, 1000, 4),
        )
    yield Ratio("the same / serializers and bulk_create", ratio, at_least=6,
                detail=_compared(ours, through_orm))  # fmt: skip


def _in_hundreds(port: int, usage: Workload) -> Iterator[Ratio]:
    count = scaled(100_000, least=4_000)
    ratio, ours, copied = in_turn(
        lambda: rate(port, usage, count, 100, 4), lambda: baselines.copy_rate(usage, count)
    )
    yield Ratio("HTTP to stored, 100 a request / COPY", ratio, at_least=0.4,
                detail=_compared(ours, copied))  # fmt: skip
    ratio, ours, copied = in_turn(
        lambda: _rate_of_resending(port, usage, count), lambda: baselines.copy_rate(usage, count)
    )
    yield Ratio("everything sent a second time, 1,000 a request / COPY", ratio, at_least=0.4,
                detail=_compared(ours, copied))  # fmt: skip
    ratio, ours, copied = in_turn(
        lambda: _rate_of_resending(port, usage, count, 100),
        lambda: baselines.copy_rate(usage, count),
    )
    yield Ratio("everything sent a second time, 100 a request / COPY", ratio, at_least=0.4,
                detail=_compared(ours, copied))  # fmt: skip


def _one_by_one(port: int, usage: Workload) -> Iterator[Ratio]:
    count = scaled(8_000, least=400)
    ratio, ours, inserted = in_turn(
        lambda: rate(port, usage, count, 1, 8), lambda: baselines.insert_rate(usage, count, 8)
    )
    yield Ratio("HTTP to stored, 1 a request / committed one-row INSERT", ratio, at_least=0.25,
                detail=_compared(ours, inserted))  # fmt: skip


def rate(port: int, usage: Workload, count: int, per_request: int, connections: int) -> float:
    """Return measurements a second."""
    requests = _requests(usage, count, per_request)
    return len(requests) * per_request / load.seconds_to_send(port, requests, connections)


def _rate_of_resending(port: int, usage: Workload, count: int, per_request: int = 1000) -> float:
    requests = _requests(usage, count, per_request)
    load.seconds_to_send(port, requests, 4)
    return len(requests) * per_request / load.seconds_to_send(port, requests, 4)


def _requests(usage: Workload, count: int, per_request: int) -> list[bytes]:
    path = f"/organizations/{usage.organization_id}/measurements"
    return [load.request(path, usage.token, body) for body in usage.bodies(count, per_request)]


def _compared(ours: float, other: float) -> str:
    return f"{ours:,.0f} a second against {other:,.0f}"
