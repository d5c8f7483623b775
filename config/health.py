"""``GET /health``: whether database, broker and a worker are there. Needs no login.

Answers within two seconds, also when a server accepts connections and then says nothing: each
question is asked in a thread of its own and counts as failed when its time is over.
"""

import logging
from concurrent.futures import Future, ThreadPoolExecutor, wait

import psycopg
import redis
from django.conf import settings
from django.http import HttpRequest, JsonResponse

from config import heartbeat

ANSWER_WITHIN_SECONDS = 1.5
logger = logging.getLogger(__name__)


def health(request: HttpRequest) -> JsonResponse:
    """Return 200 with every part ``ok``, or 503 with the reason beside each failing part."""
    asked = {part: asker.submit(question) for part, (asker, question) in _QUESTIONS.items()}
    wait(asked.values(), timeout=ANSWER_WITHIN_SECONDS)
    parts = {part: _state(part, answer) for part, answer in asked.items()}
    is_fine = all(state == "ok" for state in parts.values())
    return JsonResponse(
        {"status": "ok" if is_fine else "failing", **parts},
        status=200 if is_fine else 503,
        headers={"Cache-Control": "no-store"},
    )


def _state(part: str, answer: "Future[str]") -> str:
    if not answer.done():
        answer.cancel()
        return "no answer"
    if (error := answer.exception()) is None:
        return answer.result()
    # Addresses and user names stay in the log; anybody may read this page.
    logger.warning("The %s does not answer: %s", part, error)
    return "unreachable"


def _ask_database() -> str:
    with psycopg.connect(settings.DATABASE_URL, connect_timeout=2) as connection:
        connection.execute("SELECT 1")
    return "ok"


def _ask_broker() -> str:
    with _redis(settings.BROKER_URL) as client:
        client.ping()
    return "ok"


def _ask_worker() -> str:
    with _redis(settings.REDIS_URL) as client:
        return "ok" if client.exists(heartbeat.KEY) else "none at work"


def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)


def _asker(part: str) -> ThreadPoolExecutor:
    """Return few threads for one part: while its server hangs, later questions wait in line and
    fail by the same limit, and those about other parts are not held up."""
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix=f"health-{part}")


_QUESTIONS = {
    "database": (_asker("database"), _ask_database),
    "broker": (_asker("broker"), _ask_broker),
    "worker": (_asker("worker"), _ask_worker),
}
