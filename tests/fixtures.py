"""Fixtures every test may ask for."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from psycopg import sql

from organizations import founding, tokens
from organizations.kernel import isolation
from organizations.models import Organization
from tests.clients import ApiClient
from tests.factories import make_founded


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Let the application role empty tables between tests; nowhere else may it."""
    from django.conf import settings

    with django_db_blocker.unblock(), isolation.as_owner(), connection.cursor() as cursor:
        role = sql.Identifier(settings.DATABASE_APPLICATION_ROLE)
        cursor.execute(sql.SQL("GRANT TRUNCATE ON ALL TABLES IN SCHEMA public TO {}").format(role))


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
