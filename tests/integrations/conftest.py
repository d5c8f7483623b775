"""Loopback receivers need http, literal and private targets."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integrations.receiving import Receiver, receiving


@pytest.fixture(autouse=True)
def _loopback_is_allowed(settings: Any) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE_TARGETS = True


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that answers 200 until told otherwise."""
    with receiving() as running:
        yield running
