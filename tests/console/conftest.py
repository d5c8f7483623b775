"""An administrator in front of the console of an organization of their own."""

import pytest

from organizations.founding import Founded
from tests import factories
from tests.console.clients import Console


@pytest.fixture
def founded(db: None) -> Founded:
    """An organization with its first administrator."""
    return factories.make_founded(admin_password="a-long-secret")


@pytest.fixture
def console(founded: Founded) -> Console:
    """The administrator, logged in."""
    return Console(founded.admin)
