"""What tests of policies over the API share."""

from collections.abc import Callable
from typing import Any

import pytest

from organizations import tokens
from tests.clients import ApiClient
from tests.organizations.test_grants import make_robot


@pytest.fixture
def acting(founded: Any, organization: Any) -> Callable[..., ApiClient]:
    """Return a function that makes a client of a service user with these statements."""

    def make(*statements: Any) -> ApiClient:
        robot, _ = make_robot(organization, *statements)
        key, _ = tokens.make_key(robot, created_by=robot.pk)
        return ApiClient(founded, tokens.token_for(key))

    return make
