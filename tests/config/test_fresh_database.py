"""A PostgreSQL that nobody has prepared: what README promises for ``DATABASE_URL``."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config import embedded
from config.embedded import binaries, postgres_server

CHECKOUT = Path(__file__).resolve().parents[2]
SYSTEM = Path("/usr/lib/postgresql/15/bin")
REDIS_GIVEN = {"REDIS_URL": "redis://given"}
pytestmark = pytest.mark.kill


@pytest.fixture(params=["embedded", "system"])
def superuser(request: Any, home: Path, monkeypatch: Any) -> Iterator[Any]:
    """A connection to a new, empty cluster, as its superuser."""
    if request.param == "system":
        if not (SYSTEM / "initdb").exists():
            pytest.skip(f"PostgreSQL 15 is not installed in {SYSTEM}.")
        monkeypatch.setattr(binaries, "_postgres_folders", lambda: [SYSTEM])
    embedded.start(home, environ=REDIS_GIVEN, durable=False)
    with postgres_server.access(home).connect() as connection:
        yield connection


def login(superuser: Any, name: str, options: str) -> str:
    """Make a login that owns a database of its own; return the address for ``DATABASE_URL``."""
    superuser.execute(f"CREATE ROLE {name} LOGIN {options} PASSWORD 'secret'")
    superuser.execute(f"CREATE DATABASE {name} OWNER {name}")
    return f"postgresql://{name}:secret@127.0.0.1:{superuser.info.port}/{name}"


def manage(url: str, home: Path, *words: str) -> tuple[int, str]:
    """Run a command on that database; return its exit status and what it complains of."""
    environ = {**os.environ, "DATABASE_URL": url, "BILLWRIGHT_HOME": str(home.parent / "other")}
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=CHECKOUT, env=environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr.strip()


def test_a_login_that_may_make_roles_needs_nothing_but_migrate(superuser: Any, home: Path) -> None:
    url = login(superuser, "acme", "CREATEROLE")

    before = manage(url, home, "create_org", "--name", "A", "--admin-email", "a@example.com")
    migrated = manage(url, home, "migrate", "--verbosity=0")
    after = manage(url, home, "create_org", "--name", "A", "--admin-email", "a@example.com")

    assert before == (1, "The database has no role billwright_app: run `manage.py migrate` first.")
    assert migrated == (0, "")
    assert after[0] == 0


def test_a_login_that_may_not_make_roles_is_told_statements_that_are_enough(
    superuser: Any, home: Path
) -> None:
    url = login(superuser, "poor", "NOCREATEROLE")

    status, said = manage(url, home, "migrate", "--verbosity=0")
    statements = said.partition("Have a superuser run: ")[2]
    superuser.execute(statements)

    assert status == 1
    assert statements == (
        "CREATE ROLE billwright_app NOLOGIN; CREATE ROLE billwright_everywhere NOLOGIN; "
        "GRANT billwright_app, billwright_everywhere TO poor;"
    )
    assert manage(url, home, "migrate", "--verbosity=0") == (0, "")


def test_a_login_that_is_no_member_of_the_roles_is_told_to_be_made_one(
    superuser: Any, home: Path
) -> None:
    superuser.execute("CREATE ROLE billwright_app NOLOGIN; CREATE ROLE billwright_everywhere")
    url = login(superuser, "stranger", "NOCREATEROLE")

    refused = manage(url, home, "migrate", "--verbosity=0")
    other = manage(url, home, "verify_audit")
    superuser.execute(refused[1].partition("Have a superuser run: ")[2])

    assert refused == (
        1,
        "CommandError: The login of DATABASE_URL may not act as database roles. Have a superuser"
        " run: GRANT billwright_app, billwright_everywhere TO stranger;",
    )
    assert other[0] == 1
    assert other[1].startswith("The login of DATABASE_URL may not act as role billwright_")
    assert manage(url, home, "migrate", "--verbosity=0") == (0, "")
