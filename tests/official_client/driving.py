"""The SDK's two clients, driven by one script.

A script is written for the synchronous client. ``Blocking`` lets it speak to the asynchronous one
in the same words: it waits for what a call promises, and walks every page of a list.
"""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from django.db import connection
from m3ter import AsyncM3ter, M3ter

from organizations import tokens
from organizations.founding import Founded
from organizations.models import AccessKey

T = TypeVar("T")
MODES = ("sync", "sync strict", "async", "async strict")


class Blocking:
    """Stands before the asynchronous client or anything reached through it."""

    def __init__(self, target: Any, runner: asyncio.Runner) -> None:
        self._target = target
        self._runner = runner

    def __getattr__(self, name: str) -> "Blocking":
        return Blocking(getattr(self._target, name), self._runner)

    def __call__(self, *args: Any, **named: Any) -> Any:
        promised = self._target(*args, **named)
        is_list = hasattr(promised, "__aiter__")
        return self._runner.run(_walk(promised) if is_list else promised)


async def _walk(pages: Any) -> list[Any]:
    return [row async for row in pages]


def committed(make: Callable[[], T]) -> T:
    """Return what ``make`` returns, its rows written outside of the test's own transaction."""

    def apart() -> T:
        try:
            return make()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as elsewhere:
        return elsewhere.submit(copy_context().run, apart).result()


def client(mode: str, founded: Founded, url: str, runner: asyncio.Runner) -> Any:
    """Return a client as a customer configures it; ``strict`` refuses answers of another shape.

    The asynchronous client never asks for a token itself, so it is given one (B11.3).
    """
    is_async = mode.startswith("async")
    key = AccessKey.objects.get(pk=founded.access_key_id)
    made = (AsyncM3ter if is_async else M3ter)(
        api_key=founded.access_key_id,
        api_secret=founded.api_secret,
        token=tokens.token_for(key) if is_async else None,
        org_id=str(founded.organization.pk),
        base_url=url,
        max_retries=0,
        _strict_response_validation=mode.endswith("strict"),
    )
    return Blocking(made, runner) if is_async else made


def as_arguments(body: Any) -> Any:
    """Return a body of the contract in the SDK's words: ``pricingBands`` is ``pricing_bands``."""
    if isinstance(body, dict):
        return {_word(name): as_arguments(value) for name, value in body.items()}
    if isinstance(body, list):
        return [as_arguments(value) for value in body]
    return body


def _word(name: str) -> str:
    """Return a field's name as the SDK spells it."""
    return re.sub(r"(?=[A-Z])", "_", name).lower()
