"""How much one address, organization or key may ask in a time (B10); off unless switched on.

Everything a request counts against is counted by one script in Redis, in one round trip, against
all rules or none: what is refused does not count. While Redis is away nobody is limited, and
nobody waits for it.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv6Address, ip_network
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from redis.backoff import NoBackoff
from redis.retry import Retry

from organizations.kernel.api import errors, transport
from organizations.kernel.outages import Breaker

SCRIPT = Path(__file__).with_name("counting.lua").read_text()
ANSWER_WITHIN_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 60
FIVE_MINUTES = 300_000
SECOND = 1_000
# The limits of ingest go by route, not by host name (B11.6).
INGEST = re.compile(r"/organizations/[^/]+/measurements/?")
EXPLORER = re.compile(r"/organizations/[^/]+/dataexplorer(/.*)?")
USAGE_QUERY = re.compile(r"/organizations/[^/]+/usage/query/?")
IPV6_NETWORK_BITS = 64  # whoever has an IPv6 address has as many as these bits leave
breaker = Breaker(__name__)


@dataclass(frozen=True, slots=True)
class Rule:
    """At most ``limit`` requests of one subject in a period; 0 is no limit.

    ``kind`` is how it is counted, see ``counting.lua``; ``name`` is the setting.
    """

    name: str
    kind: str
    period: int
    whose: str
    burst: int = 1  # a bucket holds this many times the limit of its period

    @property
    def limit(self) -> int:
        """How many, as configured."""
        return int(settings.RATE_LIMITS[self.name]) * self.burst


CONFIG_PER_ADDRESS = Rule("config_per_address", "rolling", FIVE_MINUTES, "address")
CONFIG_PER_ORGANIZATION = Rule("config_per_organization", "second", SECOND, "organization")
INGEST_PER_ADDRESS = Rule("ingest_per_address", "rolling", FIVE_MINUTES, "address")
INGEST_PER_ORGANIZATION = Rule("ingest_per_organization", "second", SECOND, "organization")
EXPLORER_PER_ORGANIZATION = Rule(
    "explorer_per_organization", "bucket", SECOND, "organization", burst=10
)
USAGE_QUERIES_PER_ORGANIZATION = Rule(
    "usage_queries_per_organization", "bucket", SECOND, "organization", burst=10
)
TOKENS_PER_KEY = Rule("tokens_per_key", "bucket", SECOND, "access key")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say about one request; times in milliseconds."""

    rule: Rule | None = None  # the tightest one, or the one that refused
    is_refused: bool = False
    wait: int = 0
    left: int = 0
    reset: int = 0

    def refusal(self) -> HttpResponse | None:
        """Return the 429, or None for who may go on (B10.1)."""
        if not self.is_refused or self.rule is None:
            return None
        response = errors.answer(429, f"Too many requests of this {self.rule.whose}.")
        response["Retry-After"] = str(
            min(max(1, math.ceil(self.wait / 1000)), LONGEST_WAIT_SECONDS)
        )
        if self.rule.period == SECOND:
            response["retry-after-ms"] = str(max(1, self.wait))
        return response

    def tell(self, response: HttpResponse) -> HttpResponse:
        """Put what is left into the headers of an answer."""
        if self.rule is not None:
            response["X-RateLimit-Limit"] = str(self.rule.limit)
            response["X-RateLimit-Remaining"] = str(self.left)
            response["X-RateLimit-Reset"] = str(math.ceil(self.reset / 1000))
        return response


UNLIMITED = Verdict()


def of_request(request: HttpRequest, organization_id: Any) -> Verdict:
    """Count a request below ``/organizations/``.

    Without an organization it was refused by the doorkeeper, and counts for its address only:
    nobody uses up what an organization may ask without a token of it.
    """
    path = request.path_info
    if INGEST.fullmatch(path):
        by_address, by_organization = INGEST_PER_ADDRESS, [INGEST_PER_ORGANIZATION]
    elif EXPLORER.fullmatch(path):
        by_address = CONFIG_PER_ADDRESS
        by_organization = [CONFIG_PER_ORGANIZATION, EXPLORER_PER_ORGANIZATION]
    elif USAGE_QUERY.fullmatch(path):
        by_address = CONFIG_PER_ADDRESS
        by_organization = [CONFIG_PER_ORGANIZATION, USAGE_QUERIES_PER_ORGANIZATION]
    else:
        by_address, by_organization = CONFIG_PER_ADDRESS, [CONFIG_PER_ORGANIZATION]
    asked = [(by_address, _network(request.META.get("REMOTE_ADDR", "")))]
    if organization_id is not None:
        asked += [(rule, str(organization_id)) for rule in by_organization]
    return count(asked)


def of_token(key_id: str) -> Verdict:
    """Count a request for a token; never counted against an organization (B10.3)."""
    return count([(TOKENS_PER_KEY, key_id.lower()[:36])])


def count(asked: Sequence[tuple[Rule, str]]) -> Verdict:
    """Count one request against rules, each with the subject it is counted for."""
    asked = [(rule, subject) for rule, subject in asked if subject and rule.limit > 0]
    if not asked:
        return UNLIMITED
    keys = [f"limits:{rule.name}:{subject}" for rule, subject in asked]
    about = [
        word for rule, _ in asked for word in (rule.kind, rule.limit, rule.period * rule.burst)
    ]
    found = breaker.call(lambda: _script()(keys, about), lambda: None)
    if found is None:
        return UNLIMITED
    refused, wait, tightest, left, reset = found
    rule = asked[(refused or tightest) - 1][0]
    if refused:
        return Verdict(rule, True, wait, 0, wait)
    return Verdict(rule, False, 0, left, reset)


def _network(address: str) -> str:
    """Return what is counted as one source: an IPv4 address, or an IPv6 network."""
    parsed = transport.parse(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, IPV6_NETWORK_BITS), strict=False))
    return str(parsed or "")


@cache
def _script() -> Any:
    """Return the script, called by its digest over connections that nobody waits for."""
    client = redis.Redis.from_url(
        f"{settings.REDIS_URL}/1",
        socket_timeout=ANSWER_WITHIN_SECONDS,
        socket_connect_timeout=ANSWER_WITHIN_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    return client.register_script(SCRIPT)


def forget_connections() -> None:
    """Connect again with the next call, and to the address of that time."""
    _script.cache_clear()
    breaker.forget()
