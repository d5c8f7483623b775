"""Send one webhook request and say what came back. Knows no database and decides nothing.

Limits (C5.2): 5 s to connect, 20 s for everything, 16 KiB of the answer read, 4 KiB of it kept.
Redirects are not followed, the environment's proxies and credentials are not used, certificates
are always verified, and the connection goes to an address ``targets`` has checked (C5.13-14).
"""

import time
from dataclasses import dataclass

import requests
from urllib3.exceptions import HTTPError

from integrations import targets
from organizations.kernel.connecting import Deadline, PinnedAdapter

CONNECT_SECONDS = 5.0
REQUEST_SECONDS = 20.0
READ_LIMIT_BYTES = 16 * 1024
KEEP_LIMIT_BYTES = 4 * 1024
FIXED_HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "User-Agent": "Billwright-Webhooks/1",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one attempt brought: a status, or the reason why there is none."""

    duration_ms: int
    status_code: int | None = None
    error: str = ""
    response_head: str = ""
    retry_after: str | None = None

    @property
    def is_success(self) -> bool:
        """2xx within the time limit; everything else failed, 3xx included (C5.1)."""
        return not self.error and self.status_code is not None and 200 <= self.status_code < 300


def post(
    url: str,
    body: bytes,
    headers: dict[str, str],
    *,
    limit_seconds: float = REQUEST_SECONDS,
    verify: bool | str = True,
) -> Answer:
    """Send ``body`` and return the answer; network trouble is an answer too, never an exception.

    ``verify`` may name a file with the certificates to trust; tests have their own authority.
    """
    started = time.monotonic()

    def taken() -> int:
        return round((time.monotonic() - started) * 1000)

    try:
        addresses = targets.resolve(targets.parse(url))
    except targets.TargetRefused as refusal:
        return Answer(taken(), error=f"The url {refusal}.")
    left = max(0.1, limit_seconds - (time.monotonic() - started))
    deadline = Deadline(left)
    try:
        with deadline, requests.Session() as session:
            status, retry_after, head = _exchange(
                session, deadline, addresses, url, body, headers, verify
            )
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        reason = f"No answer within {limit_seconds:g} seconds." if deadline.is_over else ""
        return Answer(taken(), error=reason or _describe(error))
    if deadline.is_over:
        reason = f"No complete answer within {limit_seconds:g} seconds."
        return Answer(taken(), status, reason, head, retry_after)
    return Answer(taken(), status, "", head, retry_after)


def _exchange(
    session: requests.Session,
    deadline: Deadline,
    addresses: list[str],
    url: str,
    body: bytes,
    headers: dict[str, str],
    verify: bool | str,
) -> tuple[int, str | None, str]:
    session.trust_env = False
    adapter = PinnedAdapter(addresses, deadline)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    with session.post(
        url,
        data=body,
        headers={**FIXED_HEADERS, **headers},
        timeout=(CONNECT_SECONDS, deadline.seconds),
        allow_redirects=False,
        stream=True,
        verify=verify,
    ) as response:
        head = response.raw.read(READ_LIMIT_BYTES, decode_content=False)[:KEEP_LIMIT_BYTES]
        return (
            response.status_code,
            response.headers.get("Retry-After"),
            # PostgreSQL keeps no NUL in a text.
            head.decode("utf-8", "replace").replace("\x00", "\ufffd"),
        )


def _describe(error: Exception) -> str:
    """Return a sentence for people; library texts hold object addresses, and ours no secrets."""
    kinds: list[tuple[type[Exception], str]] = [
        (requests.exceptions.SSLError, "The certificate of the receiver is not valid."),
        (requests.exceptions.ConnectTimeout, "The receiver could not be reached in 5 seconds."),
        (requests.exceptions.Timeout, "The receiver did not answer in time."),
        (requests.exceptions.ConnectionError, "The connection failed or was closed."),
    ]
    for kind, sentence in kinds:
        if isinstance(error, kind):
            return sentence
    return f"The request failed ({type(error).__name__})."
