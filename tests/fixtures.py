"""Fixtures every test may ask for."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import TransactionTestCase
from whitenoise.middleware import WhiteNoiseMiddleware

from billing.usage.store import months
from organizations import founding, tokens
from organizations.kernel import isolation
from organizations.models import Organization
from tests import emptying
from tests.clients import ApiClient
from tests.factories import make_founded


@pytest.fixture(scope="session", autouse=True)
def see_everything() -> Iterator[None]:
    """Let tests make and look at rows of every organization.

    What they call enters an organization of its own. Ask for ``sees_nothing`` to begin as a
    program does.
    """
    with isolation.everywhere():
        yield


@pytest.fixture
def sees_nothing(founded: founding.Founded) -> Iterator[None]:
    """Take the sight of every organization from a test, ``founded`` being made already."""
    with isolation.nothing():
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Let a test that commits leave an empty database, quicker than Django empties it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", emptying.empty)
        yield


@pytest.fixture(scope="session", autouse=True)
def static_files_are_found_once() -> Iterator[None]:
    """Let the clients of all tests share the list of static files: each would look for them."""
    found: dict[str, Any] = {}
    look = WhiteNoiseMiddleware.add_files_from_finders

    def add(middleware: WhiteNoiseMiddleware) -> None:
        if not found:
            look(middleware)
            found.update(middleware.files)
        middleware.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", add)
        yield


@pytest.fixture(autouse=True)
def forget_partitions() -> None:
    """Start each test without what the process remembers: a rollback takes partitions back."""
    months.forget()


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    """Hash passwords quickly: hundreds of people are made."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def forget_access_keys() -> None:
    """Start each test without what the process remembers of access keys."""
    tokens.forget_keys()


@pytest.fixture(autouse=True)
def forget_failed_attempts() -> None:
    """Start each test without lockouts: all tests call from one address."""
    cache.clear()


@pytest.fixture
def founded(db: Any) -> founding.Founded:
    """A freshly founded organization with administrator, service user, key and secret."""
    return make_founded()


@pytest.fixture
def organization(founded: founding.Founded) -> Organization:
    """The organization of ``founded``."""
    return founded.organization


@pytest.fixture
def api(founded: founding.Founded) -> ApiClient:
    """An API client of the organization's administrator."""
    return ApiClient(founded)


@pytest.fixture
def eager_tasks() -> Iterator[None]:
    """Run each task where it is enqueued, so that a job is done when its request returns."""
    from config.celery import app

    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False
