"""Tokens at a fixed rate: 200 a second over four keys, each answered within 20 ms (B11.3)."""

import base64
import socket
import statistics
import threading
import time
from collections.abc import Iterator, Sequence

from tests.benchmarks import ROUNDS, Ratio, load, scaled
from tests.benchmarks.serving import serving
from tests.factories import make_founded

A_SECOND = 200
KEYS = 4
CONNECTIONS = 16
WITHIN_SECONDS = 0.020
BODY = b'{"grant_type": "client_credentials"}'


def run() -> Iterator[Ratio]:
    """Yield the row about tokens."""
    requests = [_request() for _ in range(KEYS)]
    count = scaled(A_SECOND * 20, least=A_SECOND * 2)
    with serving() as port:
        latencies(port, requests, A_SECOND)  # connections, caches
        rounds = [sorted(latencies(port, requests, count)) for _ in range(ROUNDS)]
    middle = statistics.median(_share(times, 0.50) for times in rounds)
    slowest = statistics.median(_share(times, 0.99) for times in rounds)
    yield Ratio(
        f"p99 of /oauth/token at {A_SECOND} a second / {WITHIN_SECONDS * 1000:g} ms",
        slowest / WITHIN_SECONDS,
        at_most=1,
        detail=f"p50 {middle * 1000:.1f} ms, p99 {slowest * 1000:.1f} ms, "
        f"slowest {max(times[-1] for times in rounds) * 1000:.1f} ms",
    )


def latencies(port: int, requests: Sequence[bytes], count: int) -> list[float]:
    """Send ``count`` requests at the fixed rate and return how long each took.

    A request has its moment whether or not those before it are answered, and its time counts from
    that moment: a server that stands still is charged for all that had to wait.
    """
    found: list[float] = []
    begins = time.perf_counter() + 0.2
    shares = [range(n, count, CONNECTIONS) for n in range(CONNECTIONS)]
    threads = [
        threading.Thread(target=_send, args=(port, requests, begins, share, found))
        for share in shares
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(found) != count:
        raise RuntimeError(f"{count - len(found)} requests got no token.")
    return found


def _send(
    port: int, requests: Sequence[bytes], begins: float, numbers: range, found: list[float]
) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in numbers:
            moment = begins + number / A_SECOND
            if (rest := moment - time.perf_counter()) > 0:
                time.sleep(rest)
            connection.sendall(requests[number % len(requests)])
            if load.answer(connection).startswith(load.ACCEPTED):
                found.append(time.perf_counter() - moment)


def _request() -> bytes:
    """Return the bytes of a request with a new key of an organization of its own."""
    founded = make_founded()
    pair = f"{founded.access_key_id}:{founded.api_secret}".encode()
    head = (
        "POST /oauth/token HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Basic {base64.b64encode(pair).decode()}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    )
    return head.encode() + BODY


def _share(times: Sequence[float], share: float) -> float:
    """Return the time within which a share of the sorted times lies."""
    return times[min(len(times) - 1, int(len(times) * share))]
