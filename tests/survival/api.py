"""A client of a running installation, as a customer writes one: it sends again what got no 200."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import requests

from organizations.kernel import exact_json

GIVE_UP_SECONDS = 180.0
PAUSE_SECONDS = 0.1


@dataclass(slots=True)
class Answer:
    """Status and decoded body of one answer."""

    status: int
    json: Any


class Api:
    """Calls below one organization, from any thread: ``api.post("products", {...})``."""

    def __init__(self, url: str, facts: dict[str, str]) -> None:
        self.organization_id = facts["orgId"]
        self.base = f"{url}/organizations/{self.organization_id}"
        answer = requests.post(
            f"{url}/oauth/token",
            json={"grant_type": "client_credentials"},
            auth=(facts["accessKeyId"], facts["apiSecret"]),
            timeout=10,
        )
        self.headers = {
            "Authorization": f"Bearer {answer.json()['access_token']}",
            "Content-Type": "application/json",
        }
        self._own = threading.local()

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Answer:
        """Send one request over the thread's connection; raises requests.RequestException."""
        if not hasattr(self._own, "session"):
            self._own.session = requests.Session()
        response = self._own.session.request(
            method,
            f"{self.base}/{path}",
            params=query,
            data=None if body is None else exact_json.dumps(body),
            headers=self.headers,
            timeout=20,
        )
        is_json = "json" in response.headers.get("Content-Type", "")
        return Answer(response.status_code, exact_json.loads(response.content) if is_json else None)

    def get(self, path: str, **query: Any) -> Answer:
        """GET with query parameters."""
        return self.call("GET", path, **query)

    def post(self, path: str, body: Any) -> Answer:
        """POST a JSON body."""
        return self.call("POST", path, body)

    def put(self, path: str, body: Any) -> Answer:
        """PUT a JSON body."""
        return self.call("PUT", path, body)


@dataclass
class Stream:
    """Several clients sending batches, each batch again and again until it gets a 200."""

    api: Api
    batches: Sequence[list[dict[str, Any]]]
    accepted: int = 0
    refused: list[int] = field(default_factory=list)  # statuses; 0: the connection broke
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, clients: int = 4) -> None:
        """Begin to send, each client every fourth batch."""
        self._pool = ThreadPoolExecutor(clients)
        self._sent = [
            self._pool.submit(self._send_all, self.batches[first::clients])
            for first in range(clients)
        ]

    def finish(self) -> None:
        """Wait until every batch got its 200; raises what a client gave up with."""
        for sent in self._sent:
            sent.result()
        self._pool.shutdown()

    def _send_all(self, batches: Iterable[list[dict[str, Any]]]) -> None:
        for batch in batches:
            self._send(batch)

    def _send(self, batch: list[dict[str, Any]]) -> None:
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while (status := self._status(batch)) != 200:
            with self._lock:
                self.refused.append(status)
            if time.monotonic() > deadline:
                raise AssertionError(f"no 200 in {GIVE_UP_SECONDS:g} s, last {status}")
            time.sleep(PAUSE_SECONDS)
        with self._lock:
            self.accepted += 1

    def _status(self, batch: list[dict[str, Any]]) -> int:
        try:
            return self.api.post("measurements", {"measurements": batch}).status
        except requests.RequestException:
            return 0


def at_once(calls: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """Make the calls in parallel, all released at the same moment."""
    barrier = threading.Barrier(len(calls))

    def call(one: Callable[[], Answer]) -> Answer:
        barrier.wait(10)
        return one()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))
