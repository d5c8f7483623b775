"""A home of its own for tests that start, kill and stop servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config import embedded


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """An empty home; whatever runs there at the end is stopped and deleted.

    For root it lies below a folder that nobody else may enter, so PostgreSQL's data goes outside.
    """
    yield tmp_path / "home"
    embedded.remove(tmp_path / "home")
