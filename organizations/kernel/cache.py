"""The cache in Redis; while Redis is away each process goes on with a memory of its own.

What is counted there (failed logins) is then counted per process instead of not at all.
"""

from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache

from organizations.kernel.outages import Breaker

OPERATIONS = (
    "add", "get", "set", "touch", "delete", "get_many", "has_key", "incr", "set_many",
    "delete_many", "clear",
)  # fmt: skip
_breaker = Breaker(__name__)


class SparedRedisCache(RedisCache):
    """Django's cache in Redis, spared while Redis does not answer."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self.memory = LocMemCache("while Redis is away", {})

    def _both_ways(self, operation: str, *args: Any, **options: Any) -> Any:
        return _breaker.call(
            lambda: getattr(RedisCache, operation)(self, *args, **options),
            lambda: getattr(self.memory, operation)(*args, **options),
        )


def _spared(operation: str) -> Any:
    def call(self: SparedRedisCache, *args: Any, **options: Any) -> Any:
        return self._both_ways(operation, *args, **options)

    call.__name__ = operation
    call.__doc__ = getattr(RedisCache, operation).__doc__
    return call


for _operation in OPERATIONS:
    setattr(SparedRedisCache, _operation, _spared(_operation))


def forget_outage() -> None:
    """Ask Redis again with the next call."""
    _breaker.forget()
